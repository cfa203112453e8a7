"""Marking series to be rolled anew, by glob and window."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from cloud_api.globs import PathGlob
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import SeriesFilter, select_series_page
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import (
    MINUTE_US,
    hold_closed,
    insert_marks,
    marks_between,
    multirange,
    read_closed,
)
from cloud_api.storage.rollup_progress import select_first_sample_at
from cloud_api.storage.rollup_writes import delete_untold

PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Rebuild:
    """What was marked."""

    series_ids: Sequence[int]
    from_us: int
    to_us: int


async def mark_again(connection: Connection, glob: PathGlob, window: tuple[int | None, int | None]) -> Rebuild | None:
    """Mark series in a window (None: all there is), as far as it is closed; None where nothing is closed yet."""
    series_ids = await series_of(connection, glob)
    async with connection.transaction():
        closed = await read_closed(await hold_closed(connection))
        if closed.closed_us is None:
            return None
        first = window[0]
        if first is None:
            oldest = await select_first_sample_at(connection)
            first = closed.closed_us if oldest is None else us_of(oldest)
        if closed.raw_kept_us is not None:
            # Rows whose raw samples were dropped stay as they are.
            first = max(first, closed.raw_kept_us)
        last = closed.closed_us if window[1] is None else min(-(-window[1] // MINUTE_US) * MINUTE_US, closed.closed_us)
        first = first // MINUTE_US * MINUTE_US
        if series_ids and first < last:
            marks = marks_between(multirange(np.array(series_ids, np.int32)), first, last)
            await insert_marks(connection, marks, datetime.now(UTC))
            detail = {"path": glob.text, "from_us": first, "to_us": last, "series": len(series_ids)}
            await insert_audit(connection, "command", "rollups.rebuild", None, detail)
            if glob.text == "**" and window == (None, None):
                await delete_untold(connection)
    return Rebuild(series_ids, first, max(first, last))


async def series_of(connection: Connection, glob: PathGlob) -> list[int]:
    """Every series that the glob matches, retired ones too."""
    found: list[int] = []
    after = ""
    while True:
        page = await select_series_page(connection, SeriesFilter(glob, None, with_retired=True), after, PAGE)
        found += [row.id for row in page]
        if len(page) < PAGE:
            return found
        after = page[-1].path
