"""What a link does: show what would be acknowledged, and acknowledge it once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec

from cloud_api.notify.links.tokens import read_token
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.notification_outbox import LinkRow, lock_notification_link, update_notification_link_used
from cloud_api.storage.notifications import select_notification_link_key
from cloud_api.storage.pool import Connection


class AcknowledgeSeen(Protocol):
    """How alarms are acknowledged; the composer hands it over."""

    async def __call__(
        self,
        connection: Connection,
        alarm_ids: Sequence[UUID],
        seen_at: datetime,
        who: str,
        comment: str | None,
        now: datetime,
    ) -> int:
        """Acknowledge those that were not raised again after `seen_at`; returns how many there were."""
        ...


class LinkState(StrEnum):
    """Whether a link can be used."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """A link as the page shows it."""

    state: LinkState
    alarms: Sequence[dict[str, Any]] = ()
    alarm_count: int = 0
    used_at: datetime | None = None
    acknowledged: int | None = None


async def look(connection: Connection, token: str, now: datetime) -> Link:
    """Show what a link stands for; nothing is changed, however often a mail scanner looks."""
    row = await _find(connection, token)
    return Link(LinkState.UNKNOWN) if row is None else _shown(row, now)


async def use(
    connection: Connection, token: str, name: str, comment: str | None, acknowledge: AcknowledgeSeen, now: datetime
) -> Link:
    """Acknowledge what a link stands for, once, and in the journal's words."""
    row = await _find(connection, token)
    if row is None:
        return Link(LinkState.UNKNOWN)
    link = _shown(row, now)
    if link.state is not LinkState.OPEN:
        return link
    # Nobody has logged in, so the journal says by which door this person came.
    who = f"{name or '?'} (link, {row.channel_name})"
    count = await acknowledge(connection, row.alarm_ids, row.created_at, who, comment, now)
    await update_notification_link_used(connection, row.id, who)
    await insert_audit(connection, who, "notification.acknowledge", str(row.id), {"acknowledged": count})
    return Link(LinkState.USED, link.alarms, len(row.alarm_ids), now, count)


async def _find(connection: Connection, token: str) -> LinkRow | None:
    key = await select_notification_link_key(connection)
    notification_id = read_token(key, token)
    return None if notification_id is None else await lock_notification_link(connection, notification_id)


def _shown(row: LinkRow, now: datetime) -> Link:
    content = msgspec.json.decode(row.content)
    alarms: list[dict[str, Any]] = content.get("alarms", [])
    if row.link_used_at is not None:
        return Link(LinkState.USED, alarms, len(row.alarm_ids), row.link_used_at)
    is_over = row.link_until_at is None or row.link_until_at <= now
    return Link(LinkState.EXPIRED if is_over else LinkState.OPEN, alarms, len(row.alarm_ids))
