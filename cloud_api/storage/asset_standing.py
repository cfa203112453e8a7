"""How assets stand: open alarms by priority, and how fresh and how good their series are, with all below."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class StandingRow:
    """One asset with everything below it; `silent` series never had a sample, `bad` ones have a Bad last value."""

    id: int
    path: str
    parent: str | None
    depth: int
    kind: str
    name_en: str | None
    name_zh: str | None
    critical: int
    high: int
    medium: int
    low: int
    active: int
    unacknowledged: int
    series: int
    bad: int
    silent: int
    oldest_at: datetime | None
    newest_at: datetime | None


async def select_asset_standing(
    connection: Connection, glob: PathGlob, max_depth: int, limit: int
) -> list[StandingRow]:
    """Read how assets stand, in byte order of their paths."""
    parameters = {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "max_depth": max_depth,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(StandingRow)) as cursor:
        await cursor.execute(statement("select_asset_standing"), parameters)
        return await cursor.fetchall()
