"""Operations on columns: values with their StatusCodes; Bad in, Bad out, and whatever is undefined is Bad (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from schemas.status import BAD, BAD_INVALID_ARGUMENT, BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD, UNCERTAIN

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.uint32]
Flags: TypeAlias = NDArray[np.bool_]

# Information bits belong to a sample, not to what is made of several.
CODE_MASK = 0xFFFF0000


@dataclass(frozen=True, slots=True)
class Column:
    """float64[n] with uint32[n] StatusCodes; where a code is Bad the value is NaN. Booleans are 1.0 and 0.0."""

    values: Floats
    statuses: Codes

    def __len__(self) -> int:
        return len(self.values)


def given(column: Column) -> Column:
    """A column as it comes in: codes without information bits, nothing missing under a code that is not Bad."""
    codes = (column.statuses & np.uint32(CODE_MASK)).astype(np.uint32)
    codes[(codes < BAD) & ~np.isfinite(column.values)] = BAD_NO_DATA
    return Column(np.where(codes < BAD, column.values, np.nan), codes)


def constant(value: float, size: int) -> Column:
    """The same Good value in every row."""
    return Column(np.full(size, value), np.zeros(size, np.uint32))


def worst(codes: Sequence[Codes]) -> Codes:
    """The worst code of each row; of equal ones the first."""
    result = codes[0]
    for other in codes[1:]:
        result = np.where(_rank(other) > _rank(result), other, result)
    return result


def strict(name: str, operands: Sequence[Column]) -> Column:
    """Operators and functions that need every operand."""
    codes = worst([each.statuses for each in operands])
    values = [each.values for each in operands]
    with np.errstate(all="ignore"):
        made = np.asarray(VALUES[name](*values), np.float64)
        undefined = np.isnan(made) | UNDEFINED.get(name, _nowhere)(*values)
    is_usable = codes < BAD
    codes = np.where(is_usable & undefined, np.uint32(BAD_INVALID_ARGUMENT), codes)
    codes = np.where(is_usable & ~undefined & np.isinf(made), np.uint32(BAD_OUT_OF_RANGE), codes).astype(np.uint32)
    return Column(np.where(codes < BAD, made, np.nan), codes)


def decide(operands: Sequence[Column], *, deciding: bool) -> Column:
    """Kleene's `and` (deciding: False) and `or` (True): one deciding operand is enough, whatever the others are."""
    codes = np.stack([each.statuses for each in operands])
    decides = (codes < BAD) & ((np.stack([each.values for each in operands]) != 0) == deciding)
    is_decided = decides.any(axis=0)
    best = np.argmin(np.where(decides, _rank(codes), 9), axis=0)
    deciding_codes = codes[best, np.arange(codes.shape[1])]
    result = np.where(is_decided, deciding_codes, worst(list(codes))).astype(np.uint32)
    values = np.where(is_decided, float(deciding), float(not deciding))
    return Column(np.where(result < BAD, values, np.nan), result)


def negate(operand: Column) -> Column:
    """`not`."""
    return Column(np.where(operand.statuses < BAD, (operand.values == 0).astype(np.float64), np.nan), operand.statuses)


def compare(signs: Sequence[str], operands: Sequence[Column]) -> Column:
    """A chain of comparisons, as `1 < a <= b`: all of them, by Kleene's `and`."""
    made: list[Column] = []
    for sign, left, right in zip(signs, operands[:-1], operands[1:], strict=True):
        codes = worst([left.statuses, right.statuses])
        values = COMPARISONS[sign](left.values, right.values).astype(np.float64)
        made.append(Column(np.where(codes < BAD, values, np.nan), codes))
    return made[0] if len(made) == 1 else decide(made, deciding=False)


def choose(chosen: Column, condition: Column, other: Column) -> Column:
    """`chosen if condition else other`: the branch that is not taken does not matter."""
    is_chosen = condition.values != 0
    codes = np.where(is_chosen, chosen.statuses, other.statuses).astype(np.uint32)
    codes = worst([condition.statuses, codes])
    values = np.where(is_chosen, chosen.values, other.values)
    return Column(np.where(codes < BAD, values, np.nan), codes)


def coalesce(operands: Sequence[Column]) -> Column:
    """The first operand that is not Bad; the first one's code where all are."""
    values, codes = operands[0].values, operands[0].statuses
    for other in operands[1:]:
        takes = (codes >= BAD) & (other.statuses < BAD)
        values, codes = np.where(takes, other.values, values), np.where(takes, other.statuses, codes)
    return Column(values, codes.astype(np.uint32))


def about_status(name: str, operand: Column) -> Column:
    """Whether a status is of a class; Good whatever it looks at."""
    codes = operand.statuses
    flags = {"is_bad": codes >= BAD, "is_uncertain": (codes >= UNCERTAIN) & (codes < BAD), "is_good": codes < UNCERTAIN}
    return Column(flags[name].astype(np.float64), np.full(len(codes), GOOD, np.uint32))


def _rank(codes: Codes) -> Codes:
    return np.minimum(codes >> np.uint32(30), 2)


def _nowhere(first: Floats, *_others: Floats) -> Flags:
    return np.zeros(len(first), np.bool_)


def _rounded(value: Floats, digits: Floats | None = None) -> Floats:
    if digits is None:
        return np.rint(value)
    scale = 10.0**digits
    return np.rint(value * scale) / scale


def _lowest(*values: Floats) -> Floats:
    return np.minimum.reduce(values)


def _highest(*values: Floats) -> Floats:
    return np.maximum.reduce(values)


def _clamped(value: Floats, low: Floats, high: Floats) -> Floats:
    return np.minimum(np.maximum(value, low), high)


def _is_second_zero(_first: Floats, second: Floats) -> Flags:
    return second == 0


def _is_inverse_of_zero(value: Floats, power: Floats) -> Flags:
    return (value == 0) & (power < 0)


def _is_not_positive(value: Floats) -> Flags:
    return value <= 0


def _is_upside_down(_value: Floats, low: Floats, high: Floats) -> Flags:
    return low > high


VALUES: dict[str, Callable[..., Floats]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "modulo": np.mod,
    "raise_to": np.power,
    "minus": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "round": _rounded,
    "floor": np.floor,
    "ceil": np.ceil,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "min": _lowest,
    "max": _highest,
    "clamp": _clamped,
}
# Where a result would be infinite though no digit has overflowed, or the operands contradict each other.
UNDEFINED: dict[str, Callable[..., Flags]] = {
    "divide": _is_second_zero,
    "modulo": _is_second_zero,
    "raise_to": _is_inverse_of_zero,
    "ln": _is_not_positive,
    "log10": _is_not_positive,
    "clamp": _is_upside_down,
}
COMPARISONS: dict[str, Callable[[Floats, Floats], Flags]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
