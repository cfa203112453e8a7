"""Buckets of many series at once, as columns: merged where the rows lie, or samples that are put into buckets here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from cloud_api.storage.columns import load_arrays_raw, read_doubles, read_integers, read_times
from cloud_api.storage.pool import Connection, Cursor
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rows import timestamptz_array_bytes
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import TimestamptzArray


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some series in [from_at, to_at)."""

    series_ids: Sequence[int]
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts: statuses up to `highest_good`; `is_text`: a Good sample without a number, too."""

    highest_good: int
    is_text: bool = False

    def parameters(self) -> dict[str, Any]:
        """As statements take it."""
        return {"highest_good": self.highest_good, "missing": 0.0 if self.is_text else float("nan")}


@dataclass(frozen=True, slots=True)
class GroupColumns:
    """One element a series and interval: counts, mean, lowest and highest of what counts; `mean` is 0 without any.

    `places` are numbers of intervals from 0, or instants where those were asked for by a length; `texts` are series of
    which a double does not say everything.
    """

    series_ids: NDArray[np.int32]
    places: NDArray[np.int64]
    totals: NDArray[np.float64]
    accepted: NDArray[np.float64]
    means: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    texts: frozenset[int]
    row_count: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Samples of one series in no order; what does not count is NaN."""

    series_id: int
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    has_texts: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Buckets of one length, or, where `edges_at` are given, between those."""

    step_us: int
    origin_at: datetime
    edges_at: Sequence[datetime] | None


async def begin_rollup_groups(
    connection: Connection,
    resolution: Resolution,
    stretch: Stretch,
    edges_us: NDArray[np.int64],
    as_of: datetime | None = None,
) -> Cursor:
    """Ask for rows merged by series and interval; `as_of`: those that were known at that time."""
    table, known = sql.Identifier(f"rollup_{resolution.value}"), sql.SQL("")
    if as_of is not None:
        table = sql.Identifier(f"rollup_{resolution.value}_known")
        known = sql.SQL(statement("known_rollups"))
    query = sql.SQL(statement("select_rollup_groups")).format(rollup=table, known=known)
    edges = TimestamptzArray(timestamptz_array_bytes(edges_us))
    parameters = _of(stretch) | {"edges": edges} | ({} if as_of is None else {"as_of": as_of})
    return await _begin(connection, query, parameters)


async def read_rollup_groups(cursor: Cursor) -> GroupColumns | None:
    """The answer to `begin_rollup_groups`, once a pipeline has ended if there is one; None: no rows."""
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    places = read_integers(row[1]).astype(np.int64) - 1
    return _groups(row, places, texts=row[8], row_count=int(row[7]))


async def begin_measured(connection: Connection, stretch: Stretch, counting: Counting, limit: int) -> Cursor:
    """Ask for at most `limit` samples of all these series together."""
    parameters = _of(stretch) | counting.parameters() | {"limit": limit}
    return await _begin(connection, sql.SQL(statement("select_measured")), parameters)


async def read_measured(cursor: Cursor) -> list[Measured]:
    """The answer to `begin_measured`."""
    rows = await cursor.fetchall()
    return [Measured(row[0], read_times(row[1]), read_doubles(row[2]), row[3]) for row in rows]


async def select_sample_groups(
    connection: Connection, stretch: Stretch, steps: Steps, counting: Counting
) -> GroupColumns | None:
    """Merge samples by series and bucket, where these are named by their starts; None: no samples."""
    parameters = _of(stretch) | counting.parameters()
    parameters |= {"step_us": steps.step_us, "origin_at": steps.origin_at}
    parameters |= {"edges_at": None if steps.edges_at is None else list(steps.edges_at)}
    cursor = await _begin(connection, sql.SQL(statement("select_sample_groups")), parameters)
    row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    totals = read_doubles(row[2])
    return _groups(row, read_times(row[1]), texts=row[7], row_count=int(totals.sum()))


async def _begin(connection: Connection, query: sql.SQL | sql.Composed, parameters: dict[str, Any]) -> Cursor:
    cursor = connection.cursor(binary=True)
    load_arrays_raw(cursor)
    return await cursor.execute(query, parameters)


def _of(stretch: Stretch) -> dict[str, Any]:
    return {"series_ids": list(stretch.series_ids), "from_at": stretch.from_at, "to_at": stretch.to_at}


def _groups(row: Sequence[Any], places: NDArray[np.int64], *, texts: bytes | None, row_count: int) -> GroupColumns:
    totals, accepted, means, lows, highs = (read_doubles(cell) for cell in row[2:7])
    named = frozenset(read_integers(texts).tolist()) if texts is not None else frozenset[int]()
    return GroupColumns(read_integers(row[0]), places, totals, accepted, means, lows, highs, named, row_count)
