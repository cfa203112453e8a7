"""A child of test_rollups: the real ingest lanes, fed around the watermark; its transactions stay open for a moment.

`python -m tests.faults.feeding URL SECONDS SEED` writes samples from just before the watermark to just after it.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from cloud_api.rollups.fresh import Fresh
from cloud_api.storage.ledger import UntilRow
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_progress import select_rollup_progress
from cloud_api.storage.rows import SampleRows
from cloud_api.telemetry import Lane
from schemas.sample import Kind
from tests.faults.rolling import roll, roll_held
from tests.integration.ingest.conftest import Rig, batch, column, running_rig

TAGS = tuple(f"hall/press-{number}/pressure" for number in range(20))
MINUTE_US = 60_000_000
ENOUGH = 8


async def feed(url: str, seconds: float, seed: int) -> None:
    """Feed both lanes until the time is over."""
    chance = random.Random(seed)

    @asynccontextmanager
    async def linger(
        connection: Connection, _samples: SampleRows, _untils: Sequence[UntilRow], _lane: Lane
    ) -> AsyncGenerator[None]:
        # Between the look at the watermark and COMMIT: here the roller may close the very minute that was written.
        await connection.execute(f"select pg_sleep({chance.random() * 0.15})".encode())
        yield

    fresh = Told(warm_up_us=0)
    # All minutes, or those that it stored itself while another process has the role.
    work = {"all": roll, "held": roll_held}.get(os.environ.get("FEEDING_ROLLS", ""))
    rolling = None if work is None else asyncio.create_task(work(url, fresh))
    async with running_rig(url, evaluate=linger, hand_over=fresh) as rig:
        print("feeds", flush=True)
        end_s = time.monotonic() + seconds
        # A process that was killed had a ledger: another one counts anew.
        run = chance.randbytes(15) if rolling is None else os.urandom(15)
        await asyncio.gather(*(_feed(rig, lane, run, chance, end_s) for lane in (Lane.LIVE, Lane.BACKLOG)))


class Told(Fresh):
    """Says when it has been of use a few times."""

    used = 0

    def held(self, names: Sequence[UUID]) -> list[SampleRows] | None:
        found = super().held(names)
        self.used += found is not None
        if found is not None and self.used == ENOUGH:
            print("rolled from memory", flush=True)
        return found


async def _feed(rig: Rig, lane: Lane, run: bytes, chance: random.Random, end_s: float) -> None:
    seq = 0
    while time.monotonic() < end_s:
        async with rig.pool.connection() as connection:
            closed_at = (await select_rollup_progress(connection)).closed_at
        assert closed_at is not None
        closed_us = int(closed_at.timestamp()) * 1_000_000
        seq += 1
        count = chance.randrange(1, 60)
        tags = [chance.randrange(len(TAGS)) for _ in range(count)]
        times = [closed_us + chance.randrange(-2 * MINUTE_US, 2 * MINUTE_US) for _ in range(count)]
        epoch = bytes([lane is Lane.LIVE]) + run
        await rig.take(
            batch(seq, [column(Kind.F64, tags, times, [float(tag) for tag in tags])], tags=TAGS, epoch=epoch),
            lane=lane,
        )


if __name__ == "__main__":
    asyncio.run(feed(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
