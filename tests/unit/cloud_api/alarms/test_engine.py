"""The alarm engine by properties: causes, batching, delays, Bad, deadband; and by the examples of the docs."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.alarms.evaluation.engine import (
    BY_WALL_CLOCK,
    DURING_OUTAGE,
    Change,
    ChangeKind,
    advance,
    begin_watch,
    new_state,
)
from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan
from cloud_api.alarms.evaluation.quiet import quiet_band
from cloud_api.alarms.evaluation.state import Reading, State

S = 1_000_000
BAD = 0x8000_0000
RAISE, CLEAR, LEVEL = ChangeKind.RAISE, ChangeKind.CLEAR, ChangeKind.LEVEL


def limit_plan(**more: object) -> Plan:
    levels = (
        LevelPlan("hihi", True, 100.0, 2.0, 0, 3 * S, "critical"),
        LevelPlan("hi", True, 90.0, 2.0, 5 * S, 3 * S, "high"),
        LevelPlan("lolo", False, 5.0, 1.0, 2 * S, 0, "critical"),
        LevelPlan("lo", False, 10.0, 1.0, 2 * S, 0, "low"),
    )
    return Plan("d", 1, "a/b", "n", Kind.LIMIT, levels, series_id=1, **more)  # pyright: ignore[reportArgumentType]


def hi_plan(on_us: int = 0, off_us: int = 0, deadband: float = 0.0, kind: Kind = Kind.LIMIT) -> Plan:
    level = LevelPlan("hi", True, 90.0, deadband, on_us, off_us)
    return Plan("d", 1, "a/b", "n", kind, (level,), series_id=1)


def flag_plan(kind: Kind, on_us: int = 0, off_us: int = 0, **more: object) -> Plan:
    level = LevelPlan(on_delay_us=on_us, off_delay_us=off_us)
    return Plan("d", 1, "a/b", "n", kind, (level,), series_id=1, **more)  # pyright: ignore[reportArgumentType]


def good(second: float, value: float) -> Reading:
    return Reading(round(second * S), value, 0)


def bad(second: float) -> Reading:
    return Reading(round(second * S), None, BAD)


def run(plan: Plan, *readings: Reading, until: float | None = None) -> list[tuple[str, float, str | None]]:
    until_us = None if until is None else round(until * S)
    changes = advance(plan, new_state(plan), readings, until_us).changes
    return [(change.kind.value, change.at_us / S, plan.levels[change.level].name) for change in changes]


PLANS: list[Plan] = [
    limit_plan(),
    hi_plan(),
    hi_plan(4 * S, 7 * S, 3.0),
    flag_plan(Kind.BAD_QUALITY, 3 * S, 2 * S),
    flag_plan(Kind.DISCRETE, 1 * S, 0, states=(3.0, 4.0)),
    flag_plan(Kind.STALE, 0, 0, after_us=5 * S),
    flag_plan(Kind.STALE, 1 * S, 6 * S, after_us=5 * S),
    flag_plan(Kind.COUNTER_STOPPED, 0, 3 * S, after_us=6 * S),
    flag_plan(Kind.EXPRESSION, 2 * S, 2 * S),
    Plan(
        "d",
        1,
        "a/b",
        "n",
        Kind.RATE,
        (LevelPlan("hi", True, 10.0, 1.0, 2 * S), LevelPlan("lo", False, -10.0, 1.0)),
        series_id=1,
        over_us=4 * S,
    ),
]
plans = st.sampled_from(PLANS)
values = st.one_of(
    st.none(),
    st.sampled_from([3.0, 4.0, 5.0, 10.0, 87.9, 88.0, 88.1, 90.0, 90.1, 98.0, 100.0, 101.0]),
    st.floats(0, 110, allow_nan=False),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Reading | int]:
    """Readings in the order of time, with `until` marks (instants) among them that promise nothing false."""
    time_us = 0
    events: list[Reading | int] = []
    for _ in range(draw(st.integers(1, 25))):
        time_us += draw(st.sampled_from([1, S // 2, S, 2 * S, 3 * S, 5 * S, 9 * S]))
        if draw(st.integers(0, 3)) == 0:
            events.append(time_us)
        else:
            value = draw(values)
            events.append(Reading(time_us, value, BAD if value is None else draw(st.sampled_from([0, 0x4000_0000]))))
    return events


def in_batches(plan: Plan, events: Sequence[Reading | int], cuts: Sequence[int]) -> tuple[State, list[Change]]:
    state, changes = new_state(plan), list[Change]()
    edges = [0, *sorted(cuts), len(events)]
    for first, last in itertools.pairwise(edges):
        part = events[first:last]
        readings = [each for each in part if isinstance(each, Reading)]
        marks = [each for each in part if isinstance(each, int)]
        state, told = advance(plan, state, readings, max(marks, default=None))
        changes += told
    return state, changes


@given(plans, histories(), st.lists(st.integers(0, 25), max_size=8))
def test_any_batching_gives_the_same(plan: Plan, events: list[Reading | int], cuts: list[int]) -> None:
    whole_state, whole = in_batches(plan, events, [])
    state, changes = in_batches(plan, events, [min(cut, len(events)) for cut in cuts])
    one_by_one_state, one_by_one = in_batches(plan, events, list(range(len(events))))
    assert changes == whole == one_by_one
    assert state.memories == whole_state.memories == one_by_one_state.memories


@given(plans, histories())
def test_changes_alternate_in_time_and_have_a_cause(plan: Plan, events: list[Reading | int]) -> None:
    _, changes = in_batches(plan, events, [])
    is_active = False
    instants = [change.at_us for change in changes]
    assert instants == sorted(set(instants))
    for change in changes:
        assert (change.kind is RAISE) == (not is_active)
        is_active = change.kind is not CLEAR
        _assert_cause(plan, events, change)


def _assert_cause(plan: Plan, events: list[Reading | int], change: Change) -> None:
    """A sample or the end of a delay stands at the very instant of each change."""
    readings = [each for each in events if isinstance(each, Reading)]
    delays = {0} | {each for level in plan.levels for each in (level.on_delay_us, level.off_delay_us)}
    delays |= {plan.after_us + each for each in delays}
    rests = _bad_stretches(readings, change.at_us) if plan.kind not in {Kind.BAD_QUALITY, Kind.STALE} else [0]
    causes = {reading.time_us + delay + rested for reading in readings for delay in delays for rested in rests}
    assert change.at_us in causes


def _bad_stretches(readings: Sequence[Reading], to_us: int) -> set[int]:
    """Every length of time that a delay before this instant may have rested: sums of runs of Bad in a row."""
    runs: list[int] = []
    begun: int | None = None
    for reading in readings:
        if reading.time_us > to_us:
            break
        if reading.status >= BAD and begun is None:
            begun = reading.time_us
        elif reading.status < BAD and begun is not None:
            runs.append(reading.time_us - begun)
            begun = None
    return {0} | {sum(runs[first:last]) for first in range(len(runs)) for last in range(first + 1, len(runs) + 1)}


@given(histories())
def test_bad_raises_no_limit_alarm_and_holds_its_state(events: list[Reading | int]) -> None:
    plan = limit_plan()
    state = new_state(plan)
    for event in events:
        mark = event if isinstance(event, int) else None
        before = state
        state, changes = advance(plan, state, [event] if isinstance(event, Reading) else [], mark)
        if isinstance(event, Reading) and event.status >= BAD:
            instants = {memory.deadline_us for memory in before.memories} - {None}
            assert all(change.at_us < event.time_us and change.at_us in instants for change in changes)
        if mark is not None and before.is_bad:
            assert changes == []


@given(
    st.integers(0, 20 * S), st.integers(0, 20 * S), st.lists(st.integers(1, 30 * S), min_size=1, max_size=10), st.data()
)
def test_delays_are_exact_to_the_source_time(on_us: int, off_us: int, steps: list[int], data: st.DataObject) -> None:
    plan = hi_plan(on_us, off_us)
    time_us, readings = 0, list[Reading]()
    for step in steps:
        time_us += step
        readings.append(Reading(time_us, data.draw(st.sampled_from([80.0, 95.0])), 0))
    until_us = time_us + 100 * S
    changes = advance(plan, new_state(plan), readings, until_us).changes
    assert [(change.kind, change.at_us) for change in changes] == _by_hand(readings, on_us, off_us, until_us)


def _by_hand(readings: list[Reading], on_us: int, off_us: int, until_us: int) -> list[tuple[ChangeKind, int]]:
    """The same by looking at runs of equal truth: one that lasts for its delay confirms at its end."""
    runs: list[list[int]] = []
    for reading in readings:
        is_true = int((reading.value or 0) > 90.0)
        if not runs or runs[-1][0] != is_true:
            runs.append([is_true, reading.time_us])
    expected: list[tuple[ChangeKind, int]] = []
    is_active = False
    for index, (is_true, from_us) in enumerate(runs):
        to_us = runs[index + 1][1] if index + 1 < len(runs) else until_us + 1
        at_us = from_us + (on_us if is_true else off_us)
        if bool(is_true) != is_active and at_us < to_us:
            is_active = bool(is_true)
            expected.append((RAISE if is_active else CLEAR, at_us))
    return expected


@given(st.lists(st.floats(-1.0, 1.0, allow_nan=False), min_size=1, max_size=60), st.floats(2.001, 20.0))
def test_noise_within_the_deadband_chatters_once_at_most(noise: list[float], deadband: float) -> None:
    plan = hi_plan(deadband=deadband)
    changes = advance(plan, new_state(plan), [good(index, 90.0 + each) for index, each in enumerate(noise)]).changes
    assert len(changes) <= 1


@given(st.lists(st.floats(50.0, 130.0, allow_nan=False), min_size=1, max_size=60), st.floats(0.0, 30.0))
def test_each_return_has_crossed_the_whole_deadband(numbers: list[float], deadband: float) -> None:
    plan = hi_plan(deadband=deadband)
    changes = advance(plan, new_state(plan), [good(index, each) for index, each in enumerate(numbers)]).changes
    for change in changes:
        assert change.value is not None
        assert change.value > 90.0 if change.kind is RAISE else change.value <= 90.0 - deadband


@given(
    st.sampled_from([plan for plan in PLANS if plan.kind in {Kind.LIMIT, Kind.BAD_QUALITY, Kind.DISCRETE}]), histories()
)
def test_quiet_samples_change_nothing(plan: Plan, events: list[Reading | int]) -> None:
    state = new_state(plan)
    for event in events:
        if isinstance(event, int):
            state = advance(plan, state, [], event).state
            continue
        band = quiet_band(plan, state)
        after, changes = advance(plan, state, [event])
        number = math.nan if event.value is None else event.value
        is_bad = event.status >= BAD
        is_quiet = (
            event.time_us < band.wake_us and is_bad == band.is_bad and (is_bad or band.low <= number <= band.high)
        )
        if is_quiet:
            assert changes == []
            assert after.memories == state.memories
        state = after


def test_on_delay_confirms_at_its_end_and_not_before() -> None:
    plan = hi_plan(on_us=5 * S)
    assert run(plan, good(0, 80), good(10, 95), until=14.999999) == []
    assert run(plan, good(0, 80), good(10, 95), until=15) == [("raise", 15.0, "hi")]
    assert run(plan, good(0, 80), good(10, 95), good(15, 80)) == []
    assert run(plan, good(0, 80), good(10, 95), good(15.000001, 80)) == [
        ("raise", 15.0, "hi"),
        ("clear", 15.000001, "hi"),
    ]


def test_delays_rest_while_the_input_is_bad() -> None:
    plan = hi_plan(on_us=5 * S)
    assert run(plan, good(10, 95), bad(12), until=100) == []
    assert run(plan, good(10, 95), bad(12), good(50, 95), until=100) == [("raise", 53.0, "hi")]
    assert run(plan, good(10, 95), bad(12), good(50, 80), until=100) == []


def test_levels_move_up_and_down_as_one_alarm() -> None:
    readings = [good(0, 50), good(10, 95), good(20, 105), good(30, 96), good(40, 50), good(50, 3)]
    assert run(limit_plan(), *readings, until=100) == [
        ("raise", 15.0, "hi"),
        ("level", 20.0, "hihi"),
        ("level", 33.0, "hi"),
        ("clear", 43.0, "hi"),
        ("raise", 52.0, "lolo"),
    ]


def test_from_one_side_to_the_other_is_one_change() -> None:
    plan = Plan("d", 1, "a", "n", Kind.LIMIT, (LevelPlan("hi", True, 90.0), LevelPlan("lo", False, 10.0)), series_id=1)
    assert run(plan, good(0, 95), good(1, 5)) == [("raise", 0.0, "hi"), ("level", 1.0, "lo")]


def test_bad_quality_counts_bad_and_nothing_else() -> None:
    plan = flag_plan(Kind.BAD_QUALITY, on_us=3 * S)
    assert run(plan, good(0, 1), bad(10), good(12, 1), bad(20), until=30) == [("raise", 23.0, None)]


def test_rate_compares_samples_that_lie_far_enough_apart() -> None:
    level = LevelPlan("hi", True, 60.0)
    plan = Plan("d", 1, "a", "n", Kind.RATE, (level,), series_id=1, over_us=10 * S, per_us=60 * S)
    assert run(plan, *(good(second, second * 0.9) for second in range(60))) == []
    assert run(plan, *(good(second, second * 1.1) for second in range(60))) == [("raise", 10.0, "hi")]


def test_stale_tells_silence_at_the_end_of_the_interval_and_clears_with_the_next_sample() -> None:
    plan = flag_plan(Kind.STALE, after_us=5 * S)
    assert run(plan, good(0, 1), good(4, 1), good(20, 1), until=21) == [("raise", 9.0, None), ("clear", 20.0, None)]


def test_stale_waits_for_a_steady_signal_when_it_has_an_off_delay() -> None:
    plan = flag_plan(Kind.STALE, off_us=8 * S, after_us=5 * S)
    steady = [good(0, 1), *(good(second, 1) for second in (20, 24, 28, 32))]
    assert run(plan, *steady) == [("raise", 5.0, None), ("clear", 28.0, None)]
    assert run(plan, good(0, 1), good(20, 1), good(40, 1), until=46) == [("raise", 5.0, None)]


def test_a_series_that_never_came_is_stale_from_its_beginning_on() -> None:
    plan = flag_plan(Kind.STALE, after_us=5 * S)
    state = begin_watch(plan, new_state(plan), 100 * S)
    assert [change.at_us for change in advance(plan, state, [], 105 * S).changes] == [105 * S]


def test_counter_that_repeats_itself_has_stopped() -> None:
    plan = flag_plan(Kind.COUNTER_STOPPED, after_us=5 * S)
    assert run(plan, good(0, 7), good(3, 8), good(6, 8), good(9, 8), good(12, 9)) == [
        ("raise", 8.0, None),
        ("clear", 12.0, None),
    ]
    # A counter that starts over moves too.
    assert run(plan, good(0, 7), good(4, 0), until=8) == []


def test_silent_agent_is_waited_for_and_then_the_wall_clock_counts() -> None:
    plan = hi_plan(on_us=5 * S)
    state = advance(plan, new_state(plan), [good(10, 95)]).state
    assert advance(plan, state, [], None, 24 * S).changes == []
    (change,) = advance(plan, state, [], None, 25 * S).changes
    assert (change.kind, change.at_us, change.note) == (RAISE, 15 * S, BY_WALL_CLOCK)


@pytest.mark.parametrize("is_late", [False, True])
def test_what_began_in_an_outage_and_holds_raises_now_with_its_true_start(is_late: bool) -> None:
    plan = hi_plan(on_us=5 * S)
    state = advance(plan, new_state(plan), [good(0, 50)], 100 * S).state
    state, changes = advance(plan, state, [good(20, 95), good(30, 50), good(60, 95)], is_late=is_late)
    assert [(change.kind, change.at_us, change.is_late) for change in changes] == [
        (RAISE, 25 * S, True),
        (CLEAR, 30 * S, True),
        (RAISE, 65 * S, False),
    ]
    assert changes[-1].note == DURING_OUTAGE


def test_what_is_older_than_the_newest_sample_is_told_and_alters_nothing() -> None:
    plan = hi_plan()
    state = advance(plan, new_state(plan), [good(0, 50), good(100, 50)]).state
    after, changes = advance(plan, state, [good(40, 95), good(50, 60)], is_late=True)
    assert [(change.kind, change.at_us, change.is_late) for change in changes] == [
        (RAISE, 40 * S, True),
        (CLEAR, 50 * S, True),
    ]
    assert after.memories == state.memories
    assert advance(plan, after, [good(40, 95), good(50, 60)], is_late=True).changes == []


def test_late_data_start_from_what_was_active_then() -> None:
    plan = hi_plan()
    state = advance(plan, new_state(plan), [good(0, 95), good(100, 96)]).state
    changes = advance(plan, state, [good(40, 95), good(50, 60)], is_late=True).changes
    assert [(change.kind, change.at_us) for change in changes] == [(CLEAR, 50 * S)]
