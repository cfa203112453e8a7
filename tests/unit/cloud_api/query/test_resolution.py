"""Buckets: half-open, none missing, none doubled, the cut ones named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.query.resolution import (
    CLOCK_ORIGIN_US,
    UNCERTAIN_DATA_SUB_NORMAL,
    Align,
    Buckets,
    Window,
    bucket_status,
    buckets_by_interval,
    buckets_by_points,
    expected_samples,
)
from schemas.status import BAD_NO_DATA, GOOD

WINDOWS = st.tuples(st.integers(-(10**15), 10**15), st.integers(1, 10**9)).map(lambda p: Window(p[0], p[0] + p[1]))
STEPS = st.integers(10**5, 10**10)


@given(WINDOWS, STEPS, st.sampled_from(Align))
def test_buckets_cover_the_window_once(window: Window, step_us: int, align: Align):
    buckets = buckets_by_interval(window, step_us, align)
    starts = list(buckets.starts_us())
    assert len(starts) == buckets.count
    assert starts[0] <= window.from_us < starts[0] + step_us
    assert starts[-1] < window.to_us <= starts[-1] + step_us
    assert all((start - buckets.origin_us) % step_us == 0 for start in starts)


@given(WINDOWS, STEPS, st.sampled_from(Align))
def test_exactly_the_cut_buckets_are_partial(window: Window, step_us: int, align: Align):
    buckets = buckets_by_interval(window, step_us, align)
    cut = [start for start in buckets.starts_us() if start < window.from_us or start + step_us > window.to_us]
    assert buckets.partial_us() == cut


@given(WINDOWS, st.integers(1, 1000))
def test_points_are_never_exceeded(window: Window, points: int):
    assert buckets_by_points(window, points).count <= points


def test_part_13_begins_at_from():
    assert buckets_by_interval(Window(7, 100), 10, Align.FROM).first_us == 7


def test_the_clock_begins_on_a_monday():
    day_us = 86_400_000_000
    buckets = buckets_by_interval(Window(CLOCK_ORIGIN_US - 1, CLOCK_ORIGIN_US + 1), 7 * day_us, Align.CLOCK)
    assert list(buckets.starts_us()) == [CLOCK_ORIGIN_US - 7 * day_us, CLOCK_ORIGIN_US]


def test_a_window_of_whole_buckets_cuts_none():
    assert Buckets(Window(0, 30), 10, 0).partial_us() == []


@pytest.mark.parametrize(
    ("good", "all_of_them", "status"),
    [(5, 5, GOOD), (4, 5, UNCERTAIN_DATA_SUB_NORMAL), (0, 5, BAD_NO_DATA), (0, 0, BAD_NO_DATA)],
)
def test_status_of_a_bucket(good: int, all_of_them: int, status: int):
    assert bucket_status(good, all_of_them) == status


def test_expected_samples_need_every_period():
    window = Window(0, 60_000_000)
    assert expected_samples(window, [1.0, 0.5]) == 122 + 242
    assert expected_samples(window, [1.0, None]) is None
    assert expected_samples(window, [0.0]) is None
