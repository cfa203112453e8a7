"""Levels of one alarm through time: deadband, exact delays, and delays that rest while the input is Bad (pure).

A delay of d that begins at t confirms at t + d if the condition held throughout, both ends included. OPC UA Part 9,
5.8: OnDelay and OffDelay; ISA-18.2: a condition is confirmed after its on-delay, gone after deadband and off-delay.
"""

from collections.abc import Iterator, Sequence

from cloud_api.alarms.evaluation.plan import LevelPlan, Plan
from cloud_api.alarms.evaluation.state import Memory, State


def set_truth(plan: LevelPlan, memory: Memory, measure: float, time_us: int) -> None:
    """Hold one measure against the level; a change starts or ends a delay."""
    inside = plan.limit - plan.deadband if plan.is_high else plan.limit + plan.deadband
    edge = inside if memory.is_true else plan.limit
    is_true = measure > edge if plan.is_high else measure < edge
    if is_true == memory.is_true:
        return
    memory.is_true, memory.since_us, memory.rest_us = is_true, time_us, None
    if is_true == memory.is_active:
        memory.deadline_us = None
    else:
        memory.deadline_us = time_us + (plan.on_delay_us if is_true else plan.off_delay_us)


def rest(memories: Sequence[Memory], time_us: int) -> None:
    """Stop the delays: the input turned Bad."""
    for memory in memories:
        if memory.deadline_us is not None:
            memory.rest_us, memory.deadline_us = memory.deadline_us - time_us, None


def resume(memories: Sequence[Memory], time_us: int) -> None:
    """Let the delays run on: the input is usable again."""
    for memory in memories:
        if memory.rest_us is not None:
            memory.deadline_us, memory.rest_us = time_us + memory.rest_us, None


def due(plan: Plan, state: State, to_us: int, *, is_inclusive: bool) -> Iterator[int]:
    """Let every delay run out whose end has come, instant after instant; yields each instant when it is done."""
    while (next_us := state.next_us) is not None and (next_us < to_us or (is_inclusive and next_us == to_us)):
        _confirm(plan, state, next_us)
        yield next_us


def _confirm(plan: Plan, state: State, time_us: int) -> None:
    for level, memory in zip(plan.levels, state.memories, strict=True):
        if memory.deadline_us != time_us:
            continue
        memory.deadline_us = None
        memory.is_active = memory.is_true
        if memory.is_active:
            _settle_others(plan, state, level)


def _settle_others(plan: Plan, state: State, confirmed: LevelPlan) -> None:
    """What is beyond the outer level is beyond the inner ones too; what is high is not low."""
    for level, memory in zip(plan.levels, state.memories, strict=True):
        if level.is_high == confirmed.is_high:
            is_inner = level.limit < confirmed.limit if level.is_high else level.limit > confirmed.limit
            if is_inner and memory.is_true and not memory.is_active:
                memory.is_active, memory.deadline_us, memory.rest_us = True, None, None
        elif not memory.is_true:
            memory.is_active, memory.deadline_us, memory.rest_us = False, None, None
