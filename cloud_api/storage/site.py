"""The plant's own name, its shifts, and how long it keeps data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class SiteRow:
    """What was chosen; a retention of None is the environment's. `set_up_at`: when somebody first chose."""

    name: str
    shifts: Sequence[str]
    retention_raw: str | None
    retention_1m: str | None
    retention_15m: str | None
    set_up_at: datetime | None = None


async def select_site(connection: Connection) -> SiteRow:
    """Read what was chosen."""
    async with connection.cursor(row_factory=class_row(SiteRow)) as cursor:
        await cursor.execute(statement("select_site"))
        row = await cursor.fetchone()
    assert row is not None, "the schema has the row"
    return row


async def update_site(connection: Connection, row: SiteRow) -> SiteRow:
    """Choose anew."""
    async with connection.cursor(row_factory=class_row(SiteRow)) as cursor:
        await cursor.execute(statement("update_site"), asdict(row))
        changed = await cursor.fetchone()
    assert changed is not None, "the schema has the row"
    return changed
