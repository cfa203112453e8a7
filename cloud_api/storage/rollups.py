"""Rollup rows: binary COPY in, arrays of columns out, and what is replaced goes to the revisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from cloud_api.storage.columns import POSTGRES_EPOCH_US, load_arrays_raw, read_times, sent_integers, sent_times
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import (
    FINAL,
    OPEN,
    REVISED,
    Resolution,
    RollupRows,
    join_rollups,
    no_rollups,
    same_partials,
)
from cloud_api.storage.rollup_wire import (
    COLUMNS,
    COUNT_COLUMNS,
    EXTREME_COLUMNS,
    TEXTS,
    Column,
    Rare,
    Read,
    copy_rollup_chunks,
    read_rollups,
    row_keys,
)
from cloud_api.storage.rows import int4_array_bytes, timestamptz_array_bytes
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import Int4Array, TimestamptzArray

# What stands before a value of a column that is mostly null.
_KEY = [("series", ">i4"), ("bucket", ">i8"), ("reading", "u1")]


@dataclass(frozen=True, slots=True)
class Scope:
    """The buckets of these series that begin in [from_at, to_at)."""

    series_ids: Sequence[int]
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Which rows beside an instant are wanted: before it, or from it on."""

    series_id: int
    at: datetime
    is_after: bool
    with_uncertain: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of the rows of a scope."""

    inserted: int
    revised: int
    removed: int
    unchanged: int


async def insert_rollups(connection: Connection, resolution: Resolution, rows: RollupRows) -> None:
    """Append rows of buckets that have none; UniqueViolation where one stands. Partitions must exist."""
    if not len(rows):
        return
    query = sql.SQL(statement("copy_rollups")).format(rollup=_table(resolution))
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        for chunk in copy_rollup_chunks(rows):
            await copy.write(chunk)


async def replace_rollups(
    connection: Connection, resolution: Resolution, scope: Scope, rows: RollupRows, at: datetime
) -> Replaced:
    """Let exactly these rows stand in a scope, as rolled `at`; a row that says the same stays as it is.

    A final row that differs, or has no successor, goes to the revisions, and its successor is called revised; an open
    row leaves no trace.
    """
    standing = await select_rollups(connection, resolution, scope)
    if not len(standing):
        await insert_rollups(connection, resolution, _stamped(rows, at))
        return Replaced(inserted=len(rows), revised=0, removed=0, unchanged=0)
    old_at, new_at = _matches(standing, rows)
    same = same_partials(standing.partials[old_at], rows.partials[new_at])
    closed = same & (standing.states[old_at] == OPEN) & (rows.states[new_at] != OPEN)
    await _close(connection, resolution, standing.take(old_at[closed]), scope)
    gone = np.ones(len(standing), np.bool_)
    gone[old_at[same]] = False
    await _remove(connection, resolution, standing.take(gone), scope, at)
    states = rows.states.copy()
    states[new_at[standing.states[old_at] != OPEN]] = REVISED
    fresh = np.ones(len(rows), np.bool_)
    fresh[new_at[same]] = False
    stamped = _stamped(replace(rows, states=states), at)
    await insert_rollups(connection, resolution, stamped.take(fresh))
    revised = int(np.count_nonzero(~same))
    return Replaced(
        inserted=int(np.count_nonzero(fresh)) - revised,
        revised=revised,
        removed=int(np.count_nonzero(gone)) - revised,
        unchanged=int(np.count_nonzero(same)),
    )


def _stamped(rows: RollupRows, at: datetime) -> RollupRows:
    return replace(rows, valid_from_us=np.full(len(rows), us_of(at), np.int64))


async def select_rollups(
    connection: Connection, resolution: Resolution, scope: Scope, as_of: datetime | None = None
) -> RollupRows:
    """Read rows by series, bucket and reading; `as_of`: those that were known at that time."""
    row = await _read(connection, "select_rollups", resolution, _of(scope), as_of)
    if row is None or row[0] is None:
        return no_rollups()
    states, valid_from_us = np.frombuffer(row[3], "S1"), sent_times(row[4])
    return _rows(row, row[5:], COLUMNS, (*TEXTS, "falls"), (states, valid_from_us))


async def select_rollup_counts(
    connection: Connection, resolution: Resolution, scope: Scope, as_of: datetime | None = None
) -> RollupRows:
    """The same with counts, means, extremes and ends alone; all else, states too, is 0."""
    row = await _read(connection, "select_rollup_counts", resolution, _of(scope), as_of)
    if row is None or row[0] is None:
        return no_rollups()
    return _rows(row, row[3:], COUNT_COLUMNS, ("low_text", "high_text"))


async def select_rollup_extremes(connection: Connection, resolution: Resolution, scope: Scope) -> RollupRows:
    """The same with counts, statuses, extremes, and first and last samples alone."""
    row = await _read(connection, "select_rollup_extremes", resolution, _of(scope), None)
    return no_rollups() if row is None or row[0] is None else _rows(row, row[3:], EXTREME_COLUMNS, TEXTS)


async def select_neighbour_rollups(
    connection: Connection, resolution: Resolution, neighbours: Neighbours, as_of: datetime | None = None
) -> RollupRows:
    """Read the nearest rows before or after an instant: of any samples, and of accepted ones."""
    name = "select_rollup_buckets_after" if neighbours.is_after else "select_rollup_buckets_before"
    parameters = {
        "series_id": neighbours.series_id,
        "at": neighbours.at,
        "with_uncertain": neighbours.with_uncertain,
    }
    row = await _read(connection, name, resolution, parameters, as_of)
    starts = [] if row is None or row[0] is None else read_times(row[0]).tolist()
    parts: list[RollupRows] = []
    for start_us in sorted(set(starts)):
        scope = Scope([neighbours.series_id], at_us(start_us), at_us(start_us + resolution.width_us))
        parts.append(await select_rollups(connection, resolution, scope, as_of))
    return join_rollups([no_rollups(), *parts])


async def select_newest_buckets(
    connection: Connection, resolution: Resolution, scope: Scope, as_of: datetime
) -> dict[int, int]:
    """The start in microseconds of the newest bucket that was known at that time, by series that had one."""
    query = _query("select_newest_buckets", resolution, as_of)
    cursor = await connection.execute(query, _of(scope) | {"as_of": as_of})
    return {int(row[0]): int(row[1]) for row in await cursor.fetchall()}


def _query(name: str, resolution: Resolution, as_of: datetime | None) -> sql.Composed:
    """A statement over the rows as they stand, or as they were known."""
    table, known = _table(resolution), sql.SQL("")
    if as_of is not None:
        table, known = sql.Identifier(f"rollup_{resolution.value}_known"), sql.SQL(statement("known_rollups"))
    return sql.SQL(statement(name)).format(rollup=table, known=known)


async def _read(
    connection: Connection, name: str, resolution: Resolution, parameters: dict[str, Any], as_of: datetime | None
) -> Sequence[Any] | None:
    """One row of arrays from the rows as they stand, or as they were known."""
    query = _query(name, resolution, as_of)
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(query, parameters | ({} if as_of is None else {"as_of": as_of}))
        return await cursor.fetchone()


def _of(scope: Scope) -> dict[str, Any]:
    return {"series_ids": list(scope.series_ids), "from_at": scope.from_at, "to_at": scope.to_at}


def _rows(
    row: Sequence[Any],
    cells: Sequence[Any],
    read: Sequence[Column],
    texts: Sequence[str],
    stamps: tuple[NDArray[np.bytes_], NDArray[np.int64]] | None = None,
) -> RollupRows:
    """The rows of which keys stand in `row` and everything else in `cells`, sorted."""
    ids, buckets_us, readings = sent_integers(row[0]), sent_times(row[1]), np.frombuffer(row[2], np.bool_)
    keys = row_keys(ids, buckets_us, readings)
    order = np.argsort(keys)
    keys = keys[order]
    columns: dict[str, NDArray[Any] | Rare] = {}
    for column, cell in zip(read, cells, strict=False):
        columns[column.name] = _rare(column, cell, keys) if column.is_rare else _elements(column, cell)[order]
    for name, cell in zip(texts, cells[len(read) :], strict=True):
        if cell is not None:
            found = np.empty(len(cell), np.object_)
            found[:] = cell
            columns[name] = found[order]
    states, valid_from_us = stamps or (np.zeros(len(ids), "S1"), np.zeros(len(ids), np.int64))
    return read_rollups(
        Read(ids[order], buckets_us[order], readings[order], states[order], valid_from_us[order], columns)
    )


def _elements(column: Column, data: bytes) -> NDArray[Any]:
    return np.frombuffer(data, column.wire).astype(column.wire.newbyteorder("="))


def _rare(column: Column, data: bytes | None, keys: NDArray[np.int64]) -> Rare:
    sent = np.frombuffer(data or b"", [*_KEY, ("value", column.wire)])
    own = row_keys(sent["series"], sent["bucket"].astype(np.int64) + POSTGRES_EPOCH_US, sent["reading"])
    values = sent["value"].astype(column.wire.newbyteorder("="))
    return Rare(np.searchsorted(keys, own), values.view(np.uint32) if column.kind == "status" else values)


async def _close(connection: Connection, resolution: Resolution, rows: RollupRows, scope: Scope) -> None:
    """Open rows that turned out right become final."""
    if len(rows):
        query = sql.SQL(statement("update_rollup_states")).format(rollup=_table(resolution))
        await connection.execute(query, _keys(rows, scope) | {"state": FINAL.decode()})


async def _remove(connection: Connection, resolution: Resolution, rows: RollupRows, scope: Scope, at: datetime) -> None:
    """Take rows away; what was final is kept as a revision that held until `at`."""
    if not len(rows):
        return
    kept = rows.take(rows.states != OPEN)
    if len(kept):
        query = sql.SQL(statement("insert_rollup_revisions"))
        names = {"rollup": _table(resolution), "revision": _revision(resolution)}
        await connection.execute(query.format(**names), _keys(kept, scope) | {"valid_to": at})
    query = sql.SQL(statement("delete_rollups")).format(rollup=_table(resolution))
    await connection.execute(query, _keys(rows, scope))


def _keys(rows: RollupRows, scope: Scope) -> dict[str, Any]:
    """Keys as arrays; the bounds beside them let the engine leave out partitions and chunks."""
    return {
        "series_ids": Int4Array(int4_array_bytes(rows.series_ids)),
        "buckets": TimestamptzArray(timestamptz_array_bytes(rows.buckets_us)),
        "readings": Int4Array(int4_array_bytes(rows.with_uncertain.astype(np.int32))),
        "from_at": at_us(int(rows.buckets_us.min())),
        "to_at": at_us(int(rows.buckets_us.max())),
        "all_ids": list(scope.series_ids),
    }


def _matches(standing: RollupRows, rows: RollupRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of rows with the same key in both."""
    both = join_rollups([standing, rows])
    order = np.lexsort((both.with_uncertain, both.buckets_us, both.series_ids))
    sorted_rows = both.take(order)
    equal = (
        (sorted_rows.series_ids[1:] == sorted_rows.series_ids[:-1])
        & (sorted_rows.buckets_us[1:] == sorted_rows.buckets_us[:-1])
        & (sorted_rows.with_uncertain[1:] == sorted_rows.with_uncertain[:-1])
    )
    first = np.flatnonzero(equal)
    # The sort is stable: what stands comes before its successor.
    return order[first], order[first + 1] - len(standing)


def _table(resolution: Resolution) -> sql.Identifier:
    return sql.Identifier(f"rollup_{resolution.value}")


def _revision(resolution: Resolution) -> sql.Identifier:
    return sql.Identifier(f"rollup_{resolution.value}_revision")
