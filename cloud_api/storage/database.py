"""The database as a service sees it over its life: waited for at start, lost at times, back by itself."""

import asyncio
import logging
from enum import StrEnum

from cloud_api.storage.engine import check_durability
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.migrate import SchemaOutdated, check_schema
from cloud_api.storage.pool import DatabaseUnreachable, Pool, open_pool

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
PROBE_TIMEOUT_S = 3.0

log = logging.getLogger(__name__)


class DatabaseState(StrEnum):
    """Whether the database can be used."""

    READY = "ready"
    UNREACHABLE = "unreachable"
    SCHEMA_OUTDATED = "schema_outdated"


class Database:
    """One pool, opened as soon as the database answers and has this release's schema."""

    def __init__(self, url: str, max_size: int) -> None:
        self._url = url
        self._max_size = max_size
        self._pool: Pool | None = None
        self._state = DatabaseState.UNREACHABLE

    @property
    def pool(self) -> Pool:
        """The pool; DatabaseUnreachable until the first connection."""
        if self._pool is None:
            raise DatabaseUnreachable("the service has started and waits for its database")
        return self._pool

    async def open(self) -> Pool:
        """Wait for the database and its schema, for as long as it takes; DurabilityInvalid ends the waiting."""
        wait_s = FIRST_WAIT_S
        told = ""
        while True:
            try:
                self._pool = await self._open_checked()
            except (SchemaOutdated, *UNAVAILABLE) as error:
                is_old = isinstance(error, SchemaOutdated)
                self._state = DatabaseState.SCHEMA_OUTDATED if is_old else DatabaseState.UNREACHABLE
                reason = " ".join(str(error).split())
                if reason != told:  # once for each reason, not once for each try
                    log.warning("waiting for the database: %s", reason)
                    told = reason
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            else:
                self._state = DatabaseState.READY
                log.info("the database is ready")
                return self._pool

    async def probe(self) -> DatabaseState:
        """Ask the database now."""
        if self._pool is None:
            return self._state
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S), self._pool.connection(timeout=PROBE_TIMEOUT_S) as connection:
                await check_schema(connection)
        except SchemaOutdated:
            return DatabaseState.SCHEMA_OUTDATED
        except (TimeoutError, *UNAVAILABLE):
            return DatabaseState.UNREACHABLE
        return DatabaseState.READY

    def counts(self) -> dict[str, int]:
        """Count the pool's connections by state."""
        stats = self._pool.get_stats() if self._pool else {}
        return {"open": stats.get("pool_size", 0), "idle": stats.get("pool_available", 0)}

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            await self._pool.close()

    async def _open_checked(self) -> Pool:
        pool = await open_pool(self._url, self._max_size)
        try:
            async with pool.connection() as connection:
                await check_durability(connection)
                await check_schema(connection)
        except BaseException:
            await pool.close()
            raise
        return pool
