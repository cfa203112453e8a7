"""HTTP of the journal of messages, and dead ones sent again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.instants import format_at, parse_instant, to_datetime
from cloud_api.notify.outbox.models import Notification, NotificationPage, NotificationParameters
from cloud_api.problems import Kinds, Problem, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.notification_outbox import (
    NotificationFilter,
    NotificationRow,
    select_notification,
    select_notification_page,
    update_notification_resent,
)
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/notifications", tags=["notifications"])


@router.get(
    "",
    response_model=NotificationPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="The journal of messages: what was sent to whom, what waits, what is dead and why."
    + role_line(Role.VIEWER),
)
async def list_notifications(
    parameters: Annotated[NotificationParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """List messages."""
    wanted = NotificationFilter(
        state=parameters.state,
        kind=parameters.kind,
        channel_id=parameters.channel,
        route_id=parameters.route,
        alarm_id=parameters.alarm,
        from_at=_instant(parameters.from_, "from"),
        to_at=_instant(parameters.to, "to"),
    )
    question = ("notifications", *(str(getattr(wanted, name)) for name in NotificationFilter.__slots__))
    before = read_cursor(parameters.cursor, question, int) if parameters.cursor else None
    async with transaction(pool) as connection:
        rows = await select_notification_page(connection, wanted, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].number, question) if len(rows) > len(page) else None
    return _json({"items": [_show(row) for row in page], "next": cursor})


@router.get(
    "/{notification_id}",
    response_model=Notification,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One message." + role_line(Role.VIEWER),
)
async def get_notification(notification_id: UUID, pool: PoolOf, _caller: Viewer) -> Response:
    """Show a message."""
    async with transaction(pool) as connection:
        row = await select_notification(connection, notification_id)
    if row is None:
        raise not_found("notification", "id", str(notification_id))
    return _json(_show(row))


@router.post(
    "/{notification_id}/resend",
    response_model=Notification,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="Send a message again that is dead, cancelled or was sent, under the same id. Audited."
    + role_line(Role.ENGINEER),
)
async def resend_notification(notification_id: UUID, pool: PoolOf, caller: Engineer) -> Response:
    """Send a message again."""
    async with transaction(pool) as connection:
        is_waiting = await update_notification_resent(connection, notification_id)
        row = await select_notification(connection, notification_id)
        if row is None:
            raise not_found("notification", "id", str(notification_id))
        if not is_waiting:
            raise Problem(Kinds.CONFLICT, f"it is {row.state}: it leaves by itself")
        await insert_audit(connection, caller.name, "notification.resend", str(notification_id), {})
    return _json(_show(row))


def _show(row: NotificationRow) -> dict[str, Any]:
    content = msgspec.json.decode(row.content)
    return {
        "id": str(row.id),
        "kind": row.kind,
        "state": row.state,
        "route": None if row.route_id is None else str(row.route_id),
        "route_name": row.route_name,
        "channel": None if row.channel_id is None else str(row.channel_id),
        "channel_name": row.channel_name,
        "group": row.group_key,
        "step": row.step,
        "alarms": [str(alarm) for alarm in row.alarm_ids],
        "alarm_count": content.get("alarm_count", 0),
        "created_at": format_at(row.created_at),
        "due_at": format_at(row.due_at),
        "attempts": row.attempts,
        "max_attempts": row.max_attempts,
        "last_attempt_at": _at(row.last_attempt_at),
        "last_error": row.last_error,
        "sent_at": _at(row.sent_at),
        "may_be_copied": row.may_be_copied,
        "link_until_at": _at(row.link_until_at),
        "link_used_at": _at(row.link_used_at),
        "link_used_by": row.link_used_by,
    }


def _instant(text: str | None, field: str) -> datetime | None:
    return None if text is None else to_datetime(parse_instant(text, field))


def _at(at: datetime | None) -> str | None:
    return None if at is None else format_at(at)


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
