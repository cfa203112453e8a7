"""Sends sealed rows to one target, in their order, from a stored cursor: again until they are taken."""

import asyncio
import logging

from cloud_api.audit.forwarding.targets import Target
from cloud_api.leases import Ownership, check_lease
from cloud_api.outbound.failures import SendFailed, SendRefused
from cloud_api.storage.audit import (
    AuditRow,
    select_audit_after,
    select_audit_forward,
    select_audit_head,
    upsert_audit_forward,
    upsert_audit_forward_failure,
)
from cloud_api.storage.pool import Pool, transaction
from cloud_api.telemetry import Telemetry

ROWS = 100
LOOK_S = 0.5
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0

log = logging.getLogger(__name__)


class Forwarder:
    """The way to one target; the process on duty for the audit runs it."""

    def __init__(self, pool: Pool, target: Target, telemetry: Telemetry, first_wait_s: float = FIRST_WAIT_S) -> None:
        self._pool = pool
        self._target = target
        self._telemetry = telemetry
        self._first_wait_s = first_wait_s
        # What was tried and not taken is tried again as it is, so that its id says that it is the same.
        self._tried: list[AuditRow] = []

    async def run(self, mine: Ownership) -> None:
        """Forward until cancelled or until the lease is lost."""
        wait_s = self._first_wait_s
        try:
            while True:
                try:
                    count = await self._step(mine)
                except (SendFailed, SendRefused) as error:
                    await self._fail(mine, error)
                    await asyncio.sleep(wait_s)
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                    continue
                wait_s = self._first_wait_s
                if count < ROWS:
                    await asyncio.sleep(LOOK_S)
        finally:
            await self._target.close()

    async def _step(self, mine: Ownership) -> int:
        name = self._target.name
        async with self._pool.connection() as connection:
            sent = await select_audit_forward(connection, name)
            is_again = bool(self._tried) and self._tried[0].number == sent + 1
            rows = self._tried if is_again else await select_audit_after(connection, sent, ROWS)
            head, _ = await select_audit_head(connection)
        self._telemetry.audit_forward_behind.labels(name).set(max(0, head - sent))
        if not rows:
            return 0
        self._tried = rows
        await self._target.send(rows)
        self._tried = []
        await self._note(mine, rows[-1].number)
        self._telemetry.audit_forwarded.labels(name).inc(len(rows))
        return len(rows)

    async def _note(self, mine: Ownership, number: int) -> None:
        async with transaction(self._pool) as connection:
            await check_lease(connection, mine)
            await upsert_audit_forward(connection, self._target.name, number)

    async def _fail(self, mine: Ownership, error: Exception) -> None:
        reason = " ".join(str(error).split())[:500]
        log.warning("the audit cannot be sent to %s: %s", self._target.name, reason)
        again = self._target.unsure_since()
        if again is not None:
            await self._note(mine, again)
        async with self._pool.connection() as connection:
            await upsert_audit_forward_failure(connection, self._target.name, reason)
