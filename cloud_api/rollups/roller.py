"""The role `rollups`: whoever holds the lease closes minutes, rolls what is due, and tells how far it is."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import Fresh
from cloud_api.rollups.steps import Stepped, Steps
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions, detect_engine
from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import us_of
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import Pool
from cloud_api.storage.rollup_progress import select_backlog, select_rollup_progress
from cloud_api.storage.rollup_writes import select_untold
from cloud_api.telemetry import Telemetry

# What else the holder of the lease does, for as long as it holds it.
Beside = Callable[[Ownership], Coroutine[None, None, None]]

LEASE = "rollups"
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RollerTimes:
    """How long after its end a minute is closed, how often the roller looks, and how often it counts its backlog."""

    grace: timedelta = timedelta(seconds=5)
    idle_s: float = 1.0
    count_s: float = 10.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class Roller:
    """Rollups of one process; `run` is its one task."""

    def __init__(
        self,
        pool: Pool,
        telemetry: Telemetry,
        times: RollerTimes | None = None,
        beside: Sequence[Beside] = (),
        fresh: Fresh | None = None,
    ) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._times = times or RollerTimes()
        self._mine = Ownership(LEASE, new_owner())
        self._beside = beside
        self._fresh = fresh or Fresh()
        self._counted_s = 0.0

    @property
    def is_owner(self) -> bool:
        """Whether this process rolls."""
        return self._mine.is_held

    async def run(self) -> None:
        """Roll for ever; only a cancellation ends this."""
        keeper = LeaseKeeper(self._pool, self._mine, self._times.lease)
        pause_s = FIRST_PAUSE_S
        while True:
            started_s = time.monotonic()
            try:
                steps = await self._steps()
                await keeper.acquire()
                await self._own(steps, keeper)
            except LeaseLost as error:
                log.warning("rollups are no longer made by this process: %s", error)
            except Exception as error:  # rollups never end the process
                # Whatever is wrong with rollups, what runs beside them in this process goes on.
                if is_passing(error):
                    log.warning("rollups wait for the database: %s", " ".join(str(error).split())[:500])
                else:
                    log.exception("rollups failed and are tried again")
            finally:
                self._telemetry.rollup_has_lease.set(0)
                self._fresh.restart()
                await keeper.release()
            pause_s = FIRST_PAUSE_S if time.monotonic() - started_s > LONGEST_PAUSE_S else pause_s * 2
            await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))

    async def _steps(self) -> Steps:
        async with self._pool.connection() as connection:
            await check_schema(connection)
            engine = await detect_engine(connection)
        partitions = Partitions(ROLLUP_1M), Partitions(ROLLUP_15M)
        return Steps(self._pool, engine, self._mine, *partitions, fresh=self._fresh)

    async def _own(self, steps: Steps, keeper: LeaseKeeper) -> None:
        self._telemetry.rollup_has_lease.set(1)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(keeper.keep())
                group.create_task(self._work(steps))
                for work in self._beside:
                    group.create_task(work(self._mine))
        except* LeaseLost as lost:
            raise LeaseLost("another process took it over") from lost
        except* Exception as failed:
            # One task at a time fails; whoever waits for the database wants to see its error itself.
            raise failed.exceptions[0] from failed

    async def _work(self, steps: Steps) -> None:
        while True:
            now = datetime.now(UTC)
            closed_at = await close_minutes(self._pool, self._mine, now, self._times.grace, self._fresh)
            if closed_at is not None:
                self._fresh.advance(us_of(closed_at))
            is_busy = await self._step(steps, now)
            if time.monotonic() - self._counted_s >= self._times.count_s:
                await self._count()
            if not is_busy:
                await asyncio.sleep(self._times.idle_s)

    async def _step(self, steps: Steps, now: datetime) -> bool:
        started_s = time.monotonic()
        stepped = await steps.roll_next(now)
        if stepped is None:
            return False
        count_step(self._telemetry, stepped, time.monotonic() - started_s)
        return True

    async def _count(self) -> None:
        """Tell how far it is; a process that does not roll tells nothing."""
        async with self._pool.connection() as connection:
            backlog = await select_backlog(connection)
            progress = await select_rollup_progress(connection)
            untold = await select_untold(connection)
        now = datetime.now(UTC)
        self._telemetry.rollup_marks.set(backlog.mark_count)
        self._telemetry.rollup_marked_series.set(backlog.series_count)
        self._telemetry.rollup_untold_writes.set(untold.stretches)
        oldest = backlog.oldest_marked_at
        self._telemetry.rollup_oldest_mark_seconds.set((now - oldest).total_seconds() if oldest else 0)
        if progress.marked_at is not None:
            self._telemetry.rollup_lag_seconds.set((now - progress.marked_at).total_seconds())
        self._counted_s = time.monotonic()


def count_step(telemetry: Telemetry, stepped: Stepped, took_s: float) -> None:
    """Count what one step did."""
    resolution = stepped.resolution.value
    if stepped.is_failed:
        telemetry.rollup_failures.labels(resolution).inc()
    telemetry.rollup_step_seconds.labels(resolution).observe(took_s)
    telemetry.rollup_rows.labels(resolution).inc(stepped.rows)
    telemetry.rollup_revisions.labels(resolution).inc(stepped.revised)
    telemetry.rollup_samples.labels("memory").inc(stepped.held)
    telemetry.rollup_samples.labels("database").inc(stepped.samples - stepped.held)
