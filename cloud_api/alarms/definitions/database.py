"""Definitions brought into force, compared and exported by the command, straight on the database."""

import time
from collections.abc import Sequence
from typing import Any

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.storage.alarm_definitions import select_alarm_definitions
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import open_pool, transaction


async def apply_to_database(
    url: str, definitions: Sequence[Definition], who: str, *, is_pruning: bool, is_dry: bool
) -> service.Difference:
    """Bring definitions into force, all or nothing, or only say what would change."""
    pool = await open_pool(url, 1)
    async with pool, transaction(pool) as connection:
        await check_schema(connection)
        if is_dry:
            return await service.compare(connection, definitions, is_pruning=is_pruning)
        by = Actor(who, time.time_ns() // 1000)
        return await service.apply(connection, definitions, by, is_pruning=is_pruning)


async def documents_of_database(url: str, who: str) -> list[dict[str, Any]]:
    """Read all definitions in force as documents, in the order of their names; that they were taken is audited."""
    pool = await open_pool(url, 1)
    async with pool, transaction(pool) as connection:
        await check_schema(connection)
        rows = await select_alarm_definitions(connection)
        await insert_audit(connection, who, "alarm_definition.export", None, {"definitions": len(rows)})
    return [service.stored(row).definition.document() for row in rows]
