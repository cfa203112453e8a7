"""Stored samples out of the database: pages of raw history, and buckets of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.columns import (
    SampleColumns,
    load_arrays_raw,
    read_doubles,
    read_statuses,
    read_times,
    sent_samples,
    sent_statuses_at,
    spread,
)
from cloud_api.storage.instants import FIRST_US, LAST_US, at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import timestamptz_array_bytes
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import TimestamptzArray

NO_SAMPLES = SampleColumns(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint32), None)
# How far from a window its neighbours are looked for, step by step; in the end however far they are.
NEAR = (timedelta(hours=1), timedelta(days=1), timedelta(days=30), None)
_EARLIEST, _LATEST = at_us(FIRST_US), at_us(LAST_US)


@dataclass(frozen=True, slots=True)
class BucketPlan:
    """Which buckets of which series are wanted; `highest_good` is the last status that counts as Good.

    `edges_at` are the edges of buckets that have no single length; then step and origin are not looked at.
    """

    series_ids: Sequence[int]
    from_at: datetime
    to_at: datetime
    step_us: int
    origin_at: datetime
    highest_good: int
    edges_at: Sequence[datetime] | None = None


@dataclass(frozen=True, slots=True)
class BucketRow:
    """One bucket that has samples; minimum and maximum are decimal digits for 64-bit integers."""

    series_id: int
    start_at: datetime
    average: float | None
    minimum: float | str | None
    maximum: float | str | None
    good_count: int
    sample_count: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A window whose neighbours are wanted; `highest_good` is the last status that counts as Good."""

    series_id: int
    from_at: datetime
    to_at: datetime
    highest_good: int
    is_text: bool


async def select_samples(
    connection: Connection, series_id: int, from_at: datetime, to_at: datetime, limit: int
) -> SampleColumns:
    """Read up to `limit` samples of a series in [from_at, to_at), ascending."""
    parameters = {"series_id": series_id, "from_at": from_at, "to_at": to_at, "limit": limit}
    return await _long_columns(connection, "select_samples", parameters)


async def select_samples_of_spans(
    connection: Connection, series_id: int, spans: NDArray[np.int64], limit: int
) -> SampleColumns:
    """Read up to `limit` samples in many stretches, int64[n, 2], ascending."""
    parameters = {
        "series_id": series_id,
        "froms": TimestamptzArray(timestamptz_array_bytes(spans[:, 0])),
        "tos": TimestamptzArray(timestamptz_array_bytes(spans[:, 1])),
        "from_at": at_us(int(spans[0, 0])),
        "to_at": at_us(int(spans[-1, 1])),
        "limit": limit,
    }
    return await _long_columns(connection, "select_samples_of_spans", parameters)


async def select_surrounding_samples(
    connection: Connection, around: Surroundings
) -> tuple[SampleColumns, SampleColumns]:
    """Read the nearest samples before and after a window: of any status, and of those that count as Good.

    Mostly they are near, and looking there first spares every other partition the trouble of being planned.
    """
    before = after = NO_SAMPLES
    for near in NEAR:
        if _accepted_count(around, before) < 2:
            near_at = _EARLIEST if near is None else max(_EARLIEST, around.from_at - near)
            before = await _columns(connection, "select_samples_before", _near(around, near_at))
        if _accepted_count(around, after) < 1:
            near_at = _LATEST if near is None else min(_LATEST, around.to_at + near)
            after = await _columns(connection, "select_samples_after", _near(around, near_at))
    return before, after


def _near(around: Surroundings, near_at: datetime) -> dict[str, Any]:
    return {
        "series_id": around.series_id,
        "from_at": around.from_at,
        "to_at": around.to_at,
        "highest_good": around.highest_good,
        "is_text": around.is_text,
        "near_at": near_at,
    }


def _accepted_count(around: Surroundings, columns: SampleColumns) -> int:
    accepted = columns.statuses <= around.highest_good
    if not around.is_text:
        accepted &= ~np.isnan(columns.values)
    return int(np.count_nonzero(accepted))


async def select_sample_count_capped(
    connection: Connection, series_ids: Sequence[int], from_at: datetime, to_at: datetime, cap: int
) -> int:
    """Count samples in [from_at, to_at), but stop at `cap`."""
    parameters = {"series_ids": list(series_ids), "from_at": from_at, "to_at": to_at, "cap": cap}
    cursor = await connection.execute(statement("select_sample_count_capped"), parameters)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def select_buckets_of_integers(connection: Connection, plan: BucketPlan) -> list[BucketRow]:
    """Read buckets of 64-bit integers with every digit of minimum and maximum."""
    return await _buckets(connection, plan)


async def set_statement_timeout(connection: Connection, timeout_s: float) -> None:
    """Let the database cancel what takes longer, until the end of this transaction."""
    milliseconds = str(max(1, int(timeout_s * 1000)))
    await connection.execute(statement("set_statement_timeout"), {"timeout_ms": milliseconds})


async def _columns(connection: Connection, name: str, parameters: dict[str, Any]) -> SampleColumns:
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement(name), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return NO_SAMPLES
    return SampleColumns(read_times(row[0]), read_doubles(row[1]), read_statuses(row[2]), row[3])


async def _long_columns(connection: Connection, name: str, parameters: dict[str, Any]) -> SampleColumns:
    """As `_columns`, of statements that join the bytes of samples, and say apart what only some of them have."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement(name), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return NO_SAMPLES
    times, values = sent_samples(row[0])
    statuses = np.zeros(len(times), np.uint32)
    if row[1] is None:
        return SampleColumns(times, values, statuses, None)
    at_times, codes = sent_statuses_at(row[1])
    places = np.searchsorted(times, at_times)
    statuses[places] = codes
    has_texts = any(text is not None for text in row[2])
    return SampleColumns(times, values, statuses, spread(len(times), places, row[2]) if has_texts else None)


async def _buckets(connection: Connection, plan: BucketPlan) -> list[BucketRow]:
    parameters: dict[str, Any] = {
        "series_ids": list(plan.series_ids),
        "from_at": plan.from_at,
        "to_at": plan.to_at,
        "step_us": plan.step_us,
        "origin_at": plan.origin_at,
        "highest_good": plan.highest_good,
        "edges_at": None if plan.edges_at is None else list(plan.edges_at),
    }
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement("select_buckets_of_integers"), parameters)
        return [BucketRow(*row) for row in await cursor.fetchall()]
