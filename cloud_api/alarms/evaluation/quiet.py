"""Quiet bands: which samples certainly leave a state as it is, so that only the others reach the engine (pure)."""

import math
from typing import NamedTuple

from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan
from cloud_api.alarms.evaluation.state import Memory, State

NEVER_US = 2**63 - 1


class QuietBand(NamedTuple):
    """A sample is quiet when its measure lies in [low, high], its quality is the same, and it is before `wake_us`."""

    low: float
    high: float
    is_bad: bool
    wake_us: int


LOUD = (math.inf, -math.inf)
WIDE = (-math.inf, math.inf)


def quiet_band(plan: Plan, state: State) -> QuietBand:
    """Find the band in which nothing changes but the newest sample itself."""
    wake_us = state.next_us
    return QuietBand(*_band(plan, state), _is_bad(plan, state), NEVER_US if wake_us is None else wake_us)


def _is_bad(plan: Plan, state: State) -> bool:
    if plan.kind is Kind.BAD_QUALITY:
        return bool(state.memories) and state.memories[0].is_true
    return state.is_bad


def _band(plan: Plan, state: State) -> tuple[float, float]:
    match plan.kind:
        case Kind.LIMIT | Kind.RATE:
            return _between(plan, state)
        case Kind.BAD_QUALITY:
            return WIDE
        case Kind.DISCRETE if state.time_us is not None and state.value is not None:
            return state.value, state.value
        case _:
            return LOUD


def _between(plan: Plan, state: State) -> tuple[float, float]:
    low, high = WIDE
    memories = state.memories or [Memory() for _ in plan.levels]
    for level, memory in zip(plan.levels, memories, strict=True):
        edge, is_above = _edge(level, memory)
        if is_above:
            low = max(low, edge)
        else:
            high = min(high, edge)
    return low, high


def _edge(level: LevelPlan, memory: Memory) -> tuple[float, bool]:
    """Give the last measure that keeps the level as it is, and whether what lies above it does too."""
    if level.is_high and memory.is_true:
        return math.nextafter(level.limit - level.deadband, math.inf), True
    if level.is_high:
        return level.limit, False
    if memory.is_true:
        return math.nextafter(level.limit + level.deadband, -math.inf), False
    return level.limit, True
