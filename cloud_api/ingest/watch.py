"""Ingest watches itself: stretches in which database, broker or ingest did not work are written down as outages."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import at_us
from cloud_api.storage.outages import insert_outage, update_ingest_seen, update_outage_over
from cloud_api.storage.pool import Pool, transaction

log = logging.getLogger(__name__)


class Watch:
    """One for each process that may own ingest; its owner runs it."""

    def __init__(self, pool: Pool, is_subscribed: Callable[[], bool] | None, every_s: float = 2.0) -> None:
        self._pool = pool
        self._is_subscribed = is_subscribed
        self._every_s = every_s
        self._patience = timedelta(seconds=3 * every_s)
        self._has_failed = False
        self._broker_seen_at: datetime | None = None
        self._is_broker_told = False

    def note_failure(self) -> None:
        """The database did not answer: what has passed since it last did is its outage, not that of this service."""
        self._has_failed = True

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        self._broker_seen_at = _now()
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 # whoever watches must not be what fails
                if is_passing(error):
                    self.note_failure()
                log.warning("outages cannot be written down now: %s", " ".join(str(error).split()))
            await asyncio.sleep(self._every_s)

    async def _look(self) -> None:
        asked = time.monotonic()
        async with transaction(self._pool) as connection:
            self._has_failed |= self._is_slow(asked)
            now = _now()
            seen_at = await update_ingest_seen(connection, now)
            if seen_at is not None and now - seen_at > self._patience:
                part = "database" if self._has_failed else "cloud"
                await insert_outage(connection, part, seen_at, now)
            is_up = self._is_subscribed is None or self._is_subscribed()
            if is_up and not self._is_broker_told:
                # Also one that a process before this one has left open.
                await update_outage_over(connection, "broker", now)
            elif not is_up and self._broker_seen_at is not None and now - self._broker_seen_at > self._patience:
                await insert_outage(connection, "broker", self._broker_seen_at, None)
        self._has_failed = self._is_slow(asked)
        if is_up:
            self._broker_seen_at = now
        self._is_broker_told = is_up

    def _is_slow(self, asked: float) -> bool:
        """Whether the database lets us wait: one that comes back meanwhile has refused nothing, and yet was away."""
        return time.monotonic() - asked > self._every_s


def _now() -> datetime:
    return at_us(time.time_ns() // 1000)
