"""Raw samples of many series at once, for the roller: columns in the order of series and time, at most so many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.columns import POSTGRES_EPOCH_US, load_arrays_raw, read_integers, read_times, spread
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import int4_array_bytes, key_order
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import Int4Array

_KEY = np.dtype([("series_id", ">i4"), ("time", ">i8")])
_VALUED = np.dtype([("series_id", ">i4"), ("time", ">i8"), ("value", ">f8")])
_STATUS = np.dtype([("series_id", ">i4"), ("time", ">i8"), ("status", ">i4")])


@dataclass(frozen=True, slots=True)
class SeriesToRoll:
    """Series by id, ascending: whether each holds text, and how far its device was measured (far ahead: no promise)."""

    ids: NDArray[np.int32]
    is_text: NDArray[np.bool_]
    until_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RawBlock:
    """Samples sorted by series and time; `values` is NaN where there is none, `texts` is None where no row has any."""

    series_ids: NDArray[np.int32]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    texts: Sequence[str | None] | None

    def __len__(self) -> int:
        return len(self.series_ids)

    def first(self, count: int) -> "RawBlock":
        """Only the first samples."""
        texts = None if self.texts is None else self.texts[:count]
        return RawBlock(
            self.series_ids[:count], self.times_us[:count], self.values[:count], self.statuses[:count], texts
        )


def join_blocks(parts: Sequence[RawBlock]) -> RawBlock:
    """Blocks of series that follow each other as one."""
    whole = [_sorted(_Read()), *parts]
    texts = None
    if any(part.texts is not None for part in parts):
        texts = [text for part in parts for text in part.texts or [None] * len(part)]
    return RawBlock(
        np.concatenate([part.series_ids for part in whole]),
        np.concatenate([part.times_us for part in whole]),
        np.concatenate([part.values for part in whole]),
        np.concatenate([part.statuses for part in whole]),
        texts,
    )


async def select_series_to_roll(connection: Connection, series: str) -> SeriesToRoll:
    """Those of a multirange that exist."""
    row = await _arrays(connection, "select_series_to_roll", {"series": series})
    if row is None or row[0] is None:
        return SeriesToRoll(np.empty(0, np.int32), np.empty(0, np.bool_), np.empty(0, np.int64))
    return SeriesToRoll(read_integers(row[0]), read_integers(row[1]).astype(np.bool_), read_times(row[2]))


async def select_samples_of_series(
    connection: Connection, series_ids: NDArray[np.int32], between: tuple[datetime, datetime], limit: int
) -> RawBlock:
    """Read at most `limit` samples of these series from the first instant up to the second, sorted."""
    parameters = {
        "series_ids": Int4Array(int4_array_bytes(series_ids)),
        "from_at": between[0],
        "to_at": between[1],
        "limit": limit,
    }
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement("select_samples_of_series"), parameters)
        row = await cursor.fetchone()
    return _sorted(_Read(*row)) if row is not None and len(series_ids) else _sorted(_Read())


class _Read(NamedTuple):
    """What the statement hands over: records of bytes, one behind the other, and texts."""

    valued: bytes | None = None
    unvalued: bytes | None = None
    not_good: bytes | None = None
    with_text: bytes | None = None
    texts: Sequence[str] | None = None


def _sorted(read: _Read) -> RawBlock:
    valued, unvalued = np.frombuffer(read.valued or b"", _VALUED), np.frombuffer(read.unvalued or b"", _KEY)
    series_ids = np.concatenate((valued["series_id"], unvalued["series_id"])).astype(np.int32)
    times_us = np.concatenate((valued["time"], unvalued["time"])).astype(np.int64) + POSTGRES_EPOCH_US
    values = np.concatenate((valued["value"].astype(np.float64), np.full(len(unvalued), np.nan)))
    if not len(series_ids):
        return RawBlock(series_ids, times_us, values, np.empty(0, np.uint32), None)
    order = key_order(series_ids, times_us)
    series_ids, times_us = series_ids[order], times_us[order]
    statuses = np.zeros(len(order), np.uint32)
    not_good = np.frombuffer(read.not_good or b"", _STATUS)
    if len(not_good):
        statuses[_places(series_ids, times_us, not_good)] = not_good["status"].astype(np.int32).view(np.uint32)
    texts = None
    if read.texts is not None:
        places = _places(series_ids, times_us, np.frombuffer(read.with_text or b"", _KEY))
        texts = spread(len(order), places, read.texts)
    return RawBlock(series_ids, times_us, values[order], statuses, texts)


def _places(series_ids: NDArray[np.int32], times_us: NDArray[np.int64], keys: NDArray[np.void]) -> NDArray[np.intp]:
    """Where these keys stand among all, which are sorted."""
    distinct, number = np.unique(series_ids, return_inverse=True)
    first_us = int(times_us.min())
    # A block is of some thousand series and thirty days at most: both fit one number.
    span_us = int(times_us.max()) - first_us + 1
    every = number.astype(np.int64) * span_us + (times_us - first_us)
    wanted = np.searchsorted(distinct, keys["series_id"].astype(np.int32)).astype(np.int64)
    return np.searchsorted(every, wanted * span_us + (keys["time"].astype(np.int64) + POSTGRES_EPOCH_US - first_us))


async def select_sample_span(connection: Connection, series_id: int) -> tuple[int, int] | None:
    """The first sample of a series and the end of its last one, in UTC microseconds; None when it has none."""
    cursor = await connection.execute(statement("select_sample_span"), {"series_id": series_id})
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else (us_of(row[0]), us_of(row[1]) + 1)


async def select_sample_at(connection: Connection, series_id: int, from_us: int) -> int | None:
    """The first sample of a series from then on."""
    parameters = {"series_id": series_id, "from_at": at_us(from_us)}
    cursor = await connection.execute(statement("select_sample_at"), parameters)
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else us_of(row[0])


async def _arrays(connection: Connection, name: str, parameters: dict[str, Any]) -> Any:
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchone()
