"""Retention and the look at the disk, beside the roller of the process that holds its lease.

Raw samples go in three steps: ingest refuses what is older; when no transaction is left that knew it otherwise, and
nothing of it waits to be rolled, it may go; then partitions are dropped here, or chunks by TimescaleDB's job.
"""

import asyncio
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloud_api.ages import read_age
from cloud_api.leases import Ownership, check_lease
from cloud_api.retention.forecast import LONGEST_S, Measured, days_to_full
from cloud_api.settings import RetentionSettings
from cloud_api.storage.disk import (
    DiskUsage,
    delete_old_disk_usage,
    insert_disk_usage,
    select_data_directory,
    select_database_bytes,
    select_disk_usage,
)
from cloud_api.storage.engine import EngineKind, detect_engine
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.retention import (
    Edges,
    delete_old_revisions,
    drop_old_partitions,
    move_kept_back,
    update_kept_from,
    update_raw_drop_until,
)
from cloud_api.storage.rollup_progress import wait_for_holders
from cloud_api.storage.site import select_site
from cloud_api.telemetry import Telemetry

LOOK_S = 600.0
# A longer retention is mostly chosen just before history is imported.
CHOICE_S = 10.0
KEEP_USAGE = timedelta(days=35)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """Enforces the retention that was chosen, and measures what is left."""

    pool: Pool
    settings: RetentionSettings
    telemetry: Telemetry

    async def run(self, mine: Ownership) -> None:
        """Look every few minutes until cancelled; the lease says that nobody else does."""
        while True:
            now = datetime.now(UTC)
            dropped = await self.enforce(mine, now)
            if dropped:
                log.info("retention has dropped %s", ", ".join(dropped))
            await self.measure(now)
            for _ in range(round(LOOK_S / CHOICE_S)):
                await asyncio.sleep(CHOICE_S)
                await self.lengthen(mine, datetime.now(UTC))

    async def lengthen(self, mine: Ownership, now: datetime) -> None:
        """Take history again that a retention chosen since allows, as far back as nothing of it was dropped."""
        async with transaction(self.pool) as connection:
            await check_lease(connection, mine)
            await move_kept_back(connection, await self._edges(connection, now))

    async def enforce(self, mine: Ownership, now: datetime) -> list[str]:
        """Move the edges to what is kept at this time and drop what lies before; the partitions that were dropped."""
        async with transaction(self.pool) as connection:
            await check_lease(connection, mine)
            await update_kept_from(connection, await self._edges(connection, now))
        await wait_for_holders(self.pool)
        async with transaction(self.pool) as connection:
            await check_lease(connection, mine)
            if not await update_raw_drop_until(connection):
                log.info("raw samples stay until what is older than their retention has been rolled")
            await delete_old_revisions(connection)
        async with self.pool.connection() as connection:
            # TimescaleDB has a job of its own for that, in the schema.
            if (await detect_engine(connection)).kind is EngineKind.TIMESCALE:
                return []
            return await drop_old_partitions(connection)

    async def _edges(self, connection: Connection, now: datetime) -> Edges:
        chosen = await select_site(connection)
        raw, minutes, quarters = (
            standing if text is None else read_age(text)
            for text, standing in (
                (chosen.retention_raw, self.settings.raw),
                (chosen.retention_1m, self.settings.rollup_1m),
                (chosen.retention_15m, self.settings.rollup_15m),
            )
        )
        return Edges(_edge(now, raw), _edge(now, minutes), _edge(now, quarters))

    async def measure(self, now: datetime) -> DiskUsage:
        """Note how large the database is and when its disk would be full."""
        async with self.pool.connection() as connection:
            size = await select_database_bytes(connection)
            directory = await select_data_directory(connection)
            known = await select_disk_usage(connection, now - timedelta(seconds=LONGEST_S))
            free = self._free(size, directory)
            measured = [Measured(each.at.timestamp(), each.database_bytes) for each in known]
            days = days_to_full([*measured, Measured(now.timestamp(), size)], free)
            usage = DiskUsage(now, size, free, days)
            await insert_disk_usage(connection, usage)
            await delete_old_disk_usage(connection, now - KEEP_USAGE)
        self.telemetry.database_bytes.set(size)
        self.telemetry.database_free_bytes.set(float("nan") if free is None else free)
        self.telemetry.days_to_full.set(float("nan") if days is None else days)
        return usage

    def _free(self, size: int, directory: str | None) -> int | None:
        """What may still be used: what was set, or what the disk has where we can see it; the less of both."""
        allowed = None if self.settings.database_max_bytes is None else self.settings.database_max_bytes - size
        seen = None
        place = self.settings.database_directory or (None if directory is None else Path(directory))
        if place is not None and place.is_dir():
            disk = os.statvfs(place)
            seen = disk.f_bavail * disk.f_frsize
        known = [each for each in (allowed, seen) if each is not None]
        return max(0, min(known)) if known else None


def _edge(now: datetime, kept: timedelta | None) -> datetime | None:
    """The midnight before which nothing is kept: partitions and chunks are whole days."""
    if kept is None:
        return None
    return (now - kept).replace(hour=0, minute=0, second=0, microsecond=0)
