"""When parts of the cloud did not work: written by ingest, read by whoever asks who is to blame."""

from datetime import datetime

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


async def update_ingest_seen(connection: Connection, now: datetime) -> datetime | None:
    """Note that ingest works, and say when it was noted last."""
    cursor = await connection.execute(statement("update_ingest_seen"), {"now": now})
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def insert_outage(
    connection: Connection, part: str, from_at: datetime, to_at: datetime | None, detail: str | None = None
) -> None:
    """Write an outage; one that lasts (`to_at` None) stays the only one of its part."""
    parameters = {"part": part, "from_at": from_at, "to_at": to_at, "detail": detail}
    await connection.execute(statement("insert_outage"), parameters)


async def update_outage_over(connection: Connection, part: str, now: datetime) -> None:
    """The outage of this part that lasts, if there is one, is over."""
    await connection.execute(statement("update_outage_over"), {"part": part, "now": now})
