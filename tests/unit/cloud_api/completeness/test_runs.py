"""Walks over pieces join to the walk over the whole; a plan covers it, and what is rolled of it is whole buckets."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.completeness.expectation import expect
from cloud_api.completeness.route import Leg, Rolled, plan, resolution_for
from cloud_api.completeness.runs import Ends, Run
from cloud_api.storage.rollup_rows import Resolution

M = 60_000_000
LIMIT = 3
EDGES = (0, 60)


def ends(times: list[int]) -> Ends | None:
    steps = pairwise(times)
    return Ends(times[0], times[-1], [step for step in steps if step[1] - step[0] > LIMIT]) if times else None


def run(samples: dict[int, bool], low: int, high: int) -> Run:
    """What a walk over [low, high) finds; False is a Bad sample."""
    times = sorted(time for time in samples if low <= time < high)
    return Run(len(times), ends(times), ends([time for time in times if samples[time]]))


@given(
    st.dictionaries(st.integers(0, 59), st.booleans(), max_size=25),
    st.lists(st.integers(0, 60), max_size=4).map(sorted),
)
def test_walks_over_pieces_join_to_the_walk_over_the_whole(samples: dict[int, bool], cuts: list[int]):
    joined = Run()
    for low, high in zip([0, *cuts], [*cuts, 60], strict=True):
        joined = joined.followed_by(run(samples, low, high), LIMIT)
    assert joined.observed(EDGES, LIMIT) == run(samples, *EDGES).observed(EDGES, LIMIT)


@given(
    st.tuples(st.integers(0, 200), st.integers(1, 200)),
    st.integers(0, 5),
    st.none() | st.integers(0, 400),
    st.none() | st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 40)), max_size=3),
    st.sampled_from([None, *Resolution]),
)
def test_the_legs_of_a_plan_cover_it_once(
    span: tuple[int, int],
    early: int,
    until: int | None,
    raw_from: int | None,
    marks: list[tuple[int, int]],
    resolution: Resolution | None,
):
    from_us, to_us = span[0] * M, (span[0] + span[1]) * M
    scan = (from_us - early * M, to_us)
    rolled = Rolled(*(None if each is None else each * M for each in (until, raw_from)))
    dirty = [(low * M, (low + length) * M) for low, length in marks]
    legs = plan(scan, from_us, resolution, rolled, dirty)
    assert all(before.stretch[1] == after.stretch[0] for before, after in pairwise(legs))
    assert legs[-1].stretch[1] == to_us
    is_raw_gone = rolled.raw_from_us is not None and from_us < rolled.raw_from_us
    assert legs[0].stretch[0] == scan[0] or (is_raw_gone and legs[0].resolution is not None)
    for leg in legs:
        if leg.resolution is not None:
            check_rolled(leg, rolled, dirty)


def check_rolled(leg: Leg, rolled: Rolled, dirty: list[tuple[int, int]]) -> None:
    assert leg.resolution is not None
    width = leg.resolution.width_us
    assert leg.stretch[0] % width == leg.stretch[1] % width == 0
    assert rolled.until_us is not None
    assert leg.stretch[1] <= rolled.until_us
    assert not [mark for mark in dirty if mark[0] < leg.stretch[1] and leg.stretch[0] < mark[1]]


def test_the_resolution_shows_every_silence():
    assert resolution_for(expect(1.0, None, None)) is Resolution.QUARTER
    assert resolution_for(expect(None, None, None)) is Resolution.QUARTER
    assert resolution_for(expect(1.0, "1%", 60.0)) is Resolution.MINUTE
    assert resolution_for(expect(1.0, "1%", 3_600.0)) is Resolution.QUARTER
    assert resolution_for(expect(1.0, "1%", 10.0)) is None
