"""One moment seen by several connections: a transaction exports what it sees, others join it."""

from collections.abc import Awaitable, Callable

from psycopg import sql

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


async def set_snapshot(connection: Connection) -> None:
    """Let all statements of this transaction see one moment; it must be the first of them."""
    await connection.execute(statement("set_snapshot"))


async def export_snapshot(connection: Connection) -> Callable[[], Awaitable[str]]:
    """Name the moment that this transaction sees; others can join it for as long as it lasts.

    Inside a pipeline the name is waited for when it is called for: it comes with the next answer.
    """
    cursor = await connection.execute(statement("export_snapshot"))

    async def read() -> str:
        row = await cursor.fetchone()
        assert row is not None
        return str(row[0])

    return read


async def join_snapshot(connection: Connection, snapshot: str) -> None:
    """See the same moment as another transaction; nothing may have been asked in this one before."""
    await connection.execute(sql.SQL(statement("join_snapshot")).format(snapshot=sql.Literal(snapshot)))
