"""Connections: one pool a process, transactions from it, and the settings that make a commit durable."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, AsyncCursor, Error, OperationalError
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from cloud_api.storage.engine import Engine, detect_engine
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import register_wire_arrays

Connection: TypeAlias = AsyncConnection[TupleRow]
Cursor: TypeAlias = AsyncCursor[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

CONNECT_TIMEOUT_S = 10
# A process that hangs inside a transaction would hold the lease row for ever; the server ends it instead.
IDLE_IN_TRANSACTION_MS = 60_000
RESTED_S = 0.5

_returned_at: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


class PromptPool(AsyncConnectionPool[Connection]):
    """A pool in which a cancelled task is cancelled.

    The library hands a connection to a task that is cancelled in the same moment, and the cancellation is gone: a task
    that works in a loop then never ends, and with it the process does not.
    """

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 as the library has it
        """Wait for a connection; a cancellation that came meanwhile gives it back and goes on."""
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        connection = await super().getconn(timeout)
        if task is not None and task.cancelling() > before:
            await self.putconn(connection)
            raise asyncio.CancelledError
        return connection


class DatabaseUnreachable(Exception):
    """The database does not answer, or refuses this user; try again later."""


class CommitFailed(OperationalError):
    """The transaction did not commit."""


async def open_pool(url: str, max_size: int = 8) -> Pool:
    """Open a pool on the database; it reconnects by itself later, but the first connection must succeed."""
    engine = await _probe(url)
    size = 1 if engine.is_single_session else max(1, max_size)
    keywords: dict[str, Any] = {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    if engine.is_single_session:
        keywords["prepare_threshold"] = None
    pool: Pool = PromptPool(
        url,
        min_size=1,
        max_size=size,
        kwargs=keywords,
        configure=_configure,
        check=_check,
        reset=_note_return,
        open=False,
        name="millstream",
        timeout=CONNECT_TIMEOUT_S,
        # Short, so that the pauses between attempts stay short; whoever asks next starts over.
        reconnect_timeout=5.0,
    )
    await pool.open(wait=True, timeout=CONNECT_TIMEOUT_S)
    return pool


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction on one connection. Never ask the pool again inside: it may have a single connection."""
    async with pool.connection() as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reading(pool: Pool) -> AsyncGenerator[Connection]:
    """As `transaction`; statements leave together with the next one that somebody wants an answer of."""
    async with pool.connection() as connection, pipelined(connection):
        yield connection


@asynccontextmanager
async def pipelined(connection: Connection) -> AsyncGenerator[None]:
    """A transaction in a pipeline; a pool that gives its connections in one already is not given a second inside."""
    is_inside = connection.info.transaction_status is TransactionStatus.INTRANS
    async with connection.pipeline(), nullcontext() if is_inside else connection.transaction():
        yield


@asynccontextmanager
async def trial(pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction that leaves nothing behind: for whoever asks what would become of a change."""
    async with pool.connection() as connection, connection.transaction(force_rollback=True):
        yield connection


async def begin(connection: Connection) -> None:
    """Begin a transaction by hand: inside a pipeline it costs no round trip of its own."""
    await connection.execute("begin")


async def commit(connection: Connection) -> Cursor:
    """Commit what `begin` began; the cursor says what became of it, once a pipeline has ended."""
    return await connection.execute("commit")


def check_committed(cursor: Cursor) -> None:
    """CommitFailed if the server rolled back instead: it says so in its answer, not by an error."""
    if cursor.statusmessage != "COMMIT":
        raise CommitFailed(f"the server answered {cursor.statusmessage}")


@asynccontextmanager
async def undone_on_failure(connection: Connection) -> AsyncGenerator[None]:
    """Roll back what `begin` began when the block fails."""
    try:
        yield
    except BaseException:
        if not connection.closed and connection.info.transaction_status is not TransactionStatus.IDLE:
            await connection.rollback()
        raise


async def _probe(url: str) -> Engine:
    try:
        connection = await AsyncConnection.connect(
            url, autocommit=True, prepare_threshold=None, connect_timeout=CONNECT_TIMEOUT_S
        )
    except Error as error:
        raise DatabaseUnreachable(str(error)) from error
    async with connection:
        return await detect_engine(connection)


async def _configure(connection: Connection) -> None:
    register_wire_arrays(connection)
    await connection.execute(statement("set_session"), {"idle_ms": str(IDLE_IN_TRANSACTION_MS)})


async def _check(connection: Connection) -> None:
    """Ask a connection that has rested whether it lives; one in steady use shows it by itself."""
    if time.monotonic() - _returned_at.get(connection, 0.0) > RESTED_S:
        await AsyncConnectionPool[Connection].check_connection(connection)


async def _note_return(connection: Connection) -> None:
    _returned_at[connection] = time.monotonic()
