"""Maintenance: who works where until when, and which alarms that covers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class NewMaintenance:
    """A maintenance to be kept: exactly one of device, asset and path; `pattern` is the path glob's."""

    agent: str | None
    device: str | None
    asset: str | None
    path: str | None
    pattern: str | None
    from_at: datetime
    until_at: datetime
    reason: str
    who: str


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """A maintenance, with the alarms that it suppresses now and the series that it covers."""

    id: UUID
    version: int
    agent: str | None
    device: str | None
    asset: str | None
    path: str | None
    from_at: datetime
    until_at: datetime
    reason: str
    who: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    alarm_count: int
    series_count: int


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


async def select_maintenance_matters(connection: Connection, now: datetime) -> bool:
    """Whether any maintenance is under way, or an alarm is still marked by one."""
    cursor = await connection.execute(statement("select_maintenance_matters"), {"now": now})
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def select_maintenance_differences(
    connection: Connection, conditions: Sequence[str], now: datetime
) -> list[UUID]:
    """Find the alarms of these conditions that are marked by another maintenance than they stand in."""
    parameters = {"conditions": list(conditions), "now": now}
    cursor = await connection.execute(statement("select_maintenance_differences"), parameters)
    return [row[0] for row in await cursor.fetchall()]


async def insert_maintenance(connection: Connection, new: NewMaintenance, now: datetime) -> UUID:
    """Keep a maintenance."""
    cursor = await connection.execute(statement("insert_maintenance"), asdict(new) | {"now": now})
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def select_maintenance(connection: Connection, maintenance_id: UUID) -> MaintenanceRow | None:
    """Read one."""
    rows = await _rows(connection, "select_maintenance", {"maintenance_id": maintenance_id})
    return rows[0] if rows else None


async def lock_maintenance(connection: Connection, maintenance_id: UUID) -> MaintenanceRow | None:
    """Read and lock one."""
    rows = await _rows(connection, "lock_maintenance", {"maintenance_id": maintenance_id})
    return rows[0] if rows else None


async def update_maintenance(connection: Connection, row: MaintenanceRow) -> None:
    """Write what of a maintenance can change."""
    parameters = {
        "maintenance_id": row.id,
        "until_at": row.until_at,
        "reason": row.reason,
        "ended_at": row.ended_at,
        "ended_by": row.ended_by,
    }
    await connection.execute(statement("update_maintenance"), parameters)


async def select_maintenance_page(
    connection: Connection, state: str, now: datetime, before: tuple[datetime, UUID] | None, limit: int
) -> list[MaintenanceRow]:
    """Read maintenance of a state, the latest beginning first."""
    before_at, before_id = (None, None) if before is None else before
    parameters = {"state": state, "now": now, "before_at": before_at, "before_id": before_id, "limit": limit}
    return await _rows(connection, "select_maintenance_page", parameters)


async def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[MaintenanceRow]:
    query = sql.SQL(statement(name)).format(columns=sql.SQL(statement("maintenance_columns")))
    async with connection.cursor(row_factory=class_row(MaintenanceRow)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()
