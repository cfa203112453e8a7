"""Applies remembered mappings to what was put aside since, and keeps the counts of open rejects as metrics."""

import asyncio
import logging
from collections import Counter

from cloud_api.ingest.inbox.models import MappingModel
from cloud_api.ingest.mapping import MappingInvalid
from cloud_api.ingest.results import IngestError
from cloud_api.ingest.router import Doors
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.inbox import (
    DueReject,
    select_due_rejects,
    select_open_reject_counts,
    update_reject_rule_applied,
)
from cloud_api.storage.pool import Pool, transaction
from cloud_api.telemetry import BatchOutcome, Telemetry

BATCH = 200
PRINCIPAL = "reject rule"

log = logging.getLogger(__name__)


class RuleKeeper:
    """Run by the owner of ingest."""

    def __init__(self, pool: Pool, doors: Doors, telemetry: Telemetry, every_s: float = 10.0) -> None:
        self._pool = pool
        self._doors = doors
        self._telemetry = telemetry
        self._every_s = every_s
        # Rejects up to here were tried: what a rule could not help is not tried again by it.
        self._tried_id = 0

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            try:
                while await self.apply() == BATCH:
                    pass
                await self._count()
            except Exception as error:  # noqa: BLE001 # what was put aside stays where it is
                log.warning("reject rules wait: %s", " ".join(str(error).split()))
            await asyncio.sleep(self._every_s)

    async def apply(self) -> int:
        """Replay what rules mean, a bounded number; how many were tried."""
        async with self._pool.connection() as connection:
            due = await select_due_rejects(connection, self._tried_id, BATCH)
        replayed: Counter[int] = Counter()
        for reject in due:
            if await self._try(reject):
                replayed[reject.rule_id] += 1
            self._tried_id = reject.id
        if replayed:
            async with transaction(self._pool) as connection:
                for rule_id, count in sorted(replayed.items()):
                    await update_reject_rule_applied(connection, rule_id, count)
                    await insert_audit(connection, PRINCIPAL, "reject_rule.apply", str(rule_id), {"rejects": count})
        return len(due)

    async def _try(self, reject: DueReject) -> bool:
        mapping = MappingModel.model_validate_json(reject.mapping).mapping()
        try:
            result = await self._doors.replay_reject(reject.id, PRINCIPAL, mapping)
        except (MappingInvalid, IngestError) as error:
            log.warning("reject %d stays: %s", reject.id, error)
            return False
        return result.outcome is BatchOutcome.STORED and not result.rejected

    async def _count(self) -> None:
        async with self._pool.connection() as connection:
            counts = await select_open_reject_counts(connection)
        self._telemetry.open_rejects.clear()
        self._telemetry.open_reject_samples.clear()
        for reason, rejects, samples in counts:
            self._telemetry.open_rejects.labels(reason).set(rejects)
            self._telemetry.open_reject_samples.labels(reason).set(samples)
