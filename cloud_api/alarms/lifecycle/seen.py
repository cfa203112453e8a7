"""Acknowledging what a message told: only alarms that have not sounded again since."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cloud_api.alarms.lifecycle.verbs import Asked, acknowledge_many
from cloud_api.storage.alarms import lock_alarms_by_id
from cloud_api.storage.pool import Connection


async def acknowledge_seen(
    connection: Connection, alarm_ids: Sequence[UUID], seen_at: datetime, who: str, comment: str | None, now: datetime
) -> int:
    """Acknowledge the alarms that have not been annunciated after `seen_at`; returns how many were acknowledged."""
    rows = [
        row
        for row in await lock_alarms_by_id(connection, list(alarm_ids))
        if row.retired_at is None and row.annunciated_at <= seen_at
    ]
    outcomes = await acknowledge_many(connection, rows, Asked(who, now, comment))
    return sum(outcome.is_changed for outcome in outcomes)
