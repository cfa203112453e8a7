"""All samples of a window: long ones on two connections at once, of one moment, never more than an answer may have."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cloud_api.calculations.reading import read_series_samples
from cloud_api.instants import to_datetime
from cloud_api.query.buckets import Window
from cloud_api.query.stretches import expected_rows, halves, is_long
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import Connection, Pool
from cloud_api.storage.reach import joined
from cloud_api.storage.snapshots import export_snapshot


@dataclass(frozen=True, slots=True)
class Reader:
    """A transaction that sees one moment, and where another one may be had to read beside it.

    `snapshot` names the moment, where that was asked for already.
    """

    connection: Connection
    timeout_s: float
    pool: Pool | None = None
    snapshot: Callable[[], Awaitable[str]] | None = None


@dataclass(slots=True)
class _Reading:
    """What is to be read, what has been, and how many rows may still come."""

    coming: deque[tuple[SeriesRow, int, int]]
    left: int
    found: dict[int, dict[int, SampleColumns]] = field(default_factory=dict[int, dict[int, SampleColumns]])

    async def run(self, connection: Connection) -> None:
        """Read one stretch after the other until none is left, or there are too many rows."""
        while self.coming and self.left >= 0:
            row, from_us, to_us = self.coming.popleft()
            extent = to_datetime(from_us), to_datetime(to_us)
            part = await read_series_samples(connection, row, *extent, self.left + 1)
            self.left -= len(part)
            self.found.setdefault(row.id, {})[from_us] = part

    def samples(self, row: SeriesRow) -> SampleColumns:
        """What was found of one series, in the order of time."""
        parts = self.found[row.id]
        ordered = [parts[from_us] for from_us in sorted(parts)]
        return ordered[0] if len(ordered) == 1 else concatenate(ordered)


async def open_reader(connection: Connection, timeout_s: float, pool: Pool | None, window: Window) -> Reader:
    """A reader of a window; what a long one will need is asked for together with what is asked next."""
    may_be_long = pool is not None and is_long(expected_rows(window.span_us, None))
    return Reader(connection, timeout_s, pool, await export_snapshot(connection) if may_be_long else None)


async def read_all(
    reader: Reader, series: Sequence[SeriesRow], window: Window, most: int
) -> dict[int, SampleColumns] | None:
    """Every sample of a window; None where there are more than `most` of all series together."""
    under_way = _Reading(deque(_stretches(series, window)), most)
    expected = sum(expected_rows(window.span_us, row.scan_period_s) for row in series)
    if reader.pool is None or len(under_way.coming) == 1 or not is_long(expected):
        await under_way.run(reader.connection)
    else:
        snapshot = await (reader.snapshot or await export_snapshot(reader.connection))()
        beside = _beside(reader.pool, snapshot, reader.timeout_s, under_way)
        await _both(under_way.run(reader.connection), beside)
    return None if under_way.left < 0 else {row.id: under_way.samples(row) for row in series}


def _stretches(series: Sequence[SeriesRow], window: Window) -> list[tuple[SeriesRow, int, int]]:
    found: list[tuple[SeriesRow, int, int]] = []
    for row in series:
        whole = [(window.from_us, window.to_us)]
        cut = whole if row.is_on_the_fly else halves(window.from_us, window.to_us, row.scan_period_s)
        found += [(row, from_us, to_us) for from_us, to_us in cut]
    return found


async def _beside(pool: Pool, snapshot: str, timeout_s: float, under_way: _Reading) -> None:
    async with joined(pool, snapshot) as connection:
        if connection is not None:
            await set_statement_timeout(connection, timeout_s)
            await under_way.run(connection)


async def _both(one: Awaitable[None], other: Awaitable[None]) -> None:
    """Wait for both; when one fails the other is given up, and nothing is left behind."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
