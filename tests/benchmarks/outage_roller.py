"""A child of bench_outage: the role `rollups` as a process runs it, with nothing beside it.

`python -m tests.benchmarks.outage_roller URL` rolls until it is ended.
"""

import asyncio
import sys

from cloud_api.rollups.roller import Roller
from cloud_api.storage.pool import open_pool
from cloud_api.telemetry import Telemetry


async def roll(url: str) -> None:
    """Take the lease and roll for ever."""
    pool = await open_pool(url, 3)
    await Roller(pool, Telemetry()).run()


if __name__ == "__main__":
    asyncio.run(roll(sys.argv[1]))
