"""Alarm definitions and all their versions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class DefinitionRow:
    """One definition in its newest version; the body is JSON."""

    id: UUID
    name: str
    version: int
    body: str
    created_at: datetime
    updated_at: datetime
    updated_by: str
    deleted_at: datetime | None


@dataclass(frozen=True, slots=True)
class DefinitionVersionRow:
    """One version of a definition: what it said, and who made it so."""

    version: int
    change: str
    body: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class NewDefinition:
    """What is written of a definition: its document, and the members that lists are filtered by."""

    id: UUID
    name: str
    is_enabled: bool
    kind: str
    priority: str
    alarm_class: str
    position: str
    body: str


@dataclass(frozen=True, slots=True)
class DefinitionFilter:
    """Which definitions a list wants; None is no condition. `pattern` is a regular expression for places."""

    kind: str | None = None
    priority: str | None = None
    position: str | None = None
    q: str | None = None
    pattern: str | None = None


async def insert_alarm_definitions(connection: Connection, rows: Sequence[NewDefinition], who: str) -> None:
    """Make definitions; their names are free."""
    await connection.execute(statement("insert_alarm_definitions"), _columns(rows) | {"who": who})
    await _insert_versions(connection, [row.id for row in rows], "created", who)


async def update_alarm_definitions(connection: Connection, rows: Sequence[NewDefinition], who: str) -> None:
    """Replace the documents of definitions, each by a new version."""
    await connection.execute(statement("update_alarm_definitions"), _columns(rows) | {"who": who})
    await _insert_versions(connection, [row.id for row in rows], "changed", who)


async def update_alarm_definitions_deleted(connection: Connection, ids: Sequence[UUID], who: str) -> None:
    """Take definitions out of force; they stay readable."""
    await connection.execute(statement("update_alarm_definitions_deleted"), {"ids": list(ids), "who": who})
    await _insert_versions(connection, ids, "deleted", who)


async def select_alarm_definitions(connection: Connection) -> list[DefinitionRow]:
    """Read all definitions in force, in the order of their names."""
    return await _definitions(connection, "select_alarm_definitions", {})


async def select_alarm_definition(connection: Connection, definition_id: UUID) -> DefinitionRow | None:
    """Read one definition, deleted or not."""
    rows = await _definitions(connection, "select_alarm_definition", {"id": definition_id})
    return rows[0] if rows else None


async def select_alarm_definitions_named(connection: Connection, names: Sequence[str]) -> list[DefinitionRow]:
    """Read the definitions in force that have these names."""
    return await _definitions(connection, "select_alarm_definitions_named", {"names": list(names)})


async def select_alarm_definitions_page(
    connection: Connection, wanted: DefinitionFilter, after_name: str, limit: int
) -> list[DefinitionRow]:
    """Read definitions in the order of their names."""
    parameters = {
        "kind": wanted.kind,
        "priority": wanted.priority,
        "position": wanted.position,
        "q": wanted.q,
        "pattern": wanted.pattern,
        "after_name": after_name,
        "limit": limit,
    }
    return await _definitions(connection, "select_alarm_definitions_page", parameters)


async def select_alarm_definition_versions(
    connection: Connection, definition_id: UUID, limit: int
) -> list[DefinitionVersionRow]:
    """Read the versions of a definition, the newest first."""
    parameters = {"id": definition_id, "limit": limit}
    return await _versions(connection, "select_alarm_definition_versions", parameters)


async def select_alarm_definition_version(
    connection: Connection, definition_id: UUID, version: int
) -> DefinitionVersionRow | None:
    """Read one version of a definition."""
    parameters = {"id": definition_id, "version": version}
    rows = await _versions(connection, "select_alarm_definition_version", parameters)
    return rows[0] if rows else None


async def _insert_versions(connection: Connection, ids: Sequence[UUID], change: str, who: str) -> None:
    parameters = {"ids": list(ids), "changes": [change] * len(ids), "who": who}
    await connection.execute(statement("insert_alarm_definition_versions"), parameters)


async def _definitions(connection: Connection, name: str, parameters: dict[str, Any]) -> list[DefinitionRow]:
    async with connection.cursor(row_factory=class_row(DefinitionRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


async def _versions(connection: Connection, name: str, parameters: dict[str, Any]) -> list[DefinitionVersionRow]:
    async with connection.cursor(row_factory=class_row(DefinitionVersionRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


def _columns(rows: Sequence[NewDefinition]) -> dict[str, Any]:
    return {
        "ids": [row.id for row in rows],
        "names": [row.name for row in rows],
        "enabled": [row.is_enabled for row in rows],
        "kinds": [row.kind for row in rows],
        "priorities": [row.priority for row in rows],
        "classes": [row.alarm_class for row in rows],
        "positions": [row.position for row in rows],
        "bodies": [row.body for row in rows],
    }
