"""What one process does for all alarms: seals the journal, ends shelves, follows maintenance; by lease, for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloud_api.alarms.journal.sealing import JOURNAL_TABLE
from cloud_api.alarms.lifecycle.expiry import end_shelves
from cloud_api.alarms.maintenance.following import follow_maintenance
from cloud_api.leases import LeasedWork, LeaseTimes, Ownership, check_lease
from cloud_api.sealing.sealer import BATCH_ROWS, seal
from cloud_api.storage.pool import Connection, Pool, transaction

LEASE = "alarm_journal"

Step = Callable[[Connection, datetime], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class DutyTimes:
    """How often the journal is sealed, how often timers are looked at, and how the lease is kept."""

    seal_s: float = 0.2
    look_s: float = 0.5
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class AlarmDuty:
    """The one on duty; every process with the role waits to be it."""

    def __init__(self, pool: Pool, times: DutyTimes | None = None) -> None:
        self._pool = pool
        self._times = times or DutyTimes()
        self._leased = LeasedWork(pool, LEASE, self._times.lease, [self._seal, self._look])

    @property
    def is_owner(self) -> bool:
        """Whether this process is on duty."""
        return self._leased.mine.is_held

    async def run(self) -> None:
        """Wait for the lease, do the work, start over when the lease or the database is lost."""
        await self._leased.run()

    async def _seal(self, mine: Ownership) -> None:
        while True:
            if await seal(self._pool, mine, JOURNAL_TABLE) < BATCH_ROWS:
                await asyncio.sleep(self._times.seal_s)

    async def _look(self, mine: Ownership) -> None:
        while True:
            for step in (end_shelves, follow_maintenance):
                await self._take(mine, step)
            await asyncio.sleep(self._times.look_s)

    async def _take(self, mine: Ownership, step: Step) -> None:
        """One step in one transaction, by the clock of this process."""
        async with transaction(self._pool) as connection:
            await check_lease(connection, mine)
            await step(connection, datetime.now(UTC))
