"""The planner: every stretch is read once, rollups lie inside intervals, what is not rolled comes from raw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.plan import EVER_US, Kept, Plan, TooFine, make_plan
from cloud_api.query.spans import Spans, contains, length_us, make_spans, subtract, whole_buckets
from cloud_api.storage.rollup_rows import Resolution

S, M, D = 1_000_000, 60_000_000, 86_400_000_000
NEVER_US = 2**60


def edges(*marks_us: int) -> np.ndarray:
    return np.array(marks_us, np.int64)


def shown(spans: Spans) -> list[list[int]]:
    return [[low // M, high // M] for low, high in spans.tolist()]


def test_a_year_by_days_touches_quarters_alone():
    plan = make_plan(np.arange(366, dtype=np.int64) * D, Kept(NEVER_US))
    assert shown(plan.quarters) == [[0, 365 * 1440]]
    assert (len(plan.minutes), len(plan.raw), plan.estimate) == (0, 0, 365 * 96)


def test_heads_and_tails_come_from_minutes_and_raw():
    plan = make_plan(edges(7 * M + 13 * S, 3 * 1440 * M + 16 * M + 1), Kept(NEVER_US))
    assert shown(plan.quarters) == [[15, 4335]]
    assert shown(plan.minutes) == [[8, 15], [4335, 4336]]
    assert plan.raw.tolist() == [[7 * M + 13 * S, 8 * M], [4336 * M, 4336 * M + 1]]
    assert not plan.is_aligned


def test_what_is_not_rolled_yet_or_waits_to_be_rolled_again_comes_from_raw():
    kept = Kept(2 * D + 5 * M, unrolled={Resolution.MINUTE: make_spans([(D + M, D + 2 * M)])})
    plan = make_plan(edges(0, 2 * D + 10 * M), kept)
    assert shown(plan.quarters) == [[0, 1440], [1455, 2880]]
    assert shown(plan.minutes) == [[1440, 1441], [1442, 1455], [2880, 2885]]
    assert shown(plan.raw) == [[1441, 1442], [2885, 2890]]
    late = make_plan(edges(0, 2 * D), Kept(NEVER_US, unrolled={Resolution.QUARTER: make_spans([(0, 15 * M)])}))
    assert (shown(late.minutes), len(late.raw)) == ([[0, 15]], 0)


def test_short_and_sparse_windows_come_from_raw():
    assert make_plan(edges(0, 5 * M), Kept(NEVER_US)).is_raw
    assert make_plan(edges(0, D), Kept(NEVER_US, rate=1 / 600)).is_raw
    assert not make_plan(edges(0, D), Kept(NEVER_US)).is_raw


def test_edges_move_to_what_is_kept_where_raw_is_gone():
    kept = Kept(NEVER_US, raw_us=90 * D, minute_us=10 * D)
    plan = make_plan(edges(7 * M, 20 * D + 30 * S, 100 * D + 1), kept)
    assert plan.is_aligned
    assert plan.edges_us.tolist() == [0, 20 * D, 100 * D + 1]
    assert plan.raw.tolist() == [[100 * D, 100 * D + 1]]
    assert not make_plan(edges(15 * M, 20 * D), kept).is_aligned
    with pytest.raises(TooFine) as error:
        make_plan(edges(0, M, 2 * M), kept)
    assert error.value.width_us == 15 * M


EDGE = st.one_of(st.integers(0, 40 * 60).map(lambda s: s * S), st.integers(0, 40).map(lambda m: m * M))


@st.composite
def situations(draw: st.DrawFn) -> tuple[np.ndarray, Kept]:
    marks = draw(st.sets(EDGE, min_size=2, max_size=8))
    ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=3)
    unrolled = {
        resolution: make_spans([(low * M, (low + more) * M) for low, more in draw(ranges)]) for resolution in Resolution
    }
    rolled_us = draw(st.integers(0, 45)) * M
    kept = Kept(rolled_us, EVER_US, EVER_US, EVER_US, unrolled, draw(st.sampled_from([0.01, 1.0, 100.0])))
    return edges(*sorted(marks)), kept


def check(plan: Plan, asked: np.ndarray, kept: Kept) -> None:
    whole = make_spans([(int(asked[0]), int(asked[-1]))])
    parts = [plan.quarters, plan.minutes, plan.raw]
    assert sum(length_us(part) for part in parts) == length_us(whole)
    left = whole
    for part in parts:
        left = subtract(left, part)
    assert not len(left)
    for resolution, spans in ((Resolution.QUARTER, plan.quarters), (Resolution.MINUTE, plan.minutes)):
        assert whole_buckets(spans, resolution.width_us).tolist() == spans.tolist()
        starts = np.array(
            [us for low, high in spans.tolist() for us in range(low, high, resolution.width_us)], np.int64
        )
        assert (starts + resolution.width_us <= kept.rolled_us).all()
        for start in starts.tolist():
            assert not ((asked > start) & (asked < start + resolution.width_us)).any()
        for waiting in {Resolution.MINUTE, resolution}:
            inside = np.arange(0, 46 * M, M, dtype=np.int64)
            dirty = inside[contains(kept.unrolled[waiting], inside)]
            assert not contains(spans, dirty).any()


@settings(max_examples=300, deadline=None)
@given(situations())
def test_every_instant_is_read_once_from_something_that_may_serve_it(situation: tuple[np.ndarray, Kept]):
    asked, kept = situation
    check(make_plan(asked, kept), asked, kept)
