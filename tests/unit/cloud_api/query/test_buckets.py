"""Buckets: half-open, none missing, none doubled, the cut ones named."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.query.buckets import (
    CLOCK_ORIGIN_US,
    Align,
    Buckets,
    Window,
    buckets_by_length,
    buckets_by_points,
)

WINDOWS = st.tuples(st.integers(-(10**15), 10**15), st.integers(1, 10**9)).map(lambda p: Window(p[0], p[0] + p[1]))
STEPS = st.integers(10**5, 10**10)


@given(WINDOWS, STEPS, st.sampled_from(Align))
def test_buckets_cover_the_window_once(window: Window, step_us: int, align: Align):
    buckets = buckets_by_length(window, step_us, align)
    starts = list(buckets.starts_us())
    assert len(starts) == buckets.count
    edges = buckets.edges_us()
    assert (edges[0], edges[-1]) == (window.from_us, window.to_us)
    assert len(edges) == buckets.count + 1
    assert (edges[1:] > edges[:-1]).all()
    assert starts[0] <= window.from_us < starts[0] + step_us
    assert starts[-1] < window.to_us <= starts[-1] + step_us
    assert all((start - buckets.origin_us) % step_us == 0 for start in starts)


@given(WINDOWS, STEPS, st.sampled_from(Align))
def test_exactly_the_cut_buckets_are_partial(window: Window, step_us: int, align: Align):
    buckets = buckets_by_length(window, step_us, align)
    cut = [start for start in buckets.starts_us() if start < window.from_us or start + step_us > window.to_us]
    assert buckets.partial_us() == cut


@given(WINDOWS, st.integers(1, 1000))
def test_points_are_never_exceeded(window: Window, points: int):
    assert buckets_by_points(window, points).count <= points


def test_part_13_begins_at_from():
    assert buckets_by_length(Window(7, 100), 10, Align.FROM).first_us == 7


def test_the_clock_begins_on_a_monday():
    day_us = 86_400_000_000
    buckets = buckets_by_length(Window(CLOCK_ORIGIN_US - 1, CLOCK_ORIGIN_US + 1), 7 * day_us, Align.CLOCK)
    assert list(buckets.starts_us()) == [CLOCK_ORIGIN_US - 7 * day_us, CLOCK_ORIGIN_US]


def test_a_window_of_whole_buckets_cuts_none():
    assert Buckets(Window(0, 30), 10, 0).partial_us() == []
