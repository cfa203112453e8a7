"""Several series as one: what a deviation or an expression says whenever one of its inputs moves (pure)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from cloud_api.alarms.evaluation.plan import Kind, Plan
from cloud_api.alarms.evaluation.state import Reading
from cloud_api.expressions.expression import Expression
from cloud_api.expressions.language import parse
from cloud_api.expressions.over_time import Memory
from cloud_api.expressions.scalars import Scalar
from cloud_api.expressions.tree import SeriesKey
from schemas.status import BAD, BAD_NO_DATA

NO_NUMBER = float("nan")


def joint_readings(
    plan: Plan,
    held: Mapping[int, Reading],
    samples: Mapping[int, Iterable[Reading]],
    memory: Memory,
) -> list[Reading]:
    """Merge samples (by series, ascending) into one reading at each of their instants.

    `held` has what each series said before; between samples a value holds. `memory` is what functions over time
    remember; it is changed.
    """
    if plan.kind not in {Kind.DEVIATION, Kind.EXPRESSION}:
        return list(samples.get(plan.series_id or 0, ()))
    inputs = set(plan.inputs.values())
    moves = sorted(
        (reading.time_us, series_id, reading)
        for series_id, readings in samples.items()
        if series_id in inputs
        for reading in readings
    )
    present = {series_id: reading for series_id, reading in held.items() if series_id in inputs}
    found: list[Reading] = []
    for position, (time_us, series_id, reading) in enumerate(moves):
        present[series_id] = reading
        if position + 1 == len(moves) or moves[position + 1][0] != time_us:
            found.append(joint_reading(plan, present, time_us, memory))
    return found


def joint_reading(plan: Plan, present: Mapping[int, Reading], time_us: int, memory: Memory) -> Reading:
    """Say what the condition's number is at one instant."""
    if plan.kind not in {Kind.DEVIATION, Kind.EXPRESSION}:
        # Of a single series: what it says.
        found = present.get(plan.series_id or 0)
        return Reading(time_us, None, BAD_NO_DATA) if found is None else found
    if plan.kind is Kind.DEVIATION:
        return _deviation(present.get(plan.inputs["value"]), present.get(plan.inputs["setpoint"]), time_us)
    return truth(plan.expression or "", plan.names, plan.inputs, present, time_us, memory)


def truth(
    text: str,
    names: Mapping[str, str],
    inputs: Mapping[str, int],
    present: Mapping[int, Reading],
    time_us: int,
    memory: Memory,
) -> Reading:
    """Evaluate an expression on what its series say at one instant."""
    expression = _parsed(text, tuple(sorted(names.items())))
    values: dict[SeriesKey, Scalar] = {name: _scalar(present.get(series_id)) for name, series_id in inputs.items()}
    result = expression.evaluate_scalar(values, time_us, memory)
    value = None if result.value != result.value else result.value  # NaN alone differs from itself
    return Reading(time_us, value, result.status)


@lru_cache(maxsize=4096)
def _parsed(text: str, names: tuple[tuple[str, str], ...]) -> Expression:
    return parse(text, dict(names))


def _scalar(reading: Reading | None) -> Scalar:
    if reading is None:
        return Scalar(NO_NUMBER, BAD_NO_DATA)
    return Scalar(NO_NUMBER if reading.value is None else reading.value, reading.status)


def _deviation(value: Reading | None, setpoint: Reading | None, time_us: int) -> Reading:
    for each in (value, setpoint):
        if each is None or each.value is None or each.status >= BAD:
            return Reading(time_us, None, BAD_NO_DATA if each is None or each.status < BAD else each.status)
    assert value is not None
    assert setpoint is not None
    difference = (value.value or 0.0) - (setpoint.value or 0.0)
    return Reading(time_us, difference, max(value.status, setpoint.status))
