"""What an engineer changes of samples that were put aside before they are tried again: path, kind, scale (pure)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.ingest.rejects import KeptSamples
from schemas.sample import Kind, Value

_TRUE, _FALSE = frozenset({"true", "1", "on"}), frozenset({"false", "0", "off"})
_NUMBERS = frozenset({Kind.F64, Kind.F32, Kind.I64, Kind.U64, Kind.BOOL})


class MappingInvalid(Exception):
    """A value cannot be mapped; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Another wire path, another kind, value × scale + offset; None leaves as it is."""

    path: str | None = None
    kind: Kind | None = None
    scale: float | None = None
    offset: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return self == Mapping()

    def applied(self, kept: KeptSamples) -> KeptSamples:
        """The samples as they are to be stored; a sample without a value stays one."""
        is_scaled = self.scale is not None or self.offset is not None
        kind = self.kind or (Kind.F64 if is_scaled else kept.kind)
        if kept.kind is Kind.NONE or (kind is kept.kind and not is_scaled):
            return kept
        values = self._scaled(kept) if is_scaled else kept.values
        return KeptSamples(kind, kept.times_us, kept.statuses, [_as_kind(value, kind) for value in values])

    def _scaled(self, kept: KeptSamples) -> Sequence[Value]:
        if kept.kind not in _NUMBERS and self.kind not in _NUMBERS:
            raise MappingInvalid(f"values of kind {kept.kind} have no scale")
        factor = 1.0 if self.scale is None else self.scale
        return [float(_as_kind(value, Kind.F64) or 0) * factor + (self.offset or 0.0) for value in kept.values]


def _as_kind(value: Value, kind: Kind) -> Value:
    """The value as one of that kind, exactly; only text and numbers turn into each other."""
    if kind in {Kind.F64, Kind.F32}:
        return _number(value)
    if kind in {Kind.I64, Kind.U64}:
        return _integer(value, kind)
    if kind is Kind.BOOL:
        return _boolean(value)
    if kind is Kind.STR:
        return value if isinstance(value, str) else str(value)
    raise MappingInvalid(f"{value!r} cannot become {kind}")


def _number(value: Value) -> float:
    try:
        return float(value)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, OverflowError) as error:
        raise MappingInvalid(f"{value!r} is not a number") from error


def _integer(value: Value, kind: Kind) -> int:
    if isinstance(value, str):
        try:
            whole = int(value)
        except ValueError as error:
            raise MappingInvalid(f"{value!r} is not a whole number") from error
    else:
        number = value if isinstance(value, int) else _number(value)
        if isinstance(number, float) and not (math.isfinite(number) and number.is_integer()):
            raise MappingInvalid(f"{value!r} is not a whole number")
        whole = int(number)
    low, high = (0, 2**64) if kind is Kind.U64 else (-(2**63), 2**63)
    if not low <= whole < high:
        raise MappingInvalid(f"{value!r} does not fit into {kind}")
    return whole


def _boolean(value: Value) -> bool:
    text = str(value).strip().lower().removesuffix(".0")
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise MappingInvalid(f"{value!r} is neither true nor false")
