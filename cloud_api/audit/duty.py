"""What one process does for the audit: seals it, forwards it, notes its ends down, lets old rows go; by lease."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud_api.audit.forwarding.forwarder import Forwarder
from cloud_api.audit.pruning import prune
from cloud_api.audit.sealing import AUDIT_TABLE
from cloud_api.leases import LeasedWork, LeaseTimes, Ownership
from cloud_api.sealing.sealer import BATCH_ROWS, seal
from cloud_api.storage.audit import select_audit_head
from cloud_api.storage.pool import Pool

LEASE = "audit"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditTimes:
    """How often the audit is sealed, pruned and its end noted down, and how the lease is kept."""

    seal_s: float = 0.5
    prune_s: float = 3600.0
    anchor_s: float = 60.0
    lease: LeaseTimes = field(default_factory=LeaseTimes)


@dataclass(frozen=True, slots=True)
class AuditWork:
    """What there is to do beside sealing: how long rows are kept (None: for ever), a file for ends of the chain."""

    keep: timedelta | None = None
    anchor_file: Path | None = None
    forwarders: Sequence[Forwarder] = ()


class AuditDuty:
    """The one on duty; every API process waits to be it."""

    def __init__(self, pool: Pool, work: AuditWork, times: AuditTimes | None = None) -> None:
        self._pool = pool
        self._work = work
        self._times = times or AuditTimes()
        forwarding = [each.run for each in work.forwarders]
        self._leased = LeasedWork(
            pool, LEASE, self._times.lease, [self._seal, self._prune, self._note_down, *forwarding]
        )

    async def run(self) -> None:
        """Wait for the lease, do the work, start over when the lease or the database is lost."""
        await self._leased.run()

    async def _seal(self, mine: Ownership) -> None:
        while True:
            if await seal(self._pool, mine, AUDIT_TABLE) < BATCH_ROWS:
                await asyncio.sleep(self._times.seal_s)

    async def _prune(self, mine: Ownership) -> None:
        while self._work.keep is not None:
            await prune(self._pool, mine, self._work.keep)
            await asyncio.sleep(self._times.prune_s)

    async def _note_down(self, _mine: Ownership) -> None:
        """Ends of the chain, outside of the database: who rewrites all of it does not rewrite this file."""
        told = 0
        while self._work.anchor_file is not None:
            async with self._pool.connection() as connection:
                number, last = await select_audit_head(connection)
            if number > told:
                line = f"{datetime.now(UTC).isoformat(timespec='seconds')} {number}:{last.hex()}\n"
                told = number if await asyncio.to_thread(_append, self._work.anchor_file, line) else told
            await asyncio.sleep(self._times.anchor_s)


def _append(file: Path, line: str) -> bool:
    try:
        with file.open("a", encoding="ascii") as opened:
            opened.write(line)
    except OSError as error:
        log.warning("the end of the audit cannot be noted down: %s: %s", file, error.strerror or error)
        return False
    return True
