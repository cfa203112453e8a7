"""Messages: waiting, claimed, sent, dead; and the journal of what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class NewNotification:
    """A message to one channel that waits to be sent; `content` is JSON."""

    id: UUID
    kind: str
    route_id: UUID | None
    route_name: str | None
    channel_id: UUID | None
    channel_name: str
    group_key: str | None
    step: int | None
    alarm_ids: Sequence[UUID]
    content: str
    state: str
    due_at: datetime
    max_attempts: int
    last_error: str | None
    created_at: datetime
    link_until_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClaimedNotification:
    """A message that this process is to send now."""

    id: UUID
    kind: str
    channel_id: UUID | None
    route_name: str | None
    group_key: str | None
    step: int | None
    content: str
    attempts: int
    max_attempts: int
    created_at: datetime
    link_until_at: datetime | None
    link_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Who sends, for how long at most, how many; `dead` owners' messages are taken over at once."""

    owner: str
    ttl: timedelta
    limit: int
    per_channel: int
    dead: Sequence[str]


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A message and what became of it."""

    id: UUID
    number: int
    kind: str
    route_id: UUID | None
    route_name: str | None
    channel_id: UUID | None
    channel_name: str
    group_key: str | None
    step: int | None
    alarm_ids: list[UUID]
    content: str
    state: str
    due_at: datetime
    attempts: int
    max_attempts: int
    may_be_copied: bool
    last_attempt_at: datetime | None
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None
    link_until_at: datetime | None
    link_used_at: datetime | None
    link_used_by: str | None


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which messages are wanted; None does not care."""

    state: str | None = None
    kind: str | None = None
    channel_id: UUID | None = None
    route_id: UUID | None = None
    alarm_id: UUID | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """What a link in a message stands for."""

    id: UUID
    channel_name: str
    alarm_ids: list[UUID]
    content: str
    created_at: datetime
    link_until_at: datetime | None
    link_used_at: datetime | None
    link_used_by: str | None


async def insert_notification(connection: Connection, notifications: Sequence[NewNotification]) -> None:
    """Put messages into the outbox."""
    rows: list[Mapping[str, Any]] = [
        {name: getattr(each, name) for name in NewNotification.__slots__} | {"alarm_ids": list(each.alarm_ids)}
        for each in notifications
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(statement("insert_notification"), rows)


async def claim_notifications(connection: Connection, claim: Claim) -> list[ClaimedNotification]:
    """Take what is due, oldest first, and count the attempt before it is made."""
    parameters = {
        "owner": claim.owner,
        "ttl": claim.ttl,
        "limit": claim.limit,
        "per_channel": claim.per_channel,
        "dead": list(claim.dead),
    }
    async with connection.cursor(row_factory=class_row(ClaimedNotification)) as cursor:
        await cursor.execute(statement("claim_notifications"), parameters)
        return await cursor.fetchall()


async def select_notification_claimants(connection: Connection) -> list[str]:
    """Name the processes that have messages under way."""
    cursor = await connection.execute(statement("select_notification_claimants"))
    return [row[0] for row in await cursor.fetchall()]


async def update_notification_sent(connection: Connection, notification_id: UUID, owner: str) -> None:
    """Record that a message has left."""
    await connection.execute(statement("update_notification_sent"), {"id": notification_id, "owner": owner})


async def update_notification_failed(
    connection: Connection, notification_id: UUID, owner: str, error: str, wait: timedelta | None
) -> None:
    """Record that a message could not be sent: try again after `wait`, or (None) it is dead."""
    parameters = {"id": notification_id, "owner": owner, "error": error, "wait": wait}
    await connection.execute(statement("update_notification_failed"), parameters)


async def update_notification_resent(connection: Connection, notification_id: UUID) -> bool:
    """Let a message that is dead or was sent go out once more; False when it is under way anyway."""
    cursor = await connection.execute(statement("update_notification_resent"), {"id": notification_id})
    return await cursor.fetchone() is not None


async def select_notification(connection: Connection, notification_id: UUID) -> NotificationRow | None:
    """Read one message."""
    async with connection.cursor(row_factory=class_row(NotificationRow)) as cursor:
        await cursor.execute(statement("select_notification"), {"id": notification_id})
        return await cursor.fetchone()


async def select_notification_page(
    connection: Connection, wanted: NotificationFilter, before: int | None, limit: int
) -> list[NotificationRow]:
    """Read messages, newest first, from the one before number `before`."""
    parameters = {name: getattr(wanted, name) for name in NotificationFilter.__slots__}
    async with connection.cursor(row_factory=class_row(NotificationRow)) as cursor:
        await cursor.execute(statement("select_notification_page"), parameters | {"before": before, "limit": limit})
        return await cursor.fetchall()


async def select_notification_counts(connection: Connection) -> dict[str, int]:
    """Count messages that wait, are under way, or are dead."""
    cursor = await connection.execute(statement("select_notification_counts"))
    return {row[0]: int(row[1]) for row in await cursor.fetchall()}


async def lock_notification_link(connection: Connection, notification_id: UUID) -> LinkRow | None:
    """Read what a link stands for, and lock it until the transaction ends: it works once."""
    async with connection.cursor(row_factory=class_row(LinkRow)) as cursor:
        await cursor.execute(statement("lock_notification_link"), {"id": notification_id})
        return await cursor.fetchone()


async def update_notification_link_used(connection: Connection, notification_id: UUID, who: str) -> None:
    """Record that a link was used."""
    await connection.execute(statement("update_notification_link_used"), {"id": notification_id, "who": who})
