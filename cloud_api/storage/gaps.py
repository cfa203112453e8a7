"""Gaps: stretches known to be missing, booked once however often they are told."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap as it is written; `digest` is over all of its content."""

    agent: str
    device: str | None
    paths: list[str] | None
    from_at: datetime
    to_at: datetime
    reason: str
    epoch: UUID | None
    batches: str | None
    digest: bytes


async def insert_gaps(connection: Connection, rows: list[GapRow]) -> None:
    """Book gaps; what is booked already stays as it is."""
    parameters = [
        {
            "agent": row.agent,
            "device": row.device,
            "paths": row.paths,
            "from_at": row.from_at,
            "to_at": row.to_at,
            "reason": row.reason,
            "epoch": row.epoch,
            "batches": row.batches,
            "digest": row.digest,
        }
        for row in rows
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(statement("insert_gaps"), parameters)
