"""Marks: what has to be rolled, for the first time or again; and the watermark that says who must mark.

The agreement with the roller (decision 0052): a transaction that writes samples calls `hold_closed` before it looks at
the watermark and marks everything older, in itself. The roller raises the watermark first and reads raw only when no
transaction is left that held the lock while the watermark was lower.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection, Cursor
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.statements import statement

MINUTE_US = 60_000_000
SLOT_US = 15 * MINUTE_US
# Bins that marks are gathered in: narrow ones, unless a transaction touches very many of them.
BIN_MINUTES = (15, 24 * 60, 30 * 24 * 60)
MANY_BINS = 64


@dataclass(frozen=True, slots=True)
class Closed:
    """The watermark below which samples must be marked (None: nothing is rolled yet), and where raw begins.

    `fronts` are inputs of calculations, ascending, with the last instant of each that has been or is being read.
    """

    closed_us: int | None
    raw_kept_us: int | None
    fronts: tuple[NDArray[np.int32], NDArray[np.int64]] | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Series whose minutes in [from_us, to_us) must be rolled; it lies in the bin that begins at `bin_us`."""

    bin_us: int
    bin_minutes: int
    from_us: int
    to_us: int
    series: str


@dataclass(frozen=True, slots=True)
class Unrolled:
    """Stretches of these series whose rows of that resolution cannot be taken: something waits to be rolled."""

    resolution: Resolution
    from_us: int
    to_us: int
    series_ids: Sequence[int]


async def hold_closed(connection: Connection) -> Cursor:
    """Promise to mark; the cursor is read by `read_closed`, when a pipeline has ended if there is one."""
    await connection.execute(statement("lock_closed"))
    return await connection.execute(statement("select_closed"))


async def read_closed(cursor: Cursor) -> Closed:
    """The watermark that holds until this transaction ends."""
    row = await cursor.fetchone()
    if row is None:
        return Closed(None, None)
    fronts = None if row[2] is None else (np.array(row[2], np.int32), np.array(row[3], np.int64))
    return Closed(row[0], row[1], fronts)


async def insert_marks(
    connection: Connection,
    marks: Sequence[Mark],
    due_at: datetime,
    resolution: Resolution = Resolution.MINUTE,
    *,
    is_first: bool = False,
    is_open: bool = False,
) -> None:
    """Append marks; `is_first`: nothing can have been rolled there before; `is_open`: rolled, but not yet final."""
    if not marks:
        return
    parameters = {
        "resolution": resolution.value,
        "bins": [at_us(mark.bin_us) for mark in marks],
        "widths": [mark.bin_minutes for mark in marks],
        "froms": [at_us(mark.from_us) for mark in marks],
        "tos": [at_us(mark.to_us) for mark in marks],
        "series": [mark.series for mark in marks],
        "is_first": is_first,
        "is_open": is_open,
        "due_at": due_at,
    }
    await connection.execute(statement("insert_marks"), parameters)


async def mark_late(
    connection: Connection, series_ids: NDArray[np.int32], times_us: NDArray[np.int64], closed: Closed, due_at: datetime
) -> int:
    """Mark what was written, changed or deleted below the watermark; how many samples that were.

    What calculations have read already is marked for them, too. What lies above the watermark has to be told
    (`rollup_writes.mark_changed` does both).
    """
    await _mark_inputs(connection, series_ids, times_us, closed, due_at)
    if closed.closed_us is None or len(times_us) == 0 or int(times_us.min()) >= closed.closed_us:
        return 0
    late = times_us < closed.closed_us
    await insert_marks(connection, marks_of(series_ids[late], times_us[late]), due_at)
    return int(np.count_nonzero(late))


async def _mark_inputs(
    connection: Connection, series_ids: NDArray[np.int32], times_us: NDArray[np.int64], closed: Closed, due_at: datetime
) -> None:
    if closed.fronts is None or len(times_us) == 0:
        return
    inputs, announced_us = closed.fronts
    if int(times_us.min()) > int(announced_us.max()):
        return
    place = np.minimum(np.searchsorted(inputs, series_ids), len(inputs) - 1)
    late = np.flatnonzero((inputs[place] == series_ids) & (times_us <= announced_us[place]))
    if not len(late):
        return
    ids, times = series_ids[late], times_us[late]
    order = np.lexsort((times, ids))
    ids, times = ids[order], times[order]
    slots = times // SLOT_US
    starts = np.flatnonzero(np.concatenate(([True], (np.diff(ids) != 0) | (np.diff(slots) != 0))))
    ends = np.append(starts[1:], len(ids)) - 1
    parameters = {
        "series_ids": ids[starts].tolist(),
        "froms": [at_us(each) for each in times[starts].tolist()],
        "tos": [at_us(each + 1) for each in times[ends].tolist()],
        "due_at": due_at,
    }
    await connection.execute(statement("insert_calculation_marks"), parameters)


async def select_unrolled(
    connection: Connection, series_ids: Sequence[int], from_us: int, to_us: int
) -> list[Unrolled]:
    """What is marked of these series in [from_us, to_us); read it in the snapshot that the rows are read in."""
    parameters = {"series_ids": list(series_ids), "from_at": at_us(from_us), "to_at": at_us(to_us)}
    cursor = await connection.execute(statement("select_unrolled"), parameters)
    return [Unrolled(Resolution(row[0]), *row[1:]) for row in await cursor.fetchall()]


async def mark_whole(connection: Connection, series_ids: Sequence[int], closed: Closed, due_at: datetime) -> None:
    """Mark all that series have below the watermark: what their samples mean has changed."""
    cursor = await connection.execute(statement("select_first_of_series"), {"series_ids": list(series_ids)})
    row = await cursor.fetchone()
    if row is None or row[0] is None or closed.closed_us is None:
        return
    first_us = max(us_of(row[0]), closed.raw_kept_us or 0) // MINUTE_US * MINUTE_US
    if first_us < closed.closed_us:
        series = multirange(np.array(series_ids, np.int32))
        await insert_marks(connection, marks_between(series, first_us, closed.closed_us), due_at)


def marks_of(series_ids: NDArray[np.int32], times_us: NDArray[np.int64]) -> list[Mark]:
    """One mark a bin: the minutes from the first to the last of these samples, and their series."""
    if len(times_us) == 0:
        return []
    minutes = BIN_MINUTES[-1]
    for minutes in BIN_MINUTES:
        bins = times_us // (minutes * MINUTE_US)
        if int(bins.max()) - int(bins.min()) < MANY_BINS or len(np.unique(bins)) <= MANY_BINS:
            break
    bins = times_us // (minutes * MINUTE_US)
    order = np.argsort(bins, kind="stable")
    bins, times_us, series_ids = bins[order], times_us[order], series_ids[order]
    starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
    firsts = np.minimum.reduceat(times_us, starts) // MINUTE_US * MINUTE_US
    lasts = np.maximum.reduceat(times_us, starts) // MINUTE_US * MINUTE_US + MINUTE_US
    ends = np.append(starts[1:], len(bins))
    return [
        Mark(int(bins[start]) * minutes * MINUTE_US, minutes, int(first), int(last), multirange(series_ids[start:end]))
        for start, end, first, last in zip(starts, ends, firsts, lasts, strict=True)
    ]


def marks_between(series: str, from_us: int, to_us: int) -> list[Mark]:
    """Marks of whole minutes over a stretch, in bins that are not too many."""
    minutes = next(
        (width for width in BIN_MINUTES if (to_us - from_us) // (width * MINUTE_US) < MANY_BINS), BIN_MINUTES[-1]
    )
    return marks_in(series, from_us, to_us, minutes)


def marks_in(series: str, from_us: int, to_us: int, minutes: int) -> list[Mark]:
    """Marks of whole minutes over a stretch, in bins of so many minutes."""
    width_us = minutes * MINUTE_US
    starts = range(from_us // width_us * width_us, to_us, width_us)
    return [Mark(start, minutes, max(start, from_us), min(start + width_us, to_us), series) for start in starts]


def multirange(series_ids: NDArray[np.int32]) -> str:
    """The text of an int4multirange of these series: an agent's series mostly follow each other."""
    # Mostly they are sorted and distinct already.
    ids = series_ids if (np.diff(series_ids) > 0).all() else np.unique(series_ids)
    if len(ids) == 0:
        return "{}"
    breaks = np.flatnonzero(np.diff(ids) != 1)
    firsts = ids[np.concatenate(([0], breaks + 1))]
    lasts = ids[np.concatenate((breaks, [len(ids) - 1]))]
    pairs = zip(firsts.tolist(), lasts.tolist(), strict=True)
    return "{" + ",".join(f"[{first},{last + 1})" for first, last in pairs) + "}"
