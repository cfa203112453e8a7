"""A roller that a test drives step by step, samples by plain SQL or through ingest, and the judge: raw recomputed."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import Fresh
from cloud_api.rollups.steps import Steps
from cloud_api.rollups.verify import Difference, verify_stretch
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool, transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.rollup_writes import mark_changed
from cloud_api.storage.rows import SampleRows, copy_bytes
from cloud_api.storage.samples import copy_samples

START = datetime(2026, 1, 31, 8, tzinfo=UTC)
NO_GRACE = timedelta(0)


def at(seconds: float) -> datetime:
    """An instant after START."""
    return START + timedelta(seconds=seconds)


def seconds_of(instant: datetime) -> float:
    """The same as seconds after START."""
    return (instant - START).total_seconds()


@dataclass
class Mill:
    """Rolls on one database by hand."""

    pool: Pool
    steps: Steps
    days: Partitions

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters or None)
            return await cursor.fetchall() if cursor.description else []

    async def series(self, *paths: str, kind: str = "f64", device: str | None = None) -> list[int]:
        """Make series of the agent `gw`."""
        query = (
            "insert into series (source_agent, source_path, path, kind, device)"
            " values ('gw', %s, %s, %s, %s) returning id"
        )
        return [(await self.rows(query, path, path, kind, device))[0][0] for path in paths]

    async def store(self, series_id: int, seconds: Sequence[float], values: Sequence[float] | None = None) -> None:
        """Store samples as ingest does: under the lock, marked where they are late."""
        times = np.array([us_of(at(second)) for second in seconds], np.int64)
        rows = SampleRows(
            np.full(len(times), series_id, np.int32),
            times,
            np.zeros(len(times), np.int32),
            np.array(values if values is not None else seconds, np.float64),
            None,
        )
        async with self.pool.connection() as connection:
            if self.steps.engine.kind is EngineKind.POSTGRES:
                await self.days.ensure(connection, rows.days())
        async with transaction(self.pool) as connection:
            closed = await read_closed(await hold_closed(connection))
            await copy_samples(connection, rows, copy_bytes(rows))
            await connection.execute(
                b"insert into latest (series_id, status, time, arrived_at) values (%s, 0, %s, now())"
                b" on conflict (series_id) do update set time = greatest(latest.time, excluded.time)",
                (series_id, at(max(seconds))),
            )
            await mark_changed(connection, rows.series_ids, rows.times_us, closed, START)

    async def measured(self, device: str, seconds: float) -> None:
        """Say how far a device was measured."""
        await self.rows(
            "insert into agent_until values ('gw', %s, %s) on conflict (agent, device)"
            " do update set until_at = excluded.until_at returning 1",
            device,
            at(seconds),
        )

    async def close(self, seconds: float) -> None:
        """Close every minute that has ended by then."""
        closed_at = await close_minutes(self.pool, self.steps.mine, at(seconds), NO_GRACE)
        if closed_at is not None:
            self.steps.fresh.advance(us_of(closed_at))

    async def roll(self, seconds: float) -> int:
        """Roll what is due by then; how many steps that took."""
        count = 0
        while await self.steps.roll_next(at(seconds)) is not None:
            count += 1
            assert count < 1000, "the roller never comes to an end"
        return count

    async def minutes(self, series_id: int) -> list[tuple[float, int, str]]:
        """Minute of the bucket, samples in it, state."""
        found = await self.rows(
            "select extract(epoch from bucket - %s) / 60, total, state from rollup_1m"
            " where series_id = %s and not with_uncertain order by bucket",
            START,
            series_id,
        )
        return [(float(minute), total, state) for minute, total, state in found]

    async def differences(self, around: datetime = START) -> list[Difference]:
        """What the judge finds: everything that is closed, a day before and after, recomputed from raw."""
        first, last = us_of(around - timedelta(days=1)), us_of(around + timedelta(days=1))
        ids = [row[0] for row in await self.rows("select id from series order by id")]
        found: list[Difference] = []
        for series_id in ids:
            async with self.pool.connection() as connection:
                verified = await verify_stretch(connection, series_id, first, last)
            found += verified.differences
        return found


@asynccontextmanager
async def running_mill(url: str, pool_size: int = 4) -> AsyncGenerator[Mill]:
    """A mill that holds the lease."""
    migrate(url)
    pool = await open_pool(url, pool_size)
    try:
        async with mill_on(pool) as mill:
            yield mill
    finally:
        await pool.close()


@asynccontextmanager
async def mill_on(pool: Pool, fresh: Fresh | None = None) -> AsyncGenerator[Mill]:
    """The same on a pool that others use too, as in one process; `fresh` is what their ingest hands over to."""
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
    mine = Ownership("rollups", new_owner())
    keeper = LeaseKeeper(pool, mine, LeaseTimes(ttl_s=600))
    await keeper.acquire()
    try:
        partitions = Partitions(ROLLUP_1M), Partitions(ROLLUP_15M)
        yield Mill(pool, Steps(pool, engine, mine, *partitions, fresh=fresh or Fresh()), Partitions())
    finally:
        await keeper.release()
