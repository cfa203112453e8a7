"""From the device's number to the engineer's: scale, offset, range, words; a value that cannot be is Bad, not bent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from schemas import status as codes
from schemas.sample import Kind, Value

NUMBERS = frozenset({Kind.F64, Kind.F32, Kind.I64, Kind.U64})

Scaled: TypeAlias = tuple[Kind, Value, int]


class OutOfRange(StrEnum):
    """What becomes of a value outside low and high."""

    NONE = "none"
    LIMIT = "limit"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class RawRange:
    """What the device counts at both ends of the engineering range; `low` above `high` turns it round."""

    low: float
    high: float

    def mapped(self, value: float, low: float, high: float) -> float:
        """The engineering value; exact at both ends, so that a value at the end of its range is not outside it."""
        share = (value - self.low) / (self.high - self.low)
        return low * (1 - share) + high * share


@dataclass(frozen=True, slots=True)
class Scaling:
    """One tag's way from raw to engineering units; neither `factor` nor `raw` leaves a number and its kind as is."""

    factor: float | None = None
    offset: float = 0.0
    raw: RawRange | None = None
    low: float = -math.inf
    high: float = math.inf
    out_of_range: OutOfRange = OutOfRange.NONE
    words: Mapping[int, str] | None = None

    @property
    def is_identity(self) -> bool:
        """Whether every sample passes as it came."""
        return self.factor is None and self.raw is None and self.out_of_range is OutOfRange.NONE and self.words is None

    def apply(self, kind: Kind, value: Value, status: int) -> Scaled:
        """The sample in engineering units; what has no value stays without one."""
        if value is None:
            return Kind.NONE, None, status
        if self.words is not None:
            return self._word(kind, value, status)
        if kind not in NUMBERS or isinstance(value, str):
            return Kind.NONE, None, codes.BAD_CONFIGURATION_ERROR
        if self.factor is not None or self.raw is not None:
            scaled = self._scaled(value)
            if scaled is None:
                return Kind.NONE, None, codes.BAD_OUT_OF_RANGE
            kind, value = Kind.F64, scaled
        return self._bounded(kind, value, status)

    def _scaled(self, value: float) -> float | None:
        """The scaled value; None when a finite number left the range of a double, infinities and NaN travel on."""
        try:
            if self.raw is not None:
                scaled = self.raw.mapped(value, self.low, self.high) if math.isfinite(value) else float(value)
            else:
                scaled = value * (1.0 if self.factor is None else self.factor) + self.offset
        except OverflowError:
            return None  # an integer beyond the range of a double
        return scaled if math.isfinite(scaled) or not math.isfinite(value) else None

    def _word(self, kind: Kind, value: Value, status: int) -> Scaled:
        if kind not in NUMBERS | {Kind.BOOL} or not isinstance(value, int):
            return Kind.NONE, None, codes.BAD_CONFIGURATION_ERROR
        word = self.words.get(int(value)) if self.words is not None else None
        if word is None:
            return Kind.STR, str(int(value)), codes.worst(status, codes.UNCERTAIN)
        return Kind.STR, word, status

    def _bounded(self, kind: Kind, value: float, status: int) -> Scaled:
        if self.out_of_range is OutOfRange.NONE or self.low <= value <= self.high:
            return kind, value, status
        if self.out_of_range is OutOfRange.BAD or math.isnan(value):
            return Kind.NONE, None, codes.BAD_OUT_OF_RANGE
        limit = self.low if value < self.low else self.high
        clamped = codes.GOOD_CLAMPED if status == codes.GOOD else status
        if kind in (Kind.I64, Kind.U64) and limit.is_integer():
            return kind, int(limit), clamped
        return Kind.F64, limit, clamped
