"""What one process does for the audit: seals it, lets old rows go; by lease, for ever."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from cloud_api.audit.pruning import prune
from cloud_api.audit.sealing import AUDIT_TABLE
from cloud_api.leases import LeasedWork, LeaseTimes, Ownership
from cloud_api.sealing.sealer import BATCH_ROWS, seal
from cloud_api.storage.pool import Pool

LEASE = "audit"


@dataclass(frozen=True, slots=True)
class AuditTimes:
    """How often the audit is sealed and pruned, and how the lease is kept."""

    seal_s: float = 0.5
    prune_s: float = 3600.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


class AuditDuty:
    """The one on duty; every API process waits to be it."""

    def __init__(self, pool: Pool, keep: timedelta | None, times: AuditTimes | None = None) -> None:
        self._pool = pool
        self._keep = keep
        self._times = times or AuditTimes()
        self._leased = LeasedWork(pool, LEASE, self._times.lease, [self._seal, self._prune])

    async def run(self) -> None:
        """Wait for the lease, do the work, start over when the lease or the database is lost."""
        await self._leased.run()

    async def _seal(self, mine: Ownership) -> None:
        while True:
            if await seal(self._pool, mine, AUDIT_TABLE) < BATCH_ROWS:
                await asyncio.sleep(self._times.seal_s)

    async def _prune(self, mine: Ownership) -> None:
        while self._keep is not None:
            await prune(self._pool, mine, self._keep)
            await asyncio.sleep(self._times.prune_s)
