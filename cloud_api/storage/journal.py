"""The journal of alarms in the database: appended unsealed, sealed once, read by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One thing that happened to an alarm; number 0 and an empty hash while it is not sealed."""

    number: int
    alarm_id: UUID
    alarm_version: int
    definition_id: UUID
    definition_version: int
    path: str
    name: str | None
    condition: str
    alarm_class: str | None
    position: str | None
    event: str
    at: datetime
    recorded_at: datetime
    who: str
    from_state: str
    to_state: str
    priority: str
    level: str | None
    value: float | None
    status: int
    limit_value: float | None
    message_en: str
    message_zh: str
    comment: str | None
    note: str | None
    order_number: str | None
    until_at: datetime | None
    assignee: str | None
    is_late: bool
    hash: bytes


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which rows a listing shows; `from_at` is included, `to_at` is not."""

    alarm_id: UUID | None = None
    glob: PathGlob | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None
    events: tuple[str, ...] | None = None


async def lock_journal_head(connection: Connection) -> tuple[int, bytes]:
    """Read the end of the chain and keep everybody else from sealing until this transaction ends."""
    return await _head(connection, "lock_journal_head")


async def select_journal_head(connection: Connection) -> tuple[int, bytes]:
    """Read the number and hash of the last sealed row."""
    return await _head(connection, "select_journal_head")


async def set_repeatable_read(connection: Connection) -> None:
    """Let every statement of the transaction that has just begun see the same moment."""
    await connection.execute(statement("set_repeatable_read"))


async def select_journal_unsealed(connection: Connection, limit: int) -> list[tuple[int, JournalRow]]:
    """Read committed rows that have no number yet, each with its id."""
    query = sql.SQL(statement("select_journal_unsealed")).format(columns=_columns())
    cursor = await connection.execute(query, {"limit": limit})
    return [(row[0], JournalRow(0, *row[2:-1], hash=b"")) for row in await cursor.fetchall()]


async def update_journal_sealed(
    connection: Connection, ids: Sequence[int], numbers: Sequence[int], hashes: Sequence[bytes]
) -> None:
    """Give rows their numbers and hashes, and move the end of the chain to the last."""
    parameters = {"ids": list(ids), "numbers": list(numbers), "hashes": list(hashes)}
    await connection.execute(statement("update_journal_sealed"), parameters)
    await connection.execute(statement("update_journal_head"), {"number": numbers[-1], "hash": hashes[-1]})


async def select_journal_after(connection: Connection, after: int, limit: int) -> list[JournalRow]:
    """Read sealed rows along the chain."""
    return await _rows(connection, "select_journal_after", {"after": after, "limit": limit})


async def select_journal_page(
    connection: Connection, journal_filter: JournalFilter, before: int, limit: int
) -> list[JournalRow]:
    """Read sealed rows, newest first, from the one before `before`."""
    glob = journal_filter.glob
    parameters = {
        "before": before,
        "alarm_id": journal_filter.alarm_id,
        "from_path": None if glob is None else glob.from_path,
        "to_path": None if glob is None else glob.to_path,
        "pattern": None if glob is None else glob.pattern,
        "from_at": journal_filter.from_at,
        "to_at": journal_filter.to_at,
        "events": None if journal_filter.events is None else list(journal_filter.events),
        "limit": limit,
    }
    return await _rows(connection, "select_journal_page", parameters)


async def select_journal_unsealed_count(connection: Connection) -> tuple[int, datetime | None]:
    """Count what waits to be sealed, and say since when."""
    cursor = await connection.execute(statement("select_journal_unsealed_count"))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0]), row[1]


def _columns() -> sql.SQL:
    return sql.SQL(statement("journal_columns"))


async def _head(connection: Connection, name: str) -> tuple[int, bytes]:
    cursor = await connection.execute(statement(name))
    row = await cursor.fetchone()
    return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


async def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[JournalRow]:
    query = sql.SQL(statement(name)).format(columns=_columns())
    async with connection.cursor(row_factory=class_row(JournalRow)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()
