"""The engine: `(plan, state, readings, until, now) -> (state, changes)`, deterministic, all times given (pure).

In order: every reading at its own source time, then the delays up to `until`, then, where an agent is silent, the
delays that the wall clock has overtaken by the allowed lateness. A reading that is not newer than the newest is late:
it goes to a state of its own, whose changes are told and alter nothing.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from cloud_api.alarms.evaluation.levels import due, set_truth
from cloud_api.alarms.evaluation.measures import feed_watchdog, is_unusable, keep_watch, measure, pause, start_watchdog
from cloud_api.alarms.evaluation.plan import WATCHDOGS, Kind, Plan
from cloud_api.alarms.evaluation.state import KEPT_CHANGES, NONE, Memory, Reading, State, active_level

ALLOWED_LATENESS_US = 10_000_000
BY_WALL_CLOCK = "the delay ran out by wall clock: nothing was heard for the allowed lateness of 10 s"
DURING_OUTAGE = "began during an outage: known only now, true start given"
LATE = "late data: told afterwards, nobody is notified"


class ChangeKind(StrEnum):
    """What happened to the condition."""

    RAISE = "raise"
    CLEAR = "clear"
    LEVEL = "level"


class Change(NamedTuple):
    """One change of a condition. `level` is the one that is active now, or that has just ended (clear)."""

    kind: ChangeKind
    at_us: int
    level: int
    value: float | None
    status: int
    is_late: bool = False
    note: str | None = None
    text: str | None = None


class Advance(NamedTuple):
    """What a call gives."""

    state: State
    changes: list[Change]


def new_state(plan: Plan) -> State:
    """Make the state before the first sample."""
    return State(memories=[Memory() for _ in plan.levels])


def advance(
    plan: Plan,
    state: State,
    readings: Sequence[Reading],
    until_us: int | None = None,
    now_us: int | None = None,
    *,
    is_late: bool = False,
) -> Advance:
    """Carry a state on. Readings ascend in time; `is_late` says that they came by the backlog."""
    state = state.copy()
    if not state.memories:
        state.memories = [Memory() for _ in plan.levels]
    newest_us = state.time_us
    split = 0
    while split < len(readings) and newest_us is not None and readings[split].time_us <= newest_us:
        split += 1
    changes = _tell_late(plan, state, readings[:split]) if split else []
    changes += _take_fresh(plan, state, readings[split:], is_late=is_late)
    if until_us is not None:
        changes += _run_out(plan, state, until_us, None)
        state.until_us = max(until_us, state.until_us or until_us)
    if now_us is not None:
        wall_us = now_us - ALLOWED_LATENESS_US
        fired = _run_out(plan, state, wall_us, BY_WALL_CLOCK)
        if fired:
            state.until_us = max(fired[-1].at_us, state.until_us or fired[-1].at_us)
        changes += fired
    return Advance(state, changes)


def begin_watch(plan: Plan, state: State, time_us: int) -> State:
    """Let a watchdog wait from here for a first sample, where there was none yet."""
    state = state.copy()
    if plan.kind in WATCHDOGS:
        start_watchdog(plan, state, time_us)
    return state


def _take_fresh(plan: Plan, state: State, readings: Sequence[Reading], *, is_late: bool) -> list[Change]:
    """Take readings newer than all before; some may still be older than what the delays were carried on to."""
    if not readings:
        return []
    carried_us = state.until_us
    if is_late:
        carried_us = max(readings[-1].time_us, carried_us or readings[-1].time_us)
    before = active_level(state.memories)
    stretch: list[Change] = []
    position = 0
    if carried_us is not None and readings[0].time_us <= carried_us:
        while position < len(readings) and readings[position].time_us <= carried_us:
            stretch += _step(plan, state, readings[position])
            position += 1
        last_us = readings[position - 1].time_us
        stretch += _run_out(plan, state, carried_us if position == len(readings) else last_us, None)
        stretch = _told_now(stretch, before, active_level(state.memories))
    for reading in readings[position:]:
        stretch += _step(plan, state, reading)
    return stretch


def _told_now(stretch: list[Change], before: int, after: int) -> list[Change]:
    """Of changes in the past only what still holds is news; the rest is told as late."""
    if not stretch:
        return stretch
    news = len(stretch)
    if before == NONE and after != NONE:
        news = max(index for index, change in enumerate(stretch) if change.kind is ChangeKind.RAISE)
    elif before != after:
        news = len(stretch) - 1
    told = [change._replace(is_late=True, note=LATE) for change in stretch[:news]]
    for change in stretch[news:]:
        kind = change.kind
        if NONE not in (before, after):
            kind = ChangeKind.LEVEL
        told.append(change._replace(kind=kind, note=DURING_OUTAGE))
    return told


def _step(plan: Plan, state: State, reading: Reading) -> list[Change]:
    time_us = reading.time_us
    changes = _run_out(plan, state, time_us, None, is_inclusive=False)
    is_bad = is_unusable(plan, reading)
    pause(plan, state, time_us, is_bad=is_bad)
    state.time_us, state.status = time_us, reading.status
    if not is_bad:
        _judge(plan, state, reading)
    # Levels change by delays alone; one of no length ends at once.
    return changes + _run_out(plan, state, time_us, None)


def _judge(plan: Plan, state: State, reading: Reading) -> None:
    if plan.kind is not Kind.RATE:
        state.value, state.text = reading.value, reading.text
    if plan.kind in WATCHDOGS:
        feed_watchdog(plan, state, reading)
        return
    number = measure(plan, state, reading)
    if number is None:
        return
    if plan.kind is Kind.RATE:
        # Told is what was judged: the rate, not the sample that completed it.
        state.value = number
    for level, memory in zip(plan.levels, state.memories, strict=True):
        set_truth(level, memory, number, reading.time_us)


def _run_out(plan: Plan, state: State, to_us: int, note: str | None, *, is_inclusive: bool = True) -> list[Change]:
    changes: list[Change] = []
    if state.next_us is None:
        return changes
    before = active_level(state.memories)
    for time_us in due(plan, state, to_us, is_inclusive=is_inclusive):
        if plan.kind in WATCHDOGS:
            keep_watch(plan, state, time_us)
        _note_change(state, before, time_us, note, changes)
        before = active_level(state.memories)
    return changes


def _note_change(state: State, before: int, time_us: int, note: str | None, changes: list[Change]) -> None:
    after = active_level(state.memories)
    if after == before:
        return
    kind = ChangeKind.RAISE if before == NONE else ChangeKind.CLEAR if after == NONE else ChangeKind.LEVEL
    level = before if after == NONE else after
    changes.append(Change(kind, time_us, level, state.value, state.status, note=note, text=state.text))
    state.recent = [*state.recent[1 - KEPT_CHANGES :], (time_us, after)]


def _tell_late(plan: Plan, state: State, readings: Sequence[Reading]) -> list[Change]:
    """Follow late readings beside the present state; what was told before is not told again."""
    past = state.late
    if past is None or past.time_us is None or readings[0].time_us <= past.time_us:
        past = _state_at(plan, state, readings[0].time_us)
    changes: list[Change] = []
    for reading in readings:
        changes += _step(plan, past, reading)
    past.recent = past.recent[-KEPT_CHANGES:]
    state.late = past
    known = {at_us for at_us, _ in state.recent}
    told = [change._replace(is_late=True, note=LATE) for change in changes if change.at_us not in known]
    if told and told[-1].kind is ChangeKind.RAISE and active_level(state.memories) != NONE:
        told[-1] = told[-1]._replace(note=DURING_OUTAGE)
    state.recent = sorted([*state.recent, *((change.at_us, _after(change)) for change in told)])[-KEPT_CHANGES:]
    return told


def _after(change: Change) -> int:
    return NONE if change.kind is ChangeKind.CLEAR else change.level


def _state_at(plan: Plan, state: State, time_us: int) -> State:
    """Rebuild what is known of the state just before an instant: the level that was active then."""
    past = State(memories=[Memory() for _ in plan.levels])
    level = state.level_at(time_us)
    if level != NONE:
        chosen = plan.levels[level]
        for each, memory in zip(plan.levels, past.memories, strict=True):
            is_inner = each.limit <= chosen.limit if each.is_high else each.limit >= chosen.limit
            if each.is_high == chosen.is_high and is_inner:
                memory.is_true = memory.is_active = True
    return past
