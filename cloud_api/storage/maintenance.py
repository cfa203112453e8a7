"""Maintenance: who works where until when, and which alarms that covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Cover:
    """The maintenance that an alarm stands in."""

    id: UUID
    until_at: datetime
    reason: str
    who: str


async def select_maintenance_covers(
    connection: Connection, alarm_ids: Sequence[UUID], now: datetime
) -> dict[UUID, Cover]:
    """Find the maintenance of each of these alarms that is in one now."""
    parameters = {"alarm_ids": list(alarm_ids), "now": now}
    cursor = await connection.execute(statement("select_maintenance_covers"), parameters)
    return {row[0]: Cover(*row[1:]) for row in await cursor.fetchall()}
