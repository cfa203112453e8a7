"""A child of test_rollups: the roller with a clock of its own, in which a minute passes in a moment.

`python -m tests.faults.rolling URL` closes the next minute after the newest closed one as fast as it can roll.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import Fresh
from cloud_api.rollups.steps import Steps
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import open_pool
from cloud_api.storage.rollup_progress import select_rollup_progress

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
        closed_at = await close_minutes(pool, mine, now, timedelta(0))
        if closed_at is not None:
            fresh.advance(us_of(closed_at))
        # Late marks want to settle for some seconds of the real clock; here they may not.
        while await steps.roll_next(datetime.now(UTC) + MINUTE):
            pass
        # The feeder has a moment to write into the minute that is closed next.
        await asyncio.sleep(0.03)


if __name__ == "__main__":
    asyncio.run(roll(sys.argv[1]))
