"""What each part says of itself when /health/ready asks."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cloud_api.storage.database import Database
from cloud_api.storage.disk import select_disk_forecast
from cloud_api.storage.failures import UNAVAILABLE

Checks = dict[str, Callable[[], Awaitable[str]]]
FINE = frozenset({"ready", "standby"})
# Longer than a lease lives: who does not own ingest by then is not late, another process has it.
STANDBY_AFTER_S = 20.0
FORECAST_S = 60.0
PATIENCE_S = 3.0


class Ingesting(Protocol):
    """As much of ingest as readiness needs."""

    @property
    def is_owner(self) -> bool:
        """Whether this process owns ingest."""
        ...

    @property
    def is_subscribed(self) -> bool:
        """Whether batches can come in by MQTT."""
        ...


class Rolling(Protocol):
    """As much of the roller as readiness needs."""

    @property
    def is_owner(self) -> bool:
        """Whether this process makes rollups."""
        ...


class Part(Protocol):
    """The ingest of this process, once there is one."""

    @property
    def ingest(self) -> Ingesting | None:
        """None until the database has been reached."""
        ...

    @property
    def started_s(self) -> float:
        """When it was made, by the monotonic clock."""
        ...


class RollupsPart(Protocol):
    """The roller of this process, once there is one."""

    @property
    def roller(self) -> Rolling | None:
        """None until the database has been reached."""
        ...

    @property
    def started_s(self) -> float:
        """When it was made, by the monotonic clock."""
        ...


class DiskForecast:
    """Days until the database's disk is full, as the role `rollups` has last foretold; asked now and then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._days: float | None = None
        self._asked_s = -FORECAST_S

    async def days(self) -> float | None:
        """None where nothing can be foretold, or nobody has looked for a day."""
        if time.monotonic() - self._asked_s >= FORECAST_S:
            self._asked_s = time.monotonic()
            try:
                async with self._database.pool.connection(timeout=PATIENCE_S) as connection:
                    found = await select_disk_forecast(connection)
            except UNAVAILABLE:
                found = None
            is_fresh = found is not None and datetime.now(UTC) - found.at < timedelta(days=1)
            self._days = None if found is None or not is_fresh else found.days_to_full
        return self._days


def check_database(database: Database) -> Checks:
    """The check of every process."""

    async def check() -> str:
        return (await database.probe()).value

    return {"database": check}


def check_ingest(part: Part) -> Checks:
    """The checks of a process that ingests: whether it owns ingest, and whether the broker hears it."""

    async def check_owner() -> str:
        if part.ingest is None:
            return "waiting_for_database"
        if part.ingest.is_owner:
            return "ready"
        return "standby" if time.monotonic() - part.started_s > STANDBY_AFTER_S else "starting"

    async def check_broker() -> str:
        if part.ingest is None or not part.ingest.is_owner:
            return await check_owner()
        return "ready" if part.ingest.is_subscribed else "unreachable"

    return {"ingest": check_owner, "broker": check_broker}


def check_rollups(part: RollupsPart) -> Checks:
    """The check of a process that makes rollups, or stands by for the one that does."""

    async def check() -> str:
        if part.roller is None:
            return "waiting_for_database"
        if part.roller.is_owner:
            return "ready"
        return "standby" if time.monotonic() - part.started_s > STANDBY_AFTER_S else "starting"

    return {"rollups": check}
