"""How large the database is, what is free beside it, and the forecast that was made of that."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """One measurement; `free_bytes` is None where it cannot be known, `days_to_full` where nothing can be foretold."""

    at: datetime
    database_bytes: int
    free_bytes: int | None
    days_to_full: float | None


async def select_database_bytes(connection: Connection) -> int:
    """The size of this database on its disk."""
    cursor = await connection.execute(statement("select_database_bytes"))
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def select_data_directory(connection: Connection) -> str | None:
    """Where the database keeps its files, if that is on this machine and we may know it."""
    cursor = await connection.execute(statement("select_data_directory"))
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def insert_disk_usage(connection: Connection, usage: DiskUsage) -> None:
    """Keep a measurement."""
    parameters = {
        "at": usage.at,
        "database_bytes": usage.database_bytes,
        "free_bytes": usage.free_bytes,
        "days_to_full": usage.days_to_full,
    }
    await connection.execute(statement("insert_disk_usage"), parameters)


async def delete_old_disk_usage(connection: Connection, before_at: datetime) -> None:
    """Forget old measurements."""
    await connection.execute(statement("delete_old_disk_usage"), {"before_at": before_at})


async def select_disk_usage(connection: Connection, from_at: datetime) -> list[DiskUsage]:
    """Read measurements, oldest first."""
    async with connection.cursor(row_factory=class_row(DiskUsage)) as cursor:
        await cursor.execute(statement("select_disk_usage"), {"from_at": from_at})
        return await cursor.fetchall()


async def select_disk_forecast(connection: Connection) -> DiskUsage | None:
    """The newest measurement, if any was made."""
    async with connection.cursor(row_factory=class_row(DiskUsage)) as cursor:
        await cursor.execute(statement("select_disk_forecast"))
        return await cursor.fetchone()
