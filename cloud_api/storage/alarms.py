"""Rows of alarms, and of what happened to them, written many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm: what its definition says of it, its memories, and who did what to it last."""

    id: UUID
    definition_id: UUID
    definition_version: int
    instance: str
    series_id: int | None
    version: int
    name: str | None
    condition: str
    alarm_class: str | None
    position: str | None
    is_latching: bool
    is_auto_acknowledged: bool
    max_shelved_s: int
    is_active: bool
    is_acknowledged: bool
    is_latched: bool
    shelving: str
    suppressed_by: str | None
    maintenance_id: UUID | None
    is_out_of_service: bool
    state: str
    priority: str
    level: str | None
    value: float | None
    status: int
    limit_value: float | None
    message_en: str
    message_zh: str
    note: str | None
    raised_at: datetime | None
    cleared_at: datetime | None
    annunciated_at: datetime
    raise_count: int
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    shelved_at: datetime | None
    shelved_until: datetime | None
    shelved_by: str | None
    shelved_reason: str | None
    suppressed_at: datetime | None
    out_of_service_at: datetime | None
    out_of_service_by: str | None
    out_of_service_reason: str | None
    order_number: str | None
    assignee: str | None
    comment: str | None
    retired_at: datetime | None
    created_at: datetime
    changed_at: datetime
    unit: str | None


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """A place that a definition watches and that has no row yet."""

    definition_id: UUID
    definition_version: int
    instance: str
    series_id: int | None
    name: str | None
    condition: str
    alarm_class: str | None
    position: str | None
    is_latching: bool
    is_auto_acknowledged: bool
    max_shelved_s: int
    priority: str


@dataclass(frozen=True, slots=True)
class NewJournalRow:
    """One thing that happened to an alarm, not sealed yet."""

    alarm_id: UUID
    alarm_version: int
    definition_id: UUID
    definition_version: int
    path: str
    name: str | None
    condition: str
    alarm_class: str | None
    position: str | None
    event: str
    at: datetime
    recorded_at: datetime
    who: str
    from_state: str
    to_state: str
    priority: str
    level: str | None
    value: float | None
    status: int
    limit_value: float | None
    message_en: str
    message_zh: str
    comment: str | None
    note: str | None
    order_number: str | None
    until_at: datetime | None
    assignee: str | None
    is_late: bool


RowT = TypeVar("RowT", AlarmRow, NewJournalRow)


async def insert_alarms(connection: Connection, rows: Sequence[NewAlarm], now: datetime) -> None:
    """Make the rows that are missing; what is there stays."""
    await connection.execute(statement("insert_alarms"), {"rows": _json(rows), "now": now})


async def lock_alarms_by_place(
    connection: Connection, definition_ids: Sequence[UUID], instances: Sequence[str]
) -> list[AlarmRow]:
    """Read and lock the alarms of these (definition, instance) pairs, in the order of their ids."""
    parameters = {"definition_ids": list(definition_ids), "instances": list(instances)}
    return await _rows(connection, "lock_alarms_by_place", parameters)


async def lock_alarms_by_id(connection: Connection, ids: Sequence[UUID]) -> list[AlarmRow]:
    """Read and lock these alarms, in the order of their ids; unknown ones are left out."""
    return await _rows(connection, "lock_alarms_by_id", {"ids": list(ids)})


async def select_alarms_by_id(connection: Connection, ids: Sequence[UUID]) -> list[AlarmRow]:
    """Read these alarms; unknown ones are left out."""
    return await _rows(connection, "select_alarms_by_id", {"ids": list(ids)})


async def lock_alarms_by_definition(
    connection: Connection, definition_id: UUID, instances: Sequence[str] | None
) -> list[AlarmRow]:
    """Read and lock the alarms of one definition, all or those of some instances."""
    parameters = {"definition_id": definition_id, "instances": None if instances is None else list(instances)}
    return await _rows(connection, "lock_alarms_by_definition", parameters)


async def lock_alarms_shelved_until(connection: Connection, now: datetime, limit: int) -> list[AlarmRow]:
    """Read and lock alarms whose shelf ends by now; those that somebody works on at this moment come next time."""
    return await _rows(connection, "lock_alarms_shelved_until", {"now": now, "limit": limit})


async def update_alarms(connection: Connection, rows: Sequence[AlarmRow]) -> None:
    """Write these alarms, which the transaction holds locked."""
    await connection.execute(statement("update_alarms"), {"rows": _json([_signed(row) for row in rows])})


async def insert_alarm_journal(connection: Connection, rows: Sequence[NewJournalRow]) -> None:
    """Append to the journal, in this order."""
    await connection.execute(statement("insert_alarm_journal"), {"rows": _json([_signed(row) for row in rows])})


def alarm_columns() -> sql.SQL:
    """Name the columns of an AlarmRow, for statements that have `{columns}`."""
    return sql.SQL(statement("alarm_columns"))


async def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[AlarmRow]:
    query = sql.SQL(statement(name)).format(columns=alarm_columns())
    async with connection.cursor(row_factory=class_row(AlarmRow)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


def _signed(row: RowT) -> RowT:
    """StatusCodes are stored as the same 32 bits signed; unsigned everywhere else."""
    return replace(row, status=row.status - 2**32) if row.status >= 2**31 else row


def _json(rows: Sequence[object]) -> str:
    return msgspec.json.encode(rows).decode()
