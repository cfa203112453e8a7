"""Completeness of one series, by examples and against a judge that looks at every second by itself."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.completeness.causes import Blame, Hole
from cloud_api.completeness.expectation import Expectation, Promise, expect
from cloud_api.completeness.judge import Case, Judgement, Observed, judge
from cloud_api.completeness.stretches import Stretch

S = 1_000_000
WINDOW = (1_000 * S, 1_600 * S)
SCANNED = expect(10.0, None, None)


def observed(times_s: list[int], expectation: Expectation, window: Stretch = WINDOW) -> Observed:
    """What a walk over these samples finds."""
    limit_us = expectation.limit_us or 2**62
    scan_from = window[0] - (expectation.limit_us or 0)
    times = [time * S for time in sorted(times_s) if scan_from <= time * S < window[1]]
    steps = zip([scan_from, *times], [*times, window[1]], strict=True)
    silences = [(low, high) for low, high in steps if high - low > limit_us]
    received = sum(window[0] <= time < window[1] for time in times)
    return Observed(received, silences, silences)


def case(times_s: list[int], expectation: Expectation = SCANNED, **more: object) -> Case:
    beside: dict[str, object] = {
        "born_us": 0,
        "retired_us": None,
        "until_us": WINDOW[1],
        "now_us": WINDOW[1],
    } | more
    return Case(WINDOW, expectation, observed(times_s, expectation), **beside)  # pyright: ignore[reportArgumentType]


def holes(judgement: Judgement) -> list[tuple[float, float, str, Blame | None]]:
    return [(hole.from_us / S, hole.to_us / S, hole.reason, hole.blame) for hole in judgement.holes]


ALL = list(range(990, 1_600, 10))


def test_a_series_that_came_whole_is_complete():
    found = judge(case(ALL))
    assert (found.percent, found.expected, found.received, found.holes, found.unknown) == (100.0, 60, 60, [], [])


def test_one_missed_scan_is_one_period_missing():
    found = judge(case([time for time in ALL if time != 1_200]))
    assert holes(found) == [(1_200, 1_210, "not_reported", None)]
    assert (found.expected, found.received) == (60, 59)
    assert found.percent == pytest.approx(100 * 590 / 600)


def test_jitter_of_less_than_half_a_period_is_no_hole():
    assert judge(case([time + (4 if time % 20 else 0) for time in ALL])).holes == []


def test_a_declared_gap_explains_the_silence_and_both_edges():
    times = [time for time in ALL if not 1_200 <= time < 1_300]
    gap = Hole(1_193 * S, 1_300 * S, "device_unreachable", Blame.DEVICE)
    assert holes(judge(case(times, holes=[gap]))) == [(1_193, 1_300, "device_unreachable", Blame.DEVICE)]


def test_what_a_gap_does_not_reach_stays_unexplained():
    times = [time for time in ALL if not 1_200 <= time < 1_300]
    gap = Hole(1_190 * S, 1_240 * S, "agent_stopped", Blame.AGENT)
    found = holes(judge(case(times, holes=[gap])))
    assert found == [(1_190, 1_240, "agent_stopped", Blame.AGENT), (1_240, 1_300, "not_reported", None)]


def test_a_gap_that_was_filled_in_afterwards_is_no_hole():
    gap = Hole(1_200 * S, 1_300 * S, "device_unreachable", Blame.DEVICE)
    assert judge(case(ALL, holes=[gap])).percent == 100.0


def test_nothing_is_known_after_until():
    found = judge(case([time for time in ALL if time < 1_300], until_us=1_300 * S))
    assert found.percent == 100.0
    assert found.known == (WINDOW[0], 1_300 * S)
    assert found.open_end == (1_300 * S, WINDOW[1])
    assert found.expected == 30


def test_a_source_that_never_says_how_far_it_is_leaves_everything_unknown():
    found = judge(case(ALL, until_us=None))
    assert (found.percent, found.expected, found.open_end) == (None, 0, WINDOW)


def test_a_retired_series_ends_and_a_new_one_begins():
    found = judge(case([time for time in ALL if 1_100 <= time < 1_200], born_us=1_100 * S, retired_us=1_200 * S))
    assert (found.percent, found.expected, found.open_end[0]) == (100.0, 10, found.open_end[1])


def test_maintenance_is_planned_and_not_missing():
    times = [time for time in ALL if not 1_200 <= time < 1_300]
    found = judge(case(times, planned=[(1_200 * S, 1_280 * S)]))
    assert holes(found) == [(1_280, 1_300, "not_reported", None)]
    assert (found.planned_us, found.expected_us) == (80 * S, 520 * S)


def test_rejects_and_batches_under_way_explain_silences():
    times = [time for time in ALL if not 1_200 <= time < 1_300]
    found = judge(case(times, rejected=[(1_200 * S, 1_230 * S)], doubtful=[(1_250 * S, 1_600 * S)]))
    assert holes(found) == [(1_200, 1_230, "rejected", Blame.AGENT), (1_230, 1_250, "not_reported", None)]
    assert [(hole.from_us / S, hole.to_us / S, hole.reason) for hole in found.unknown] == [(1_250, 1_300, "in_outbox")]
    assert found.expected_us == 550 * S


def test_behind_a_deadband_a_sample_is_due_after_each_max_silence():
    rule = expect(1.0, "0.5%", 60.0)
    assert judge(case(list(range(990, 1_600, 60)), rule)).holes == []
    quiet = judge(case([time for time in range(990, 1_600, 60) if time != 1_230], rule))
    assert holes(quiet) == [(1_231, 1_290, "not_reported", None)]
    busy = judge(case(list(range(990, 1_600)), rule))
    assert (busy.percent, busy.received, busy.expected) == (100.0, 600, 9)
    # A deadband hides whether something changed in a gap, so it counts whatever stands around it.
    gap = Hole(1_200 * S, 1_220 * S, "agent_stopped", Blame.AGENT)
    assert judge(case(list(range(990, 1_600, 60)), rule, holes=[gap])).missing_us == 20 * S


def test_a_subscribed_tag_has_no_holes_but_declared_ones():
    rule = expect(None, None, None)
    assert rule.promise is Promise.ON_CHANGE
    assert judge(case([1_005], rule)).percent == 100.0
    gap = Hole(1_200 * S, 1_260 * S, "source_overflow", Blame.DEVICE)
    found = judge(case([1_005], rule, holes=[gap]))
    assert (found.percent, found.expected) == (90.0, None)


# By brute force: samples on a grid of 10 s, everything else on the same grid, looked at second by second.
GRID = st.integers(95, 165)
SPANS = st.lists(st.tuples(GRID, GRID).filter(lambda pair: pair[0] < pair[1]), max_size=3)


def is_between_distant_samples(second: int, times: list[int]) -> bool:
    """Whether a gap is believed here: the samples around are further apart than one scan may be late."""
    before = max((time for time in times if time <= second), default=0)
    after = min((time for time in times if time > second), default=9_999)
    return after - before > 15


def covers(spans: list[tuple[int, int]], second: int) -> bool:
    return any(low * 10 <= second < high * 10 for low, high in spans)


@dataclass(frozen=True)
class World:
    lost: set[int]
    gaps: list[tuple[int, int]]
    planned: list[tuple[int, int]]
    rejected: list[tuple[int, int]]
    doubtful: list[tuple[int, int]]
    until: int
    born: int
    retired: int


WORLDS = st.builds(World, st.sets(GRID), SPANS, SPANS, SPANS, SPANS, st.integers(90, 170), GRID, GRID)


@given(WORLDS)
def test_the_sums_are_those_of_a_judge_that_looks_at_each_second(world: World):
    times = [tick * 10 for tick in range(90, 170) if tick not in world.lost]
    found = judge(
        case(
            times,
            until_us=world.until * 10 * S,
            born_us=world.born * 10 * S,
            retired_us=world.retired * 10 * S,
            holes=disjoint(world.gaps),
            planned=scaled(world.planned),
            rejected=union_of(world.rejected),
            doubtful=union_of(world.doubtful),
        )
    )
    reasons = {"agent_stopped": 0, "rejected": 0, "not_reported": 0, "in_outbox": 0}
    expected = planned_s = 0
    for second in range(1_000, 1_600):
        if not world.born * 10 <= second < min(world.until, world.retired) * 10:
            continue
        if covers(world.planned, second):
            planned_s += 1
            continue
        # On the grid a second is covered exactly when the sample of its own ten seconds came.
        is_lost = second // 10 * 10 not in times
        if covers(world.gaps, second) and is_between_distant_samples(second, times):
            reasons["agent_stopped"] += 1
        elif is_lost and covers(world.doubtful, second):
            reasons["in_outbox"] += 1
            continue
        elif is_lost:
            reasons["rejected" if covers(world.rejected, second) else "not_reported"] += 1
        expected += 1
    assert found.expected_us == expected * S
    assert found.planned_us == planned_s * S
    assert sum(hole.to_us - hole.from_us for hole in found.holes) == found.missing_us
    for reason, seconds in reasons.items():
        listed = [hole for hole in [*found.holes, *found.unknown] if hole.reason == reason]
        assert sum(hole.to_us - hole.from_us for hole in listed) == seconds * S, reason


def scaled(spans: list[tuple[int, int]]) -> list[Stretch]:
    return [(low * 10 * S, high * 10 * S) for low, high in spans]


def union_of(spans: list[tuple[int, int]]) -> list[Stretch]:
    ticks = sorted({tick for low, high in spans for tick in range(low, high)})
    return [(tick * 10 * S, (tick + 1) * 10 * S) for tick in ticks]


def disjoint(spans: list[tuple[int, int]]) -> list[Hole]:
    return [Hole(*stretch, "agent_stopped", Blame.AGENT) for stretch in union_of(spans)]
