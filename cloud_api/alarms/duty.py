"""What one process does for all alarms: seals the journal, ends shelves, follows maintenance; by lease, for ever."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloud_api.alarms.journal.sealer import BATCH_ROWS, seal
from cloud_api.alarms.maintenance.following import follow_maintenance
from cloud_api.alarms.operation.expiry import end_shelves
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, check_lease, new_owner
from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Connection, Pool, transaction

LEASE = "alarm_journal"
PAUSE_S = 1.0

log = logging.getLogger(__name__)

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
        self._mine = Ownership(LEASE, new_owner())

    @property
    def is_owner(self) -> bool:
        """Whether this process is on duty."""
        return self._mine.is_held

    async def run(self) -> None:
        """Wait for the lease, do the work, start over when the lease or the database is lost."""
        keeper = LeaseKeeper(self._pool, self._mine, self._times.lease)
        while True:
            try:
                await keeper.acquire()
                await self._own(keeper)
            except LeaseLost as error:
                log.warning("another process is on duty for alarms: %s", error)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("alarms wait for the database: %s", " ".join(str(error).split()))
                await asyncio.sleep(PAUSE_S)
            finally:
                await keeper.release()

    async def _own(self, keeper: LeaseKeeper) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(keeper.keep())
                tasks.create_task(self._seal())
                tasks.create_task(self._look())
        except ExceptionGroup as group:
            raise _worst(group.exceptions) from group

    async def _seal(self) -> None:
        while True:
            if await seal(self._pool, self._mine) < BATCH_ROWS:
                await asyncio.sleep(self._times.seal_s)

    async def _look(self) -> None:
        while True:
            for step in (end_shelves, follow_maintenance):
                await self._take(step)
            await asyncio.sleep(self._times.look_s)

    async def _take(self, step: Step) -> None:
        """One step in one transaction, by the clock of this process."""
        async with transaction(self._pool) as connection:
            await check_lease(connection, self._mine)
            await step(connection, datetime.now(UTC))


def _worst(errors: Sequence[Exception]) -> Exception:
    """What waiting does not heal comes first, then a lost lease, then the database."""
    serious = [error for error in errors if not (isinstance(error, LeaseLost) or is_passing(error))]
    lost = [error for error in errors if isinstance(error, LeaseLost)]
    return (serious or lost or list(errors))[0]
