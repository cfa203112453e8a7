"""Packed columns of a batch as numpy arrays: un-shuffle, running sums, and the storage rule for values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.batch import PackedColumn
from schemas.sample import Kind

# Beyond this a double no longer holds every integer; the exact digits go into the text.
EXACT_INTEGER = 2**53
_CODES = {Kind.F64: "<f8", Kind.F32: "<f4", Kind.I64: "<i8", Kind.U64: "<u8"}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


@dataclass(frozen=True, slots=True)
class ColumnArrays:
    """One column, decoded: `values` is NaN where storage keeps null, `texts` holds what a double cannot."""

    kind: Kind
    tags: NDArray[np.int64]
    times_us: NDArray[np.int64]
    statuses: NDArray[np.int32]
    values: NDArray[np.float64]
    texts: NDArray[np.object_] | None

    def __len__(self) -> int:
        return len(self.tags)

    def value_at(self, index: int) -> float | int | bool | str | None:
        """The value as it was measured, exactly."""
        text = None if self.texts is None else self.texts[index]
        number = float(self.values[index])
        match self.kind:
            case Kind.NONE:
                return None
            case Kind.STR | Kind.JSON:
                return text
            case Kind.BOOL:
                return bool(number)
            case Kind.I64 | Kind.U64:
                return int(number) if text is None else int(text)
            case Kind.F64 | Kind.F32:
                return number if text is None else float(text)


def read_column(packed: PackedColumn, base_us: int) -> ColumnArrays:
    """Decode one column; tag indices are not yet compared with any dictionary."""
    # The differences are 32 bits wide, their sum may not be: 64 bits keep a wild index recognisable.
    tags = np.cumsum(_unshuffled(packed.tag_bytes, "<i4"), dtype=np.int64)
    times_us = np.cumsum(_unshuffled(packed.time_bytes, "<i8"), dtype=np.int64) + np.int64(base_us)
    if packed.status_bytes is None:
        statuses = np.zeros(packed.count, dtype=np.int32)
    else:
        statuses = _unshuffled(packed.status_bytes, "<i4").astype(np.int32)
    values, texts = _read_values(packed)
    return ColumnArrays(packed.kind, tags, times_us, statuses, values, texts)


def _read_values(packed: PackedColumn) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
    if packed.texts is not None:
        texts = np.empty(packed.count, dtype=np.object_)
        texts[:] = packed.texts
        return np.full(packed.count, np.nan), texts
    if packed.value_bytes is None:
        return np.full(packed.count, np.nan), None
    if packed.kind is Kind.BOOL:
        return np.frombuffer(packed.value_bytes, np.uint8).astype(np.float64), None
    raw = _unshuffled(packed.value_bytes, _CODES[packed.kind])
    numbers = raw.astype(np.float64)
    if packed.kind in {Kind.F64, Kind.F32}:
        return _floats(numbers)
    return numbers, _digits(raw)


def _floats(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.object_] | None]:
    odd = np.flatnonzero(~np.isfinite(numbers))
    if len(odd) == 0:
        return numbers, None
    texts = np.full(len(numbers), None, dtype=np.object_)
    for index in odd.tolist():
        texts[index] = _NOT_FINITE[str(float(numbers[index]))]
    numbers[odd] = np.nan
    return numbers, texts


def _digits(raw: NDArray[Any]) -> NDArray[np.object_] | None:
    large = raw > EXACT_INTEGER
    if raw.dtype.kind == "i":
        large |= raw < -EXACT_INTEGER
    positions = np.flatnonzero(large)
    if len(positions) == 0:
        return None
    texts = np.full(len(raw), None, dtype=np.object_)
    for index in positions.tolist():
        texts[index] = str(int(raw[index]))
    return texts


def _unshuffled(shuffled: bytes, code: str) -> NDArray[Any]:
    width = int(code[-1])
    cells = np.frombuffer(shuffled, np.uint8).reshape(width, -1)
    return np.ascontiguousarray(cells.T).view(code).ravel()
