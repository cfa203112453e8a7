"""Ingest watches itself: stretches in which database, broker or ingest did not work are written down as outages."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import at_us
from cloud_api.storage.outages import insert_outage, update_ingest_seen, update_outage_over
from cloud_api.storage.pool import Connection, Pool, transaction

# Outages of the broker that are kept until the database is back to take them.
MOST_PAST = 100

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Broker:
    """When the broker was there, seen by looks that no database holds up; `past` is not written down yet."""

    seen_at: datetime
    gone_at: datetime | None
    past: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])

    def look(self, is_up: bool, now: datetime) -> None:
        """Note whether it is there."""
        if is_up:
            if self.gone_at is not None:
                self.past = [*self.past, (self.gone_at, now)][-MOST_PAST:]
            self.seen_at, self.gone_at = now, None
        elif self.gone_at is None:
            self.gone_at = self.seen_at


class Watch:
    """One for each process that may own ingest; its owner runs it."""

    def __init__(self, pool: Pool, is_subscribed: Callable[[], bool] | None, every_s: float = 2.0) -> None:
        self._pool = pool
        self._is_subscribed = is_subscribed
        self._every_s = every_s
        self._patience = timedelta(seconds=3 * every_s)
        self._has_failed = False
        self._broker = _Broker(_now(), _now())
        self._is_outage_told = False

    def note_failure(self) -> None:
        """The database did not answer: what has passed since it last did is its outage, not that of this service."""
        self._has_failed = True

    async def run(self) -> None:
        """Look now and then, until cancelled."""
        self._broker = _Broker(_now(), _now())
        # Whoever owned ingest before may have left one open.
        self._is_outage_told = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_broker())
            await self._look_again_and_again()

    async def _follow_broker(self) -> None:
        """Whether the broker is there, also while the database is not."""
        while True:
            self._broker.look(self._is_subscribed is None or self._is_subscribed(), _now())
            await asyncio.sleep(self._every_s)

    async def _look_again_and_again(self) -> None:
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
            gone_at, past = self._broker.gone_at, self._broker.past
            is_told = await self._tell_broker(connection, gone_at, past)
        self._has_failed = self._is_slow(asked)
        self._is_outage_told = is_told
        self._broker.past = self._broker.past[len(past) :]

    async def _tell_broker(
        self, connection: Connection, gone_at: datetime | None, past: Sequence[tuple[datetime, datetime]]
    ) -> bool:
        """Write down what is new of the broker; whether an outage of it stands there open."""
        is_told = self._is_outage_told
        for from_at, to_at in past:
            if is_told:
                await update_outage_over(connection, "broker", to_at)
            elif to_at - from_at > self._patience:
                await insert_outage(connection, "broker", from_at, to_at)
            is_told = False
        if gone_at is not None and _now() - gone_at > self._patience:
            await insert_outage(connection, "broker", gone_at, None)
            is_told = True
        return is_told

    def _is_slow(self, asked: float) -> bool:
        """Whether the database lets us wait: one that comes back meanwhile has refused nothing, and yet was away."""
        return time.monotonic() - asked > self._every_s


def _now() -> datetime:
    return at_us(time.time_ns() // 1000)
