"""Functions that look back: increase and rate of counters, delta and derivative; what they remember is plain (pure)."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cloud_api.expressions.columns import Codes, Column, Floats, worst
from cloud_api.expressions.scalars import Scalar
from cloud_api.expressions.scalars import worst as worst_of
from schemas.status import BAD, BAD_INVALID_ARGUMENT, BAD_NO_DATA, BAD_OUT_OF_RANGE, UNCERTAIN, UNCERTAIN_SUB_NORMAL

Memory: TypeAlias = dict[str, list[float]]
"""By function: time in microseconds, value and status of the last sample that was not Bad, and 1 if Bad came since."""

Integers: TypeAlias = NDArray[np.int64]

_COUNTERS = frozenset({"increase", "rate"})
_A_SECOND = frozenset({"rate", "derivative"})


def over_time(name: str, key: str, operand: Column, times_us: Integers, memory: Memory) -> Column:
    """The change since the sample before that was not Bad; rows must ascend in time."""
    rows = np.flatnonzero(operand.statuses < BAD)
    before = memory.get(key)
    times, values, codes = times_us[rows], operand.values[rows], operand.statuses[rows]
    places, later = rows, rows[1:]
    if before is not None:
        times = np.concatenate(([np.int64(before[0])], times))
        values = np.concatenate(([before[1]], values))
        codes = np.concatenate(([np.uint32(before[2])], codes)).astype(np.uint32)
        places, later = np.concatenate(([-1], rows)), rows
    skipped = np.diff(places) > 1
    if before is not None and len(skipped):
        skipped[0] |= bool(before[3])
    made = _changes(name, times, values, codes, skipped)
    result, statuses = np.full(len(operand), np.nan), operand.statuses.copy()
    statuses[rows] = BAD_NO_DATA
    result[later], statuses[later] = made.values, made.statuses
    if len(places):
        is_bad_since = int(places[-1]) < len(operand) - 1 or bool(not len(rows) and before and before[3])
        memory[key] = [int(times[-1]), float(values[-1]), int(codes[-1]), int(is_bad_since)]
    return Column(result, statuses)


def over_time_of_one(name: str, key: str, operand: Scalar, time_us: int, memory: Memory) -> Scalar:
    """The same for one sample."""
    before = memory.get(key)
    if operand.status >= BAD:
        if before is not None:
            memory[key] = [*before[:3], 1]
        return operand
    memory[key] = [time_us, operand.value, operand.status, 0]
    if before is None:
        return Scalar(math.nan, BAD_NO_DATA)
    code = worst_of([operand.status, int(before[2])])
    if before[3] and code < UNCERTAIN:
        code = UNCERTAIN_SUB_NORMAL
    seconds = (time_us - int(before[0])) / 1_000_000
    if seconds <= 0:
        return Scalar(math.nan, BAD_INVALID_ARGUMENT)
    step = operand.value - before[1]
    if name in _COUNTERS and step < 0:
        step = operand.value
    made = step / seconds if name in _A_SECOND else step
    return Scalar(made, code) if math.isfinite(made) else Scalar(math.nan, BAD_OUT_OF_RANGE)


def _changes(name: str, times_us: Integers, values: Floats, codes: Codes, skipped: NDArray[np.bool_]) -> Column:
    """One row for each sample but the first; `skipped` says where Bad samples lie before it."""
    if len(times_us) < 2:
        return Column(np.empty(0), np.empty(0, np.uint32))
    with np.errstate(all="ignore"):
        steps = values[1:] - values[:-1]
        if name in _COUNTERS:
            steps = np.where(steps < 0, values[1:], steps)
        seconds = (times_us[1:] - times_us[:-1]) / 1_000_000
        made = steps / seconds if name in _A_SECOND else steps
    result = worst([codes[1:], codes[:-1]])
    result = np.where(skipped & (result < UNCERTAIN), np.uint32(UNCERTAIN_SUB_NORMAL), result)
    result = np.where(~np.isfinite(made), np.uint32(BAD_OUT_OF_RANGE), result)
    result = np.where(seconds <= 0, np.uint32(BAD_INVALID_ARGUMENT), result).astype(np.uint32)
    return Column(np.where(result < BAD, made, np.nan), result)
