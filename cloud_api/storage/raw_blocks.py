"""Raw samples of many series at once, for the roller: columns in the order of series and time, at most so many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.columns import load_arrays_raw, read_doubles, read_integers, read_statuses, read_times, spread
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import int4_array_bytes, key_order
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import Int4Array


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
    row = await _arrays(connection, "select_samples_of_series", parameters) if len(series_ids) else None
    if row is None or row[0] is None:
        empty = np.empty(0, np.int64)
        return RawBlock(empty.astype(np.int32), empty, empty.astype(np.float64), empty.astype(np.uint32), None)
    return _sorted(row)


def _sorted(row: Sequence[Any]) -> RawBlock:
    series_ids, times_us = read_integers(row[0]), read_times(row[1])
    order = key_order(series_ids, times_us)
    series_ids, times_us = series_ids[order], times_us[order]
    statuses = np.zeros(len(order), np.uint32)
    if row[3] is not None:
        statuses[_places(series_ids, times_us, row[3], row[4])] = read_statuses(row[5])
    texts = None
    if row[6] is not None:
        texts = spread(len(order), _places(series_ids, times_us, row[6], row[7]), row[8])
    return RawBlock(series_ids, times_us, read_doubles(row[2])[order], statuses, texts)


def _places(
    series_ids: NDArray[np.int32], times_us: NDArray[np.int64], of_series: bytes, at_times: bytes
) -> NDArray[np.intp]:
    """Where these keys stand among all, which are sorted."""
    distinct, number = np.unique(series_ids, return_inverse=True)
    first_us = int(times_us.min())
    # A block is of some thousand series and thirty days at most: both fit one number.
    span_us = int(times_us.max()) - first_us + 1
    keys = number.astype(np.int64) * span_us + (times_us - first_us)
    wanted = np.searchsorted(distinct, read_integers(of_series)).astype(np.int64)
    return np.searchsorted(keys, wanted * span_us + (read_times(at_times) - first_us))


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
