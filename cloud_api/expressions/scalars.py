"""The operations of columns.py on single values, for who looks at one sample at a time (pure)."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cloud_api.expressions.columns import CODE_MASK
from schemas.status import BAD, BAD_INVALID_ARGUMENT, BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD


class Scalar(NamedTuple):
    """A value with its StatusCode; where it is Bad the value is NaN. Booleans are 1.0 and 0.0."""

    value: float
    status: int


class Undefined(Exception):
    """The operands have no result."""


def given(scalar: Scalar) -> Scalar:
    """A value as it comes in."""
    code = scalar.status & CODE_MASK
    if code >= BAD:
        return Scalar(math.nan, code)
    return Scalar(scalar.value, code) if math.isfinite(scalar.value) else Scalar(math.nan, BAD_NO_DATA)


def worst(codes: Sequence[int]) -> int:
    """The worst code; of equal ones the first."""
    return max(codes, key=_rank)


def strict(name: str, operands: Sequence[Scalar]) -> Scalar:
    """Operators and functions that need every operand."""
    code = worst([each.status for each in operands])
    if code >= BAD:
        return Scalar(math.nan, code)
    try:
        made = VALUES[name](*(each.value for each in operands))
    except OverflowError:
        return Scalar(math.nan, BAD_OUT_OF_RANGE)
    except (Undefined, ValueError, ZeroDivisionError):
        return Scalar(math.nan, BAD_INVALID_ARGUMENT)
    if math.isfinite(made):
        return Scalar(made, code)
    return Scalar(math.nan, BAD_INVALID_ARGUMENT if math.isnan(made) else BAD_OUT_OF_RANGE)


def decide(operands: Sequence[Scalar], *, deciding: bool) -> Scalar:
    """Kleene's `and` (deciding: False) and `or` (True)."""
    deciders = [each.status for each in operands if each.status < BAD and (each.value != 0) == deciding]
    if deciders:
        return Scalar(float(deciding), min(deciders, key=_rank))
    code = worst([each.status for each in operands])
    return Scalar(math.nan if code >= BAD else float(not deciding), code)


def negate(operand: Scalar) -> Scalar:
    """`not`."""
    return operand if operand.status >= BAD else Scalar(float(operand.value == 0), operand.status)


def compare(signs: Sequence[str], operands: Sequence[Scalar]) -> Scalar:
    """A chain of comparisons."""
    made: list[Scalar] = []
    for sign, left, right in zip(signs, operands[:-1], operands[1:], strict=True):
        code = worst([left.status, right.status])
        made.append(Scalar(math.nan if code >= BAD else float(COMPARISONS[sign](left.value, right.value)), code))
    return made[0] if len(made) == 1 else decide(made, deciding=False)


def choose(chosen: Scalar, condition: Scalar, other: Scalar) -> Scalar:
    """`chosen if condition else other`."""
    if condition.status >= BAD:
        return condition
    taken = chosen if condition.value != 0 else other
    return Scalar(taken.value, worst([condition.status, taken.status]))


def coalesce(operands: Sequence[Scalar]) -> Scalar:
    """The first operand that is not Bad."""
    return next((each for each in operands if each.status < BAD), operands[0])


def about_status(name: str, operand: Scalar) -> Scalar:
    """Whether a status is of a class."""
    classes = ("is_good", "is_uncertain", "is_bad", "is_bad")
    return Scalar(float(classes[operand.status >> 30] == name), GOOD)


def _rank(code: int) -> int:
    return min(code >> 30, 2)


def _power(left: float, right: float) -> float:
    made = left**right
    if isinstance(made, complex):
        raise Undefined
    return made


def _sign(value: float) -> float:
    return float((value > 0) - (value < 0))


def _rounded(value: float, digits: float | None = None) -> float:
    if digits is None:
        return float(round(value))
    scale = 10.0**digits
    scaled = value * scale
    return float(round(scaled)) / scale


def _clamped(value: float, low: float, high: float) -> float:
    if low > high:
        raise Undefined
    return min(max(value, low), high)


def _minus(value: float) -> float:
    return -value


def _floor(value: float) -> float:
    return float(math.floor(value))


def _ceil(value: float) -> float:
    return float(math.ceil(value))


VALUES: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "modulo": operator.mod,
    "raise_to": _power,
    "minus": _minus,
    "abs": math.fabs,
    "sign": _sign,
    "round": _rounded,
    "floor": _floor,
    "ceil": _ceil,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "log10": math.log10,
    "min": min,
    "max": max,
    "clamp": _clamped,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
