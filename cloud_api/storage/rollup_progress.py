"""How far rollups have got: the one row that ingest, the roller, retention and the planner look at, and what waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from cloud_api.storage.pool import Connection, Pool
from cloud_api.storage.rollup_marks import BIN_MINUTES
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.statements import statement

HOLDERS_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class RollupProgress:
    """Samples before `closed_at` are marked when they come; before `marked_at` all is rolled or has a mark.

    The others say from when on raw samples and rows of either resolution are kept (None: nothing was dropped yet).
    Raw samples before `raw_kept_at` are refused, and are still there from `raw_dropped_at` on.
    """

    closed_at: datetime | None
    marked_at: datetime | None
    raw_kept_at: datetime | None
    rollup_1m_kept_at: datetime | None
    rollup_15m_kept_at: datetime | None
    raw_dropped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Marks that wait: how many, over how many series, the oldest by when it was made, and by what it covers."""

    mark_count: int
    series_count: int
    oldest_marked_at: datetime | None
    oldest_from_at: datetime | None
    open_count: int


AskedProgress: TypeAlias = Callable[[], Awaitable[RollupProgress]]


async def select_rollup_progress(connection: Connection) -> RollupProgress:
    """Read the row; nothing is rolled before the role `rollups` has run."""
    return await (await ask_rollup_progress(connection))()


async def ask_rollup_progress(connection: Connection) -> AskedProgress:
    """The same, but inside a pipeline it is waited for when it is called for: it comes with the next answer."""
    cursor = await connection.execute(statement("select_rollup_progress"))

    async def read() -> RollupProgress:
        row = await cursor.fetchone()
        return RollupProgress(*row) if row is not None else RollupProgress(None, None, None, None, None)

    return read


async def update_closed(connection: Connection, closed_at: datetime) -> None:
    """From COMMIT on, whoever writes samples before this instant marks them."""
    await connection.execute(statement("update_closed"), {"closed_at": closed_at})


async def update_marked(connection: Connection, marked_at: datetime) -> None:
    """Everything before this instant is rolled or has a mark."""
    await connection.execute(statement("update_marked"), {"marked_at": marked_at})


async def wait_for_holders(pool: Pool) -> None:
    """Wait until every transaction that may know an older watermark, or older edge of what is kept, has ended."""
    holders = await _holders(pool)
    while holders:
        await asyncio.sleep(HOLDERS_PAUSE_S)
        holders &= await _holders(pool)


async def _holders(pool: Pool) -> set[str]:
    async with pool.connection() as connection:
        cursor = await connection.execute(statement("select_closed_holders"))
        return {str(row[0]) for row in await cursor.fetchall()}


async def select_first_sample_at(connection: Connection) -> datetime | None:
    """The oldest sample of all; reads every sample of an engine that has no index by time."""
    return await _one(connection, "select_first_sample_at", {})


async def select_series_since(connection: Connection, from_at: datetime) -> str | None:
    """The series that may have samples from then on, as a multirange; None when there is none."""
    return await _one(connection, "select_series_since", {"from_at": from_at})


@dataclass(frozen=True, slots=True)
class Bin:
    """Marks that are rolled together: of one resolution, in a stretch of so many minutes.

    Marks of what is rolled for the first time (`is_first`) go together only where they cover the very same minutes.
    """

    resolution: Resolution
    at: datetime
    minutes: int
    is_first: bool
    from_at: datetime
    to_at: datetime

    @property
    def is_narrow(self) -> bool:
        """Whether there are no narrower bins."""
        return self.minutes == BIN_MINUTES[0]

    @property
    def end_at(self) -> datetime:
        """Where it ends."""
        return self.at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Cleared:
    """What the deleted marks of a bin covered together; `series` is the text of a multirange."""

    from_us: int
    to_us: int
    series: str


async def select_due_bin(connection: Connection, now: datetime) -> Bin | None:
    """The bin that is rolled next."""
    cursor = await connection.execute(statement("select_due_bin"), {"now": now})
    row = await cursor.fetchone()
    return None if row is None else Bin(Resolution(row[0]), *row[1:])


async def select_held_bin(connection: Connection, now: datetime, until: datetime, from_at: datetime) -> Bin | None:
    """The bin that is left until then to whoever holds its samples, of those that begin at `from_at` or later."""
    cursor = await connection.execute(statement("select_held_bin"), {"now": now, "until": until, "from_at": from_at})
    row = await cursor.fetchone()
    return None if row is None else Bin(Resolution(row[0]), *row[1:])


async def hold_steps(connection: Connection) -> None:
    """Wait for the step that another process may be at, and keep others waiting until this transaction ends.

    The first statement of its transaction: what others have committed must be seen by all that follows.
    """
    await connection.execute(statement("hold_steps"))


async def select_first_waiting(connection: Connection) -> tuple[datetime | None, bool]:
    """The watermark, and whether minutes wait to be rolled for the first time."""
    cursor = await connection.execute(statement("select_first_waiting"))
    row = await cursor.fetchone()
    return (None, False) if row is None else (row[0], bool(row[1]))


async def update_due(connection: Connection, found: Bin, due_at: datetime) -> None:
    """Let the marks of a bin wait until then."""
    await connection.execute(statement("update_due"), _key(found) | {"due_at": due_at})


async def update_quarters_due(
    connection: Connection, series: str, between: tuple[datetime, datetime], due_at: datetime
) -> None:
    """Let quarters of these series (a multirange) be merged at once."""
    parameters = {"series": series, "from_at": between[0], "to_at": between[1], "due_at": due_at}
    await connection.execute(statement("update_quarters_due"), parameters)


async def delete_marks(connection: Connection, found: Bin, now: datetime) -> Cleared | None:
    """Clear a bin; what is marked from here on stays."""
    cursor = await connection.execute(statement("delete_marks"), _key(found) | {"now": now})
    row = await cursor.fetchone()
    return None if row is None or row[0] >= row[1] else Cleared(*row)


def _key(found: Bin) -> dict[str, Any]:
    return {
        "resolution": found.resolution.value,
        "bin_at": found.at,
        "bin_minutes": found.minutes,
        "is_first": found.is_first,
        "from_at": found.from_at,
        "to_at": found.to_at,
    }


async def set_rollup_snapshot(connection: Connection) -> None:
    """Let every statement of this transaction see the same; the first statement of its transaction."""
    await connection.execute(statement("set_rollup_snapshot"))


async def select_backlog(connection: Connection) -> Backlog:
    """What waits to be rolled."""
    cursor = await connection.execute(statement("select_backlog"))
    row = await cursor.fetchone()
    return Backlog(*row) if row is not None else Backlog(0, 0, None, None, 0)


async def _one(connection: Connection, name: str, parameters: dict[str, object]) -> Any:
    cursor = await connection.execute(statement(name), parameters)
    row = await cursor.fetchone()
    return None if row is None else row[0]
