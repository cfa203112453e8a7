"""Closing minutes: raise the watermark, wait for those who knew it lower, and only then mark what is to be rolled.

A transaction that writes samples takes a shared lock, then looks at the watermark, and marks what it writes below it
(storage/rollup_marks.py). So after the raise is committed every transaction either marks, or held the lock before;
when the last of those has ended, all that it wrote can be read. Nobody waits but the roller (decision 0052).
"""

from datetime import datetime, timedelta

from cloud_api.leases import Ownership, check_lease
from cloud_api.rollups.fresh import LEFT_TO_HOLDER, Fresh
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.rollup_marks import MINUTE_US, SLOT_US, insert_marks, marks_between
from cloud_api.storage.rollup_progress import (
    RollupProgress,
    select_first_sample_at,
    select_rollup_progress,
    select_series_since,
    update_closed,
    update_marked,
    wait_for_holders,
)
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollup_writes import KEPT_US, delete_writes, select_writes

MINUTE = timedelta(minutes=1)
# After a quarter of an hour has closed its minutes are rolled first; what comes a little late is merged with them.
MERGE_AFTER = timedelta(seconds=20)


async def close_minutes(
    pool: Pool, mine: Ownership, now: datetime, grace: timedelta, fresh: Fresh | None = None
) -> datetime | None:
    """Close what ended `grace` ago, and mark it; the new watermark, or None when no minute had to be closed.

    New minutes whose samples another process holds, and not `fresh`, are left to that one for a while.
    """
    async with pool.connection() as connection:
        progress = await select_rollup_progress(connection)
    target = _floor(now - grace)
    closed_at = max(target, progress.closed_at) if progress.closed_at else target
    if progress.marked_at is not None and progress.marked_at >= closed_at:
        return None
    if progress.closed_at is None or progress.closed_at < closed_at:
        async with transaction(pool) as connection:
            await check_lease(connection, mine)
            await update_closed(connection, closed_at)
    # A process that died between the two steps leaves closed_at ahead of marked_at: then only the rest is done.
    await wait_for_holders(pool)
    await _mark(pool, mine, progress, closed_at, now, fresh or Fresh())
    return closed_at


async def _mark(
    pool: Pool, mine: Ownership, progress: RollupProgress, closed_at: datetime, now: datetime, fresh: Fresh
) -> None:
    async with transaction(pool) as connection:
        await check_lease(connection, mine)
        is_first_time = progress.marked_at is None
        from_at = await select_first_sample_at(connection) if progress.marked_at is None else progress.marked_at
        # A database may be older than its rollups: then all of it is marked, and rolled in steps.
        from_at = min(_floor(from_at), closed_at) if from_at is not None else closed_at
        series = await select_series_since(connection, from_at)
        if series is not None:
            marks = marks_between(series, us_of(from_at), us_of(closed_at))
            due_at = await _due_at(connection, from_at, closed_at, now, fresh)
            await insert_marks(connection, marks, due_at, is_first=not is_first_time)
        await update_marked(connection, closed_at)
        await delete_writes(connection, at_us(us_of(closed_at) - KEPT_US))
        await _mark_merges(connection, from_at, closed_at, now)


async def _due_at(
    connection: Connection, from_at: datetime, closed_at: datetime, now: datetime, fresh: Fresh
) -> datetime:
    if us_of(closed_at) - us_of(from_at) > KEPT_US:
        # Of so long a stretch nobody holds all.
        return now
    writes = await select_writes(connection, from_at, closed_at)
    return now if fresh.holds(writes.handed) else now + LEFT_TO_HOLDER


async def _mark_merges(connection: Connection, from_at: datetime, closed_at: datetime, now: datetime) -> None:
    """Quarters that are whole now are merged, also for series that were silent in their last minutes."""
    first_us, end_us = us_of(from_at) // SLOT_US * SLOT_US, us_of(closed_at) // SLOT_US * SLOT_US
    if first_us >= end_us:
        return
    series = await select_series_since(connection, at_us(first_us))
    if series is not None:
        await insert_marks(connection, marks_between(series, first_us, end_us), now + MERGE_AFTER, Resolution.QUARTER)


def _floor(instant: datetime) -> datetime:
    return at_us(us_of(instant) // MINUTE_US * MINUTE_US)
