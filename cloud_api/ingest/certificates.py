"""Keeps the days that the certificates of agents still last as a metric."""

import asyncio
import logging
from datetime import UTC, datetime

from cloud_api.storage.agents import select_certificate_days
from cloud_api.storage.pool import Pool
from cloud_api.telemetry import Telemetry

EVERY_S = 60.0

log = logging.getLogger(__name__)


class CertificateDays:
    """Run by the owner of ingest."""

    def __init__(self, pool: Pool, telemetry: Telemetry) -> None:
        self._pool = pool
        self._gauge = telemetry.certificate_days

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            try:
                await self.look(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001 # a metric must not end what stores samples
                log.warning("days of certificates wait: %s", " ".join(str(error).split()))
            await asyncio.sleep(EVERY_S)

    async def look(self, now: datetime) -> None:
        """Take over what the agents said last."""
        async with self._pool.connection() as connection:
            found = await select_certificate_days(connection, now)
        self._gauge.clear()
        for agent, use, days in found:
            self._gauge.labels(agent, use).set(days)
