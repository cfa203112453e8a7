"""Purging a series: first out of use, then samples and rollups in steps of their own, at last the series itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import numpy as np

from cloud_api.problems import FieldProblem, Kinds, Problem, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import SeriesRow, select_series, update_series_generation
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.purge import (
    Deleted,
    delete_rollups_step,
    delete_samples_step,
    delete_series_beside,
    lock_ingest_out,
    lock_roller_out,
)
from cloud_api.storage.rollup_marks import hold_closed, insert_marks, marks_between, multirange, read_closed
from cloud_api.storage.rollup_writes import insert_write, write_of
from cloud_api.storage.samples import set_decompression_unlimited

STEP = 50_000


@dataclass(slots=True)
class Purged:
    """How far a purge has come."""

    series: SeriesRow
    samples: int = 0
    rollups: int = 0
    steps: int = 0
    is_done: bool = False


async def purge(pool: Pool, series_id: int, path: str, principal: str, budget_s: float) -> Purged:
    """Purge a series, for at most about so long; asked again it goes on. Each step is a transaction of its own."""
    async with transaction(pool) as connection:
        row = await _confirmed(connection, series_id, path)
        detail = {"path": row.path, "agent": row.source_agent, "source_path": row.source_path}
        await insert_audit(connection, principal, "series.purge_begin", str(series_id), detail)
    purged = Purged(row)
    ends = monotonic() + budget_s
    while monotonic() < ends:
        async with transaction(pool) as connection:
            deleted = await _step(connection, series_id)
        purged.samples += deleted.count
        purged.steps += 1
        if deleted.count < STEP and await _without_rollups(pool, purged, ends):
            await _finish(pool, purged, principal)
            return purged
    async with transaction(pool) as connection:
        await _note(connection, purged, principal)
    return purged


async def _without_rollups(pool: Pool, purged: Purged, ends: float) -> bool:
    """Delete the rollups; false when there was no time for all of them. The roller waits for each step."""
    while monotonic() < ends:
        async with transaction(pool) as connection:
            await lock_roller_out(connection)
            await set_decompression_unlimited(connection)
            count = await delete_rollups_step(connection, purged.series.id, STEP)
        purged.rollups += count
        if count == 0:
            return True
    return False


async def _confirmed(connection: Connection, series_id: int, path: str) -> SeriesRow:
    row = await select_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    if row.path != path:
        detail = f"the series {series_id} has another path; repeat it exactly to confirm"
        field = FieldProblem(field="path", value=path, detail=detail, allowed=row.path)
        raise Problem(Kinds.BODY_INVALID, detail, fields=[field])
    if row.retired_at is None:
        detail = "a series in use is not purged: retire it first, so that nobody takes it away by mistake"
        raise Problem(Kinds.CONFLICT, detail)
    return row


async def _step(connection: Connection, series_id: int) -> Deleted:
    """Delete the oldest samples, and mark their stretch, so that no rollup of them is made or kept."""
    closed = await read_closed(await hold_closed(connection))
    await set_decompression_unlimited(connection)
    deleted = await delete_samples_step(connection, series_id, STEP)
    if closed.closed_us is not None and deleted.first_at is not None and deleted.last_at is not None:
        from_us, to_us = us_of(deleted.first_at), min(us_of(deleted.last_at) + 1, closed.closed_us)
        if from_us < to_us:
            series = multirange(np.array([series_id], np.int32))
            await insert_marks(connection, marks_between(series, from_us, to_us), datetime.now(UTC))
        times_us = np.array([us_of(deleted.first_at), us_of(deleted.last_at)], np.int64)
        write = write_of(np.full(2, series_id, np.int32), times_us, closed)
        if write is not None:
            await insert_write(connection, write)
    return deleted


async def _finish(pool: Pool, purged: Purged, principal: str) -> None:
    """What came meanwhile, and the series itself; ingest and the roller wait for this one short transaction."""
    series_id = purged.series.id
    async with transaction(pool) as connection:
        await lock_ingest_out(connection)
        await lock_roller_out(connection)
        purged.samples += (await _step(connection, series_id)).count
        purged.rollups += await delete_rollups_step(connection, series_id, STEP)
        await delete_series_beside(connection, series_id)
        await update_series_generation(connection)
        purged.is_done = True
        await _note(connection, purged, principal)


async def _note(connection: Connection, purged: Purged, principal: str) -> None:
    """What one request has deleted: of a purge in several requests the audit has a row for each."""
    state = "done" if purged.is_done else "under_way"
    counts = {"samples": purged.samples, "rollups": purged.rollups, "state": state}
    await insert_audit(
        connection, principal, "series.purge", str(purged.series.id), {"path": purged.series.path} | counts
    )
