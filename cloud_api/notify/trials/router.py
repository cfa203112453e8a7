"""HTTP of the button that tries a channel: a message through the outbox, and what became of it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from cloud_api.auth.access import Engineer, PoolOf, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.notify.configuration.channels import TrialAnswer
from cloud_api.notify.configuration.service import find_channel
from cloud_api.problems import Kinds
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.notification_outbox import (
    NewNotification,
    NotificationRow,
    insert_notification,
    select_notification,
)
from cloud_api.storage.pool import Pool, transaction

PATIENCE_S = 20.0
LOOKS_S = 0.2

router = APIRouter(prefix="/notification-channels", tags=["notifications"])


@router.post(
    "/{channel_id}/test",
    response_model=TrialAnswer,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Send a test message through the outbox and wait up to 20 s for what becomes of it. Audited."
    + role_line(Role.ENGINEER),
)
async def post_notification_channel_test(channel_id: UUID, pool: PoolOf, caller: Engineer) -> Response:
    """Try a channel."""
    async with transaction(pool) as connection:
        channel = await find_channel(connection, channel_id)
        trial = _trial_of(channel.id, channel.name, datetime.now(UTC))
        await insert_notification(connection, [trial])
        await insert_audit(connection, caller.name, "notification_channel.test", str(channel_id), {"id": trial.id})
    row = await _wait(pool, trial.id)
    state = "waiting" if row is None else row.state
    error = "no process with the role notify has taken it yet" if state == "waiting" else row and row.last_error
    answer = {"notification": str(trial.id), "state": state, "error": error}
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _trial_of(channel_id: UUID, channel_name: str, now: datetime) -> NewNotification:
    """Make a message that only tries a channel, once."""
    return NewNotification(
        uuid4(), "test", None, None, channel_id, channel_name, None, None, [], "{}", "waiting", now, 1, None, now, None
    )


async def _wait(pool: Pool, trial_id: UUID) -> NotificationRow | None:
    """Look until the message has left or is dead, or patience ends."""
    row: NotificationRow | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while row is None or row.state in {"waiting", "sending"}:
                await asyncio.sleep(LOOKS_S)
                async with pool.connection() as connection:
                    row = await select_notification(connection, trial_id)
    except TimeoutError:
        pass
    return row
