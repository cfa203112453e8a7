"""What the journal says of alarms that a replay is held against."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A raise or a clear."""

    path: str
    event: str
    at: datetime


async def select_journal_episodes(
    connection: Connection, definition_id: UUID, from_at: datetime, to_at: datetime, limit: int
) -> list[TurnRow]:
    """Read the raises and clears of a definition in [from_at, to_at), by place and time."""
    parameters = {"definition_id": definition_id, "from_at": from_at, "to_at": to_at, "limit": limit}
    async with connection.cursor(row_factory=class_row(TurnRow)) as cursor:
        await cursor.execute(statement("select_journal_episodes"), parameters)
        return await cursor.fetchall()
