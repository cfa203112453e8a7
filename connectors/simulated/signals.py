"""The value of a signal at a time (pure)."""

import math
import random

from connectors.simulated.config import Form, Signal, SimulatedPoint
from schemas import status
from schemas.sample import Kind, Value

KINDS = {Form.FLOAT: Kind.F64, Form.INTEGER: Kind.I64, Form.BOOLEAN: Kind.BOOL, Form.TEXT: Kind.STR}


def phase_of(seed: int, index: int) -> float:
    """Where in its period a point is at the epoch: a number from 0 to 1 that depends on nothing else."""
    return random.Random(f"{seed}/{index}").random()  # noqa: S311 (a signal, not a secret)


def sample_at(point: SimulatedPoint, phase: float, time_us: int) -> tuple[Kind, Value, int]:
    """Kind, value and status of a signal."""
    period_us = round(point.period * 1_000_000)
    turn = ((time_us % period_us) / period_us + phase) % 1.0
    if point.signal is Signal.DROPOUT and turn < point.missing:
        return Kind.NONE, None, status.BAD_SENSOR_FAILURE
    level = point.minimum + (point.maximum - point.minimum) * _share(point, turn)
    return KINDS[point.form], _formed(point, level), status.GOOD


def _share(point: SimulatedPoint, turn: float) -> float:
    if point.signal is Signal.RAMP:
        return turn
    if point.signal is Signal.STEP:
        return math.floor(turn * point.steps) / (point.steps - 1)
    return (1 + math.sin(2 * math.pi * turn)) / 2


def _formed(point: SimulatedPoint, level: float) -> Value:
    if point.form is Form.INTEGER:
        return round(level)
    if point.form is Form.BOOLEAN:
        return level > (point.minimum + point.maximum) / 2
    if point.form is Form.TEXT:
        return f"{level:.3f}"
    return level
