"""What may be suppressed by design, and what is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class PresentAlarm:
    """What groups and rules have to know of an alarm."""

    is_active: bool
    is_acknowledged: bool
    raised_at: datetime | None
    suppressed_by: str | None


async def select_suppressible_plans(connection: Connection) -> list[tuple[UUID, str, str]]:
    """Read the plans that a rule or a group belongs to, as JSON."""
    cursor = await connection.execute(statement("select_suppressible_plans"))
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def select_alarm_suppressions(
    connection: Connection, definition_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], PresentAlarm]:
    """Read the alarms of these definitions: active or not, and what suppresses them."""
    cursor = await connection.execute(statement("select_alarm_suppressions"), {"ids": list(definition_ids)})
    return {(row[0], row[1]): PresentAlarm(*row[2:]) for row in await cursor.fetchall()}
