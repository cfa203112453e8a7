"""What each part says of itself when /health/ready asks."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from cloud_api.storage.database import Database

Checks = dict[str, Callable[[], Awaitable[str]]]
FINE = frozenset({"ready", "standby"})
# Longer than a lease lives: who does not own ingest by then is not late, another process has it.
STANDBY_AFTER_S = 20.0


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
