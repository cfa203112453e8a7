"""The outbox of notifications: journal rows read by a cursor, what routes owe, and the state of groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A sealed row of the alarm journal, as far as people are told of it."""

    number: int
    alarm_id: UUID
    definition_id: UUID
    path: str
    name: str | None
    event: str
    at: datetime
    recorded_at: datetime
    who: str
    from_state: str
    to_state: str
    priority: str
    level: str | None
    value: float | None
    limit_value: float | None
    message_en: str
    message_zh: str
    comment: str | None
    note: str | None
    is_late: bool
    position: str | None
    alarm_class: str | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """What a route owes about an alarm; `snapshot` is JSON."""

    id: int | None
    route_id: UUID
    alarm_id: UUID
    number: int
    event: str
    group_key: str
    since_at: datetime
    due_at: datetime | None
    step: int
    repeat_count: int
    alarm_count: int
    told_at: datetime | None
    closed_at: datetime | None
    closed_because: str | None
    snapshot: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group that has something due."""

    route_id: UUID
    group_key: str
    last_sent_at: datetime | None
    flood_since: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveRow:
    """An alarm that is active and in sight."""

    id: UUID
    instance: str
    priority: str
    alarm_class: str | None
    position: str | None


async def select_notification_cursor(connection: Connection) -> int:
    """Read up to where the journal was read, and lock it until the transaction ends."""
    cursor = await connection.execute(statement("select_notification_cursor"))
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def update_notification_cursor(connection: Connection, number: int) -> None:
    """Say up to where the journal was read."""
    await connection.execute(statement("update_notification_cursor"), {"number": number})


async def select_notification_link_key(connection: Connection) -> bytes:
    """Read the key of the links in messages."""
    cursor = await connection.execute(statement("select_notification_link_key"))
    row = await cursor.fetchone()
    return b"" if row is None else bytes(row[0])


async def select_sealed_rows(connection: Connection, number: int, limit: int) -> list[JournalRow]:
    """Read sealed rows in their order."""
    async with connection.cursor(row_factory=class_row(JournalRow)) as cursor:
        await cursor.execute(statement("select_sealed_rows"), {"number": number, "limit": limit})
        return await cursor.fetchall()


async def select_notification_items_last(connection: Connection, alarm_ids: Sequence[UUID]) -> list[ItemRow]:
    """Read the newest item of each route and event about these alarms."""
    async with connection.cursor(row_factory=class_row(ItemRow)) as cursor:
        await cursor.execute(statement("select_notification_items_last"), {"alarm_ids": list(alarm_ids)})
        return await cursor.fetchall()


async def insert_notification_item(connection: Connection, items: Sequence[ItemRow]) -> None:
    """Add items; the same journal row makes no second one."""
    async with connection.cursor() as cursor:
        await cursor.executemany(statement("insert_notification_item"), [_parameters(item) for item in items])


async def update_notification_item(connection: Connection, items: Sequence[ItemRow]) -> None:
    """Change items."""
    async with connection.cursor() as cursor:
        await cursor.executemany(statement("update_notification_item"), [_parameters(item) for item in items])


async def select_notification_groups_due(connection: Connection, now: datetime, limit: int) -> list[GroupRow]:
    """Find the groups that have an item due."""
    async with connection.cursor(row_factory=class_row(GroupRow)) as cursor:
        await cursor.execute(statement("select_notification_groups_due"), {"now": now, "limit": limit})
        return await cursor.fetchall()


async def select_notification_items_open(
    connection: Connection, route_id: UUID, group_key: str, limit: int
) -> list[ItemRow]:
    """Read the open items of a group that still have something to come."""
    parameters = {"route_id": route_id, "group_key": group_key, "limit": limit}
    async with connection.cursor(row_factory=class_row(ItemRow)) as cursor:
        await cursor.execute(statement("select_notification_items_open"), parameters)
        return await cursor.fetchall()


async def select_notification_item_count(
    connection: Connection, route_id: UUID, group_key: str, since_at: datetime
) -> int:
    """Count the alarms that a group has met since an instant."""
    parameters = {"route_id": route_id, "group_key": group_key, "since_at": since_at}
    cursor = await connection.execute(statement("select_notification_item_count"), parameters)
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def upsert_notification_group(connection: Connection, group: GroupRow) -> None:
    """Remember the state of a group."""
    parameters = {
        "route_id": group.route_id,
        "group_key": group.group_key,
        "last_sent_at": group.last_sent_at,
        "flood_since": group.flood_since,
    }
    await connection.execute(statement("upsert_notification_group"), parameters)


async def select_alarms_active(connection: Connection, limit: int) -> list[ActiveRow]:
    """Read the alarms that may make others wait."""
    async with connection.cursor(row_factory=class_row(ActiveRow)) as cursor:
        await cursor.execute(statement("select_alarms_active"), {"limit": limit})
        return await cursor.fetchall()


async def delete_notification_items_old(connection: Connection) -> int:
    """Forget items that were closed long ago."""
    cursor = await connection.execute(statement("delete_notification_items_old"))
    return cursor.rowcount


def _parameters(item: ItemRow) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ItemRow.__slots__}
