"""Taking a series away for good, in bounded steps."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from cloud_api.storage.agents import INGEST_LEASE
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.statements import statement

ROLLUPS_LEASE = "rollups"


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many samples went, and from when to when they were."""

    count: int
    first_at: datetime | None
    last_at: datetime | None


async def delete_samples_step(connection: Connection, series_id: int, most: int) -> Deleted:
    """Delete the oldest samples of a series, at most so many."""
    cursor = await connection.execute(statement("select_sample_step"), {"series_id": series_id, "count": most})
    row = await cursor.fetchone()
    parameters = {"series_id": series_id, "before_at": None if row is None else row[0]}
    cursor = await connection.execute(statement("delete_samples_before"), parameters)
    found = await cursor.fetchone()
    return Deleted(0, None, None) if found is None else Deleted(*found)


async def delete_rollups_step(connection: Connection, series_id: int, most: int) -> int:
    """Delete rollup rows of a series, the earlier ones too: of each table the oldest, about so many at most."""
    count = 0
    for resolution in Resolution:
        for table in (f"rollup_{resolution.value}", f"rollup_{resolution.value}_revision"):
            rollup = sql.Identifier(table)
            where: dict[str, object] = {"series_id": series_id, "count": most}
            query = sql.SQL(statement("select_rollup_step")).format(rollup=rollup)
            row = await (await connection.execute(query, where)).fetchone()
            where = {"series_id": series_id, "before_at": None if row is None else row[0]}
            query = sql.SQL(statement("delete_rollups_before")).format(rollup=rollup)
            count += (await connection.execute(query, where)).rowcount
    return count


async def delete_series_beside(connection: Connection, series_id: int) -> None:
    """Delete the series and all that hangs on it; what is left of samples and rollups must be gone before."""
    await connection.execute(statement("delete_series_beside"), {"series_id": series_id})


async def lock_ingest_out(connection: Connection) -> None:
    """Wait until no ingest transaction is under way, and let none begin before this one ends."""
    await connection.execute(statement("lock_lease"), {"name": INGEST_LEASE})


async def lock_roller_out(connection: Connection) -> None:
    """The same for the roller: what it moves to the revisions meanwhile would stay there."""
    await connection.execute(statement("lock_lease"), {"name": ROLLUPS_LEASE})
