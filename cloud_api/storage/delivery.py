"""The proof of delivery out of the ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One epoch's batch numbers of a window; `open` is the text of an int8multirange."""

    epoch: UUID
    first_seq: int
    last_seq: int
    heard_before_at: datetime | None
    updated_at: datetime
    stored: int
    rejected: int
    lost: int
    open: str


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """How far an agent says to have delivered, and what it last said to wait in its outbox."""

    id: str
    state: str
    state_at: datetime | None
    health_at: datetime | None
    backlog_batches: int
    oldest_at: str | None
    known_until_at: datetime | None


async def select_delivery(
    connection: Connection, agent: str, from_at: datetime, to_at: datetime, slack: timedelta
) -> list[DeliveryRow]:
    """Read what became of the batches that an agent made in the window, epoch by epoch."""
    parameters = {"agent": agent, "from_at": from_at, "to_at": to_at, "slack": slack}
    async with connection.cursor(row_factory=class_row(DeliveryRow)) as cursor:
        await cursor.execute(statement("select_delivery"), parameters)
        return await cursor.fetchall()


async def select_delivery_state(connection: Connection, agent: str) -> DeliveryState | None:
    """Read what an agent says of its delivery; None when it was never heard."""
    async with connection.cursor(row_factory=class_row(DeliveryState)) as cursor:
        await cursor.execute(statement("select_delivery_state"), {"agent": agent})
        return await cursor.fetchone()
