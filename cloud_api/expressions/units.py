"""The unit of a result, where it is simple; null where it is not (pure)."""

from collections.abc import Mapping
from typing import Final

from cloud_api.expressions.tree import Constant, Node, Operation, Reference, SeriesKey, is_boolean

# A bare number takes the unit of what it stands beside.
_ANY: Final = "\0"
_ALIKE = frozenset({"add", "subtract", "min", "max", "clamp", "coalesce"})
_AS_IT_IS = frozenset({"minus", "abs", "round", "floor", "ceil", "increase", "delta"})


def unit_of(node: Node, units: Mapping[SeriesKey, str | None]) -> str | None:
    """The unit of an expression over series of these units; null where it is unknown or not simple."""
    unit = _unit(node, units)
    return None if unit == _ANY else unit


def _unit(node: Node, units: Mapping[SeriesKey, str | None]) -> str | None:
    match node:
        case Constant():
            return _ANY
        case Reference():
            return _of_aggregate(node.aggregate, units.get(node.name))
        case Operation():
            return None if is_boolean(node) else _of_operation(node, units)


def _of_operation(node: Operation, units: Mapping[SeriesKey, str | None]) -> str | None:
    if node.name == "choose":
        return _common([_unit(node.operands[0], units), _unit(node.operands[2], units)])
    found = [_unit(each, units) for each in node.operands]
    if node.name in _ALIKE:
        return _common(found)
    if node.name == "modulo":
        return _common(found)
    if node.name in _AS_IT_IS:
        return found[0]
    if node.name in {"rate", "derivative"}:
        return _a_second(found[0])
    return None


def _of_aggregate(aggregate: str | None, unit: str | None) -> str | None:
    if aggregate is None or aggregate in _SAME:
        return unit
    if aggregate == "rate":
        return _a_second(unit)
    if aggregate.startswith("percent_"):
        return "%"
    return "ms" if aggregate.startswith("duration_") else None


def _common(units: list[str | None]) -> str | None:
    named = {unit for unit in units if unit != _ANY}
    if not named:
        return _ANY
    return named.pop() if len(named) == 1 else None


def _a_second(unit: str | None) -> str | None:
    return None if unit is None or unit == _ANY else f"{unit}/s"


_SAME = frozenset(
    {
        "interpolative",
        "average",
        "time_average",
        "time_average2",
        "minimum",
        "maximum",
        "minimum2",
        "maximum2",
        "range",
        "range2",
        "start",
        "end",
        "delta",
        "start_bound",
        "end_bound",
        "delta_bounds",
        "standard_deviation_sample",
        "standard_deviation_population",
        "increase",
    }
)
