"""A child of test_rollups: the roller with a clock of its own, in which a minute passes in a moment.

`python -m tests.faults.rolling URL` closes the next minute after the newest closed one as fast as it can roll; with
ROLLING_LEAVES it leaves new minutes for a moment to the process that holds their samples.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import Fresh
from cloud_api.rollups.steps import Steps
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Pool, open_pool
from cloud_api.storage.rollup_progress import select_first_waiting, select_rollup_progress

MINUTE = timedelta(minutes=1)


async def roll(url: str, fresh: Fresh | None = None) -> None:
    """Take the lease and roll for ever; `fresh` is what an ingest beside it hands over to."""
    fresh = fresh or Fresh()
    pool = await open_pool(url, 4)
    mine = Ownership("rollups", new_owner())
    keeper = LeaseKeeper(pool, mine, LeaseTimes(ask_s=0.05))
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
    steps = Steps(pool, engine, mine, Partitions(ROLLUP_1M), Partitions(ROLLUP_15M), fresh=fresh)
    await keeper.acquire()
    print("rolls", flush=True)
    while True:
        async with pool.connection() as connection:
            progress = await select_rollup_progress(connection)
        assert progress.closed_at is not None
        now = progress.closed_at + MINUTE
        closed_at = await close_minutes(pool, mine, now, timedelta(0), fresh)
        if closed_at is not None:
            fresh.advance(us_of(closed_at))
        if os.environ.get("ROLLING_LEAVES"):
            await leave(pool)
        # Late marks want to settle for some seconds of the real clock; here they may not.
        while await steps.roll_next(datetime.now(UTC) + MINUTE):
            pass
        # The feeder has a moment to write into the minute that is closed next.
        await asyncio.sleep(0.03)


async def leave(pool: Pool) -> None:
    """Give another process a moment to roll what is new; often that is enough, and sometimes it is not."""
    for _ in range(10):
        async with pool.connection() as connection:
            _, is_waiting = await select_first_waiting(connection)
        if not is_waiting:
            return
        await asyncio.sleep(0.03)


async def roll_held(url: str, fresh: Fresh) -> None:
    """Roll what `fresh` holds, without the lease, for ever."""
    pool = await open_pool(url, 2)
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
    nobody = Ownership("rollups", new_owner())
    steps = Steps(pool, engine, nobody, Partitions(ROLLUP_1M), Partitions(ROLLUP_15M), fresh=fresh)
    while True:
        async with pool.connection() as connection:
            closed_at, is_waiting = await select_first_waiting(connection)
        assert closed_at is not None
        fresh.advance(us_of(closed_at))
        if not is_waiting or await steps.roll_held(closed_at, closed_at - MINUTE) is None:
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(roll(sys.argv[1]))
