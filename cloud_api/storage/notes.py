"""Notes on stretches of series and assets."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NoteFilter:
    """Which notes; None leaves a question open."""

    about: str | None
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One note, at the path where its series or asset is now."""

    id: int
    path: str
    is_series: bool
    from_at: datetime
    to_at: datetime
    text: str
    who: str
    created_at: datetime


async def select_notes(connection: Connection, note_filter: NoteFilter, before_id: int, limit: int) -> list[NoteRow]:
    """Read notes, newest first, from the one before `before_id`."""
    parameters = {
        "about": note_filter.about,
        "from_at": note_filter.from_at,
        "to_at": note_filter.to_at,
        "before_id": before_id,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(NoteRow)) as cursor:
        await cursor.execute(statement("select_notes"), parameters)
        return await cursor.fetchall()


async def select_written_note(connection: Connection, note_id: int) -> NoteRow | None:
    """Read one note."""
    async with connection.cursor(row_factory=class_row(NoteRow)) as cursor:
        await cursor.execute(statement("select_written_note"), {"note_id": note_id})
        return await cursor.fetchone()


async def insert_note(
    connection: Connection, *, path: str, span: tuple[datetime, datetime], text: str, who: str
) -> int | None:
    """Write a note on the series of this path, else on the asset; None where there is neither."""
    parameters = {"path": path, "from_at": span[0], "to_at": span[1], "text": text, "who": who}
    cursor = await connection.execute(statement("insert_note"), parameters)
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def delete_note(connection: Connection, note_id: int) -> None:
    """Remove a note."""
    await connection.execute(statement("delete_note"), {"note_id": note_id})
