"""A pool whose every transaction sees a limited caller's reach only: the database itself refuses the rest."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from psycopg import IsolationLevel, errors
from psycopg_pool import PoolTimeout

from cloud_api.storage.pool import Connection, Pool, pipelined
from cloud_api.storage.snapshots import join_snapshot, set_snapshot
from cloud_api.storage.statements import statement

# So long somebody who holds a connection waits for another one: if all wait for each other, no longer than that.
MOMENT_S = 0.001

REFUSED: tuple[type[Exception], ...] = (errors.InsufficientPrivilege,)


class ReachUnenforced(Exception):
    """The database has no role millstream_reach for its user, so a limited caller cannot be served."""


class ReachedPool:
    """Gives connections like the process's pool, each in a transaction as the role millstream_reach."""

    def __init__(self, pool: Pool, pattern: str, *, is_snapshot: bool, snapshot: str | None = None) -> None:
        self._pool = pool
        self._pattern = pattern
        self._is_snapshot = is_snapshot
        self._snapshot = snapshot

    def at(self, snapshot: str) -> Pool:
        """The same, but what its connections see is what the transaction sees that exported `snapshot`."""
        return cast("Pool", ReachedPool(self._pool, self._pattern, is_snapshot=True, snapshot=snapshot))

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncGenerator[Connection]:  # noqa: ASYNC109 as the pool
        """One transaction; what is outside of the reach is not there."""
        async with self._pool.connection(timeout=timeout) as connection:
            # Inside, a reader cannot ask for a snapshot any more: naming the caller was the transaction's first query.
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ if self._is_snapshot else None)
            try:
                async with connection.transaction():
                    if self._snapshot is not None:
                        await join_snapshot(connection, self._snapshot)
                    await self._take(connection)
                    yield connection
            finally:
                if not connection.closed:
                    await connection.set_isolation_level(None)

    async def _take(self, connection: Connection) -> None:
        try:
            await connection.execute(statement("set_reach"), {"pattern": self._pattern})
        except (errors.InvalidParameterValue, errors.InsufficientPrivilege) as error:
            raise ReachUnenforced(str(error)) from error


def reached_pool(pool: Pool, pattern: str, *, is_snapshot: bool) -> Pool:
    """A pool limited to paths that match `pattern`; routes use it as their process's own. Readers see one snapshot."""
    # Routes ask a pool for connections and nothing else.
    return cast("Pool", ReachedPool(pool, pattern, is_snapshot=is_snapshot))


@asynccontextmanager
async def joined(pool: Pool, snapshot: str) -> AsyncGenerator[Connection | None]:
    """Another transaction that sees the moment of the one that exported `snapshot`; None where no connection is free.

    It reaches as far as the pool does.
    """
    async with AsyncExitStack() as stack:
        source = pool.at(snapshot) if isinstance(pool, ReachedPool) else pool
        try:
            connection = await stack.enter_async_context(source.connection(timeout=MOMENT_S))
        except PoolTimeout:
            yield None
            return
        await stack.enter_async_context(pipelined(connection))
        if source is pool:
            await set_snapshot(connection)
            await join_snapshot(connection, snapshot)
        yield connection
