"""The alarm leader: by lease one process evaluates what needs several series, a clock, or a look at everything."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.service import reconcile_all
from cloud_api.alarms.evaluation.engine import ALLOWED_LATENESS_US
from cloud_api.alarms.evaluation.following import Following
from cloud_api.alarms.evaluation.overdue import fire_overdue
from cloud_api.alarms.evaluation.suppressing import Suppressing
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, check_lease, new_owner
from cloud_api.storage.agents import INGEST_LEASE
from cloud_api.storage.alarm_instances import select_alarm_generation_held, select_alarm_series_changed
from cloud_api.storage.alarm_leader import select_alarm_due_exists, select_lease_is_live
from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Connection, Pool, transaction

LEASE = "alarms"
PAUSE_S = 1.0
WHO = "alarm leader"

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class LeaderTimes:
    """How often the leader steps, how often it looks for new series, and how its lease is kept."""

    step_s: float = 0.5
    look_s: float = 2.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class AlarmLeader:
    """Waits for the lease, leads, starts over; every process with the role stands by."""

    def __init__(self, pool: Pool, times: LeaderTimes | None = None) -> None:
        self._pool = pool
        self._times = times or LeaderTimes()
        self._mine = Ownership(LEASE, new_owner())
        self._following = Following()
        self._suppressing = Suppressing()
        # Since when somebody has owned ingest without a break, by the monotonic clock.
        self._ingest_since_s: float | None = None
        self._mark: tuple[Any, ...] | None = None
        self._looked_s = 0.0

    @property
    def is_owner(self) -> bool:
        """Whether this process leads."""
        return self._mine.is_held

    async def run(self) -> None:
        """Lead for ever; a lost lease or database only interrupts."""
        keeper = LeaseKeeper(self._pool, self._mine, self._times.lease)
        while True:
            try:
                await keeper.acquire()
                await self._lead(keeper)
            except LeaseLost as error:
                log.warning("another process leads the alarms: %s", error)
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("the alarm leader waits for the database: %s", " ".join(str(error).split()))
                await asyncio.sleep(PAUSE_S)
            finally:
                self._forget()
                await keeper.release()

    async def _lead(self, keeper: LeaseKeeper) -> None:
        keeping = asyncio.create_task(keeper.keep())
        try:
            while not keeping.done():
                is_behind = await self.step()
                await asyncio.wait({keeping}, timeout=0.0 if is_behind else self._times.step_s)
            keeping.result()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def step(self, now_us: int | None = None) -> bool:
        """Do everything once, each part in a transaction of its own; True when there is more to catch up with."""
        now_us = time.time_ns() // 1000 if now_us is None else now_us
        if time.monotonic() - self._looked_s >= self._times.look_s:
            await self._look_for_places(now_us)
            self._looked_s = time.monotonic()
        is_steady = await self._look_at_ingest()
        is_behind = await self._follow(now_us, is_ingest_steady=is_steady)
        if is_steady:
            await self._fire_overdue(now_us)
        await self._in_transaction(lambda connection: self._suppress(connection, now_us))
        return is_behind

    async def _look_for_places(self, now_us: int) -> None:
        """Series that came, went, moved or were described may be places of definitions."""
        async with self._pool.connection() as connection:
            mark = await select_alarm_series_changed(connection)
        if mark != self._mark:
            changes = await self._in_transaction(lambda connection: reconcile_all(connection, Actor(WHO, now_us)))
            if changes.rows:
                log.info("%d places of alarm definitions are new or changed", len(changes.rows))
            self._mark = mark

    async def _look_at_ingest(self) -> bool:
        """Whether somebody has listened to the agents for so long that their silence means something."""
        async with self._pool.connection() as connection:
            is_live = await select_lease_is_live(connection, INGEST_LEASE)
        if not is_live:
            self._ingest_since_s = None
            return False
        if self._ingest_since_s is None:
            self._ingest_since_s = time.monotonic()
        return time.monotonic() - self._ingest_since_s >= ALLOWED_LATENESS_US / 1e6

    async def _follow(self, now_us: int, *, is_ingest_steady: bool) -> bool:
        try:
            step = await self._in_transaction(
                lambda connection: self._following.step(connection, now_us, is_ingest_steady=is_ingest_steady)
            )
            self._following.settle(step)
        except BaseException:
            # Whether it was committed only the database knows.
            self._following.forget()
            raise
        return step.is_behind

    async def _fire_overdue(self, now_us: int) -> None:
        async with self._pool.connection() as connection:
            is_due = await select_alarm_due_exists(connection, now_us - ALLOWED_LATENESS_US)
        if is_due:
            await self._in_transaction(lambda connection: fire_overdue(connection, now_us))

    async def _suppress(self, connection: Connection, now_us: int) -> None:
        generation = await select_alarm_generation_held(connection)
        await self._suppressing.step(connection, generation, now_us)

    async def _in_transaction(self, work: Callable[[Connection], Awaitable[Result]]) -> Result:
        """One part, under the lease: a leader that slept through it cannot commit."""
        async with transaction(self._pool) as connection:
            await check_lease(connection, self._mine)
            return await work(connection)

    def _forget(self) -> None:
        self._following.forget()
        self._suppressing = Suppressing()
        self._ingest_since_s, self._mark = None, None
