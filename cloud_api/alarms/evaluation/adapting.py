"""A state under a changed plan: what is known of each level stays, and the value at hand is judged anew (pure)."""

from cloud_api.alarms.evaluation.engine import Advance, Change, ChangeKind, advance, new_state
from cloud_api.alarms.evaluation.levels import set_truth
from cloud_api.alarms.evaluation.measures import measure
from cloud_api.alarms.evaluation.plan import WATCHDOGS, Kind, Plan
from cloud_api.alarms.evaluation.state import NONE, Memory, Reading, State, active_level

WHEN_DEFINED = "held already when the definition came into force"
REDEFINED = "the definition was changed"
# Kinds whose last value alone says whether the condition holds.
JUDGED = frozenset({Kind.LIMIT, Kind.DEVIATION, Kind.DISCRETE, Kind.BAD_QUALITY, Kind.EXPRESSION})


def begin(plan: Plan, newest: Reading | None, until_us: int | None) -> Advance:
    """Start a plan with the newest sample that there is, so that a condition that holds already is raised."""
    state, changes = advance(plan, new_state(plan), [] if newest is None else [newest], until_us)
    return Advance(state, [change._replace(note=WHEN_DEFINED) for change in changes])


def adapt(old: Plan, plan: Plan, state: State, now_us: int) -> Advance:
    """Carry a state over to the next version of its plan; what changes by that, changes now."""
    if old.kind is not plan.kind or (plan.kind in WATCHDOGS and old.after_us != plan.after_us):
        ended = Change(ChangeKind.CLEAR, now_us, 0, state.value, state.status, note=REDEFINED)
        return Advance(_forgotten(plan, state), [] if active_level(state.memories) == NONE else [ended])
    before = active_level(state.memories)
    carried = state.copy()
    by_name = {level.name: memory for level, memory in zip(old.levels, state.memories, strict=False)}
    carried.memories = [by_name[level.name].copy() if level.name in by_name else Memory() for level in plan.levels]
    carried.recent = []
    carried.late = None
    if plan.kind in JUDGED and not carried.is_bad and carried.time_us is not None:
        number = measure(plan, carried, Reading(carried.time_us, carried.value, carried.status, carried.text))
        for level, memory in zip(plan.levels, carried.memories, strict=True):
            if number is not None:
                set_truth(level, memory, number, now_us)
    carried, changes = advance(plan, carried, [], now_us)
    changes = changes or _difference(old, plan, before, carried, now_us)
    after = active_level(carried.memories)
    kind = _kind(before, after)
    told = [changes[-1]._replace(kind=kind, note=REDEFINED)] if changes and kind is not None else []
    return Advance(carried, told)


def _difference(old: Plan, plan: Plan, before: int, state: State, now_us: int) -> list[Change]:
    """Say that an active alarm has another level, limit, priority or text now, though no delay ran out."""
    after = active_level(state.memories)
    if NONE not in (before, after) and old.levels[before] == plan.levels[after]:
        return []
    if before == NONE and after == NONE:
        return []
    return [Change(ChangeKind.LEVEL, now_us, max(after, 0), state.value, state.status)]


def _kind(before: int, after: int) -> ChangeKind | None:
    if after == NONE:
        return None if before == NONE else ChangeKind.CLEAR
    return ChangeKind.RAISE if before == NONE else ChangeKind.LEVEL


def _forgotten(plan: Plan, state: State) -> State:
    fresh = new_state(plan)
    fresh.suppressed_by = state.suppressed_by
    return fresh
