"""What was written above the watermark, transaction by transaction: whether a process that holds samples holds all.

A minute that is rolled for the first time need not be read back where every transaction that wrote to it has handed its
samples over to the roller of the same process (decision 0091).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import MINUTE_US, Closed, mark_late, multirange
from cloud_api.storage.statements import statement

# A device that is silent is waited for (rollups/steps.py); minutes older than this are read from the database.
KEPT_US = 4 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Write:
    """Samples from `from_us` up to `to_us`: handed over under a name, or of these series (a multirange)."""

    from_us: int
    to_us: int
    handed: UUID | None
    series: str | None


@dataclass(frozen=True, slots=True)
class Writes:
    """Everything that was written to a stretch: names of what was handed over, and series that were written besides."""

    handed: Sequence[UUID]
    series: str | None
    # What ended before may have been forgotten.
    told_us: int | None = None


async def mark_changed(
    connection: Connection, series_ids: NDArray[np.int32], times_us: NDArray[np.int64], closed: Closed, due_at: datetime
) -> int:
    """Mark what was written, changed or deleted below the watermark, and tell what was above; how many were marked."""
    count = await mark_late(connection, series_ids, times_us, closed, due_at)
    write = write_of(series_ids, times_us, closed)
    if write is not None:
        await insert_write(connection, write)
    return count


def write_of(
    series_ids: NDArray[np.int32], times_us: NDArray[np.int64], closed: Closed, handed: UUID | None = None
) -> Write | None:
    """What has to be told of samples that were written, changed or deleted; None where all of them are marked."""
    if closed.closed_us is None or len(times_us) == 0 or int(times_us.max()) < closed.closed_us:
        return None
    is_open = times_us >= closed.closed_us
    series = multirange(series_ids[is_open]) if handed is None else None
    return Write(max(int(times_us.min()), closed.closed_us), int(times_us.max()) + 1, handed, series)


async def insert_write(connection: Connection, write: Write) -> None:
    """Tell it, in the transaction that writes."""
    parameters = {
        "from_at": at_us(write.from_us),
        "to_at": at_us(write.to_us),
        "handed": write.handed,
        "series": write.series,
    }
    await connection.execute(statement("insert_write"), parameters)


async def select_writes(connection: Connection, from_at: datetime, to_at: datetime) -> Writes:
    """What was written to a stretch that is closed, and how far back `delete_writes` has left it."""
    cursor = await connection.execute(statement("select_writes"), {"from_at": from_at, "to_at": to_at})
    row = await cursor.fetchone()
    return Writes((), None) if row is None else Writes(row[0] or (), row[1], row[2])


async def delete_writes(connection: Connection, before: datetime) -> None:
    """Forget what ended before: minutes that begin before that are read from the database."""
    await connection.execute(statement("delete_writes"), {"before": before})


@dataclass(frozen=True, slots=True)
class Untold:
    """In how many stretches of ten minutes somebody wrote samples by SQL of his own, and when last."""

    stretches: int
    last_at: datetime | None


async def select_untold(connection: Connection) -> Untold:
    """What was noticed since everything was rolled anew."""
    cursor = await connection.execute(statement("select_untold"))
    row = await cursor.fetchone()
    return Untold(0, None) if row is None else Untold(*row)


async def delete_untold(connection: Connection) -> None:
    """Everything is rolled anew."""
    await connection.execute(statement("delete_untold"))
