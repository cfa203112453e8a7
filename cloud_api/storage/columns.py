"""Columns out of the database at memory speed: what the server sends becomes numpy views, never one object a row.

Short columns come as arrays (array_agg in binary form), long ones as the joined bytes of their elements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import AsyncCursor, postgres, pq
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import TupleRow

# PostgreSQL counts instants in microseconds from 2000-01-01.
POSTGRES_EPOCH_US = 946_684_800_000_000

_VALUE_AT = np.dtype([("time", ">i8"), ("value", ">f8")])
_STATUS_AT = np.dtype([("time", ">i8"), ("status", ">i4")])
_HEAD_BYTES = 20  # dimensions, has-null flag, element oid, length, lower bound: 5 int4 (array_send)


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """Samples of one series, ascending; `values` is NaN where there is none, `texts` is None where no row has any."""

    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    texts: list[str | None] | None

    def __len__(self) -> int:
        return len(self.times_us)

    def first(self, count: int) -> "SampleColumns":
        """Only the first samples."""
        return self.slice(0, count)

    def slice(self, start: int, stop: int) -> "SampleColumns":
        """Only the samples from one place up to another."""
        texts = None if self.texts is None else self.texts[start:stop]
        return SampleColumns(self.times_us[start:stop], self.values[start:stop], self.statuses[start:stop], texts)

    def take(self, chosen: NDArray[np.int64]) -> "SampleColumns":
        """Only the chosen samples."""
        texts = None if self.texts is None else [self.texts[index] for index in chosen.tolist()]
        return SampleColumns(self.times_us[chosen], self.values[chosen], self.statuses[chosen], texts)


def concatenate(parts: Sequence[SampleColumns]) -> SampleColumns:
    """Join samples that follow each other."""
    has_texts = any(part.texts is not None for part in parts)
    return SampleColumns(
        np.concatenate([part.times_us for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.statuses for part in parts]),
        [text for part in parts for text in part.texts or [None] * len(part)] if has_texts else None,
    )


def spread(size: int, places: NDArray[np.intp], texts: Sequence[str | None]) -> list[str | None]:
    """Texts at their places, and nothing between them."""
    found: list[str | None] = [None] * size
    for place, text in zip(places.tolist(), texts, strict=True):
        found[place] = text
    return found


class _RawLoader(Loader):
    """Hands the bytes of a value over as they are."""

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def load_arrays_raw(cursor: AsyncCursor[TupleRow]) -> None:
    """Let this cursor hand over arrays of instants, doubles and integers as bytes."""
    for name in ("timestamptz", "float8", "int4"):
        cursor.adapters.register_loader(postgres.types[name].array_oid, _RawLoader)


def read_times(data: bytes) -> NDArray[np.int64]:
    """Read timestamptz[] as UTC microseconds."""
    return _elements(data, ">i8").astype(np.int64) + POSTGRES_EPOCH_US


def read_doubles(data: bytes) -> NDArray[np.float64]:
    """Read float8[]."""
    return _elements(data, ">f8").astype(np.float64)


def read_integers(data: bytes) -> NDArray[np.int32]:
    """Read int4[]."""
    return _elements(data, ">i4").astype(np.int32)


def read_statuses(data: bytes) -> NDArray[np.uint32]:
    """Read int4[] as OPC UA StatusCodes, which are stored as the same 32 bits signed."""
    return read_integers(data).view(np.uint32)


def sent_times(data: bytes) -> NDArray[np.int64]:
    """Read joined timestamptz_send as UTC microseconds."""
    times = np.frombuffer(data, ">i8").astype(np.int64)
    times += POSTGRES_EPOCH_US
    return times


def sent_doubles(data: bytes) -> NDArray[np.float64]:
    """Read joined float8send."""
    return np.frombuffer(data, ">f8").astype(np.float64)


def sent_integers(data: bytes) -> NDArray[np.int32]:
    """Read joined int4send; of xidsend the same 32 bits."""
    return np.frombuffer(data, ">i4").astype(np.int32)


def sent_statuses(data: bytes) -> NDArray[np.uint32]:
    """Read joined int4send as StatusCodes."""
    return sent_integers(data).view(np.uint32)


def sent_samples(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Read joined pairs of timestamptz_send and float8send: instants and the values that stand there."""
    pairs = np.frombuffer(data, _VALUE_AT)
    times = pairs["time"].astype(np.int64)
    times += POSTGRES_EPOCH_US
    return times, pairs["value"].astype(np.float64)


def sent_statuses_at(data: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Read joined pairs of timestamptz_send and int4send: instants and the StatusCodes that stand there."""
    pairs = np.frombuffer(data, _STATUS_AT)
    return pairs["time"].astype(np.int64) + POSTGRES_EPOCH_US, pairs["status"].astype(np.int32).view(np.uint32)


def _elements(data: bytes, code: str) -> NDArray[Any]:
    """View the elements of a one-dimensional array without nulls: each has a length word before it."""
    if len(data) < _HEAD_BYTES:
        return np.empty(0, dtype=code)
    element = np.dtype([("length", ">i4"), ("value", code)])
    return np.frombuffer(data, dtype=element, offset=_HEAD_BYTES)["value"]
