"""Reads of shares: the role and the views that serve one, what it may spend, and a row of each read."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from psycopg import IsolationLevel, errors
from psycopg.rows import class_row

from cloud_api.storage.pool import Connection, Pool
from cloud_api.storage.reach import ReachUnenforced
from cloud_api.storage.statements import statement

RUNNING = "running"


@dataclass(frozen=True, slots=True)
class NewRead:
    """A read that begins, or that is refused at once: by which key, from where, what was asked for."""

    share_id: int
    key_id: int
    version: int
    address: str
    client: str
    what: str
    question: Mapping[str, Any]
    outcome: str = RUNNING


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A read as its owner sees it."""

    id: int
    at: datetime
    ended_at: datetime | None
    key_id: int
    key_name: str
    key_prefix: str
    version: int
    address: str
    client: str
    what: str
    question: str
    row_count: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Raises:
    """How often alarms of one priority were raised at one asset in one interval; `place` counts from 1."""

    alias: str
    place: int
    priority: str
    count: int


@asynccontextmanager
async def shared_transaction(pool: Pool, share_id: int) -> AsyncGenerator[Connection]:
    """One snapshot in which nothing is but what the share holds, under the names that its owner chose."""
    async with pool.connection() as connection:
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        try:
            async with connection.transaction():
                await _take(connection, share_id)
                yield connection
        finally:
            if not connection.closed:
                await connection.set_isolation_level(None)


async def _take(connection: Connection, share_id: int) -> None:
    try:
        await connection.execute(statement("set_share"), {"share_id": str(share_id)})
    except (errors.InvalidParameterValue, errors.InsufficientPrivilege) as error:
        raise ReachUnenforced(str(error)) from error


async def spend_share_rows(connection: Connection, share_id: int, key_id: int, version: int, rows: int) -> bool:
    """Take rows from what may be read; False, and nothing taken, when that is too little or the share has ended."""
    parameters = {"share_id": share_id, "key_id": key_id, "version": version, "rows": rows}
    cursor = await connection.execute(statement("spend_share_rows"), parameters)
    return await cursor.fetchone() is not None


async def refund_share_rows(connection: Connection, share_id: int, day: date, rows: int) -> None:
    """Give back what was taken on `day` (UTC) and has not been read."""
    await connection.execute(statement("refund_share_rows"), {"share_id": share_id, "day": day, "rows": rows})


async def insert_share_read(connection: Connection, read: NewRead) -> int:
    """Note a read."""
    parameters = asdict(read) | {"question": msgspec.json.encode(read.question, enc_hook=str).decode()}
    cursor = await connection.execute(statement("insert_share_read"), parameters)
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def update_share_read(connection: Connection, read_id: int, rows: int, outcome: str | None) -> None:
    """Add rows to a read, and with an outcome end it."""
    await connection.execute(statement("update_share_read"), {"read_id": read_id, "rows": rows, "outcome": outcome})


async def select_share_reads(connection: Connection, share_id: int, before_id: int, limit: int) -> list[ReadRow]:
    """Read who has read what, newest first, from the one before `before_id`."""
    parameters = {"share_id": share_id, "before_id": before_id, "limit": limit}
    async with connection.cursor(row_factory=class_row(ReadRow)) as cursor:
        await cursor.execute(statement("select_share_reads"), parameters)
        return await cursor.fetchall()


async def select_shared_window(connection: Connection) -> tuple[datetime | None, datetime] | None:
    """The window that is shared now; None when nothing is. As the share's own role."""
    cursor = await connection.execute(statement("select_shared_window"))
    row = await cursor.fetchone()
    return None if row is None else (row[0], row[1])


async def select_shared_aliases(connection: Connection) -> list[str]:
    """The names of the assets. As the share's own role."""
    cursor = await connection.execute(statement("select_shared_aliases"))
    return [row[0] for row in await cursor.fetchall()]


async def select_shared_raises(
    connection: Connection, edges: Sequence[datetime], from_at: datetime, to_at: datetime
) -> list[Raises]:
    """Count raised alarms between `edges`. As the share's own role."""
    parameters = {"edges": list(edges), "from_at": from_at, "to_at": to_at}
    cursor = await connection.execute(statement("select_shared_raises"), parameters)
    return [Raises(row[0], int(row[1]), row[2], int(row[3])) for row in await cursor.fetchall()]
