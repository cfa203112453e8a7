"""The leader of calculations: by lease one process gets materialised series on, and computes again what has changed."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cloud_api.calculations.again import compute_again
from cloud_api.calculations.forward import step_forward
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, check_lease, new_owner
from cloud_api.storage.calculation_samples import update_calculation_problem
from cloud_api.storage.engine import EngineKind, detect_engine
from cloud_api.storage.faults import is_passing
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Pool, transaction
from cloud_api.telemetry import Telemetry

LEASE = "calculations"
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
# What is new comes before what is computed again: so long at most it waits.
AGAIN_S = 0.5
AFTER_FAULT = timedelta(minutes=10)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CalculationTimes:
    """How often the leader steps, and how its lease is kept."""

    step_s: float = 1.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class CalculationLeader:
    """Waits for the lease, leads, starts over; every process with the role stands by."""

    def __init__(self, pool: Pool, telemetry: Telemetry, times: CalculationTimes | None = None) -> None:
        self._pool = pool
        self._telemetry = telemetry
        self._times = times or CalculationTimes()
        self._mine = Ownership(LEASE, new_owner())
        self._kind: EngineKind | None = None

    @property
    def is_owner(self) -> bool:
        """Whether this process leads."""
        return self._mine.is_held

    async def run(self) -> None:
        """Lead for ever; whatever is wrong with calculations, what runs beside them goes on."""
        keeper = LeaseKeeper(self._pool, self._mine, self._times.lease)
        pause_s = PAUSE_S
        while True:
            started_s = time.monotonic()
            try:
                await keeper.acquire()
                await self._lead(keeper)
            except LeaseLost as error:
                log.warning("another process leads the calculations: %s", error)
            except Exception as error:  # calculations never end the process
                if is_passing(error):
                    log.warning("calculations wait for the database: %s", " ".join(str(error).split()))
                else:
                    log.exception("calculations failed and are tried again")
            finally:
                self._telemetry.calculation_has_lease.set(0)
                await keeper.release()
            pause_s = PAUSE_S if time.monotonic() - started_s > LONGEST_PAUSE_S else pause_s * 2
            await asyncio.sleep(min(pause_s, LONGEST_PAUSE_S))

    async def _lead(self, keeper: LeaseKeeper) -> None:
        self._telemetry.calculation_has_lease.set(1)
        keeping = asyncio.create_task(keeper.keep())
        try:
            while not keeping.done():
                is_behind = await self.step()
                await asyncio.wait({keeping}, timeout=0.0 if is_behind else self._times.step_s)
            keeping.result()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def step(self, now: datetime | None = None) -> bool:
        """Get on once, and compute again for a moment; True when there is more to do."""
        now = now or datetime.now(UTC)
        if self._kind is None:
            async with self._pool.connection() as connection:
                self._kind = (await detect_engine(connection)).kind
        moved = await step_forward(self._pool, self._mine, self._kind, now)
        self._telemetry.calculation_samples.inc(moved.samples)
        self._telemetry.calculation_lag_seconds.set(moved.lag_us / 1e6)
        if moved.failed:
            await self._tell(moved.failed, now)
        return await self._again(self._kind, now) or moved.is_behind

    async def _again(self, kind: EngineKind, now: datetime) -> bool:
        ends = time.monotonic() + AGAIN_S
        while time.monotonic() < ends:
            done = await compute_again(self._pool, self._mine, kind, now)
            if done is None:
                return False
            self._telemetry.calculation_recomputed.inc(done.samples)
        return True

    async def _tell(self, failed: dict[int, str], now: datetime) -> None:
        async with transaction(self._pool) as connection:
            await check_lease(connection, self._mine)
            for calculation_id, problem in failed.items():
                await update_calculation_problem(connection, calculation_id, problem, now + AFTER_FAULT)
