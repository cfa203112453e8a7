"""Rolls the minutes that this process has stored and still holds, whichever process has the role `rollups`.

The role closes minutes and marks them, as ever (closing.py); it leaves new ones for a moment to the process that holds
their samples, so that 600,000 of them need not be read back each minute (decision 0099). What is not rolled here by
then, it reads from the database.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud_api.leases import Ownership, new_owner
from cloud_api.rollups.fresh import Fresh
from cloud_api.rollups.roller import FIRST_PAUSE_S, LEASE, LONGEST_PAUSE_S, count_step
from cloud_api.rollups.steps import Steps
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions, detect_engine
from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import MICROSECOND, us_of
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import Pool, transaction
from cloud_api.storage.rollup_marks import MINUTE_US
from cloud_api.storage.rollup_progress import select_first_waiting
from cloud_api.storage.rollup_writes import KEPT_US, delete_writes
from cloud_api.telemetry import Telemetry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FreshTimes:
    """How often to look while minutes wait and while none does, and after how long without a closed minute the role
    is taken to be off: then nothing is held for it, and what is told is forgotten every so often.
    """

    busy_s: float = 1.0
    idle_s: float = 10.0
    away: timedelta = timedelta(minutes=10)
    forget_s: float = 60.0


class FreshRoller:
    """The one task beside the ingest of a process; `is_left` says that the roller of this process does it anyway."""

    def __init__(
        self,
        pool: Pool,
        telemetry: Telemetry,
        fresh: Fresh,
        is_left: Callable[[], bool],
        times: FreshTimes | None = None,
    ) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._fresh = fresh
        self._is_left = is_left
        self._times = times or FreshTimes()
        # What was closed before is somebody else's.
        self._from_at: datetime | None = None
        self._forgot_s = float("-inf")

    async def run(self) -> None:
        """Roll for ever; only a cancellation ends this."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                steps = await self._steps()
                while True:
                    await asyncio.sleep(await self._look(steps))
                    pause_s = FIRST_PAUSE_S
            except Exception as error:  # rollups never end the process
                if is_passing(error):
                    log.warning("minutes from memory wait for the database: %s", " ".join(str(error).split())[:500])
                else:
                    log.exception("minutes from memory failed and are tried again")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _steps(self) -> Steps:
        async with self._pool.connection() as connection:
            await check_schema(connection)
            engine = await detect_engine(connection)
        # It never holds the lease, and needs none.
        nobody = Ownership(LEASE, new_owner())
        return Steps(self._pool, engine, nobody, Partitions(ROLLUP_1M), Partitions(ROLLUP_15M), fresh=self._fresh)

    async def _look(self, steps: Steps) -> float:
        """Roll what is left to this process; how long to rest."""
        if self._is_left():
            return self._times.idle_s
        async with self._pool.connection() as connection:
            closed_at, is_waiting = await select_first_waiting(connection)
        now = datetime.now(UTC)
        if closed_at is None:
            return self._times.idle_s
        if now - closed_at > self._times.away:
            await self._forget(now)
            return self._times.idle_s
        self._fresh.advance(us_of(closed_at))
        if is_waiting:
            await self._roll(steps, closed_at)
            return self._times.busy_s
        # The next minute is not closed before it has ended.
        until_closed_s = (us_of(closed_at) + MINUTE_US - us_of(now)) * MICROSECOND.total_seconds()
        return min(max(until_closed_s, self._times.busy_s), self._times.idle_s)

    async def _roll(self, steps: Steps, closed_at: datetime) -> None:
        if self._from_at is None:
            self._from_at = closed_at
        while True:
            started_s = time.monotonic()
            stepped = await steps.roll_held(datetime.now(UTC), self._from_at)
            if stepped is None:
                return
            if stepped.is_refused:
                # What could not be rolled once is left to the role from then on.
                self._from_at = closed_at
                return
            count_step(self._telemetry, stepped, time.monotonic() - started_s)

    async def _forget(self, now: datetime) -> None:
        """Nobody rolls: whoever comes back will read all of it from the database, and needs nothing told."""
        self._fresh.restart()
        if time.monotonic() - self._forgot_s < self._times.forget_s:
            return
        async with transaction(self._pool) as connection:
            await delete_writes(connection, now - KEPT_US * MICROSECOND)
        self._forgot_s = time.monotonic()
