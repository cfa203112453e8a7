"""Raw samples of any length: read page by page, each in a transaction of its own, and written while they are read."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, replace

from cloud_api.calculations.reading import read_series_samples
from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, common_kinds, write_parquet
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Table
from cloud_api.instants import to_datetime
from cloud_api.query.encoding import FILE_BYTES
from cloud_api.query.tables import sample_table
from cloud_api.query.values import TEXT_KINDS, Int64
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.history import NO_SAMPLES, set_statement_timeout
from cloud_api.storage.pool import Pool, transaction

# A page that becomes text takes several times the memory of one that stays numbers.
PAGE_ROWS, NUMBER_ROWS = 50_000, 100_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is wanted of one series: half-open microseconds, at most `limit` rows (None: all there are)."""

    series: SeriesRow
    from_us: int
    to_us: int
    limit: int | None
    int64: Int64
    style: Style
    timeout_s: float

    @property
    def page_rows(self) -> int:
        """How many rows a page in a binary format has."""
        return PAGE_ROWS if self.series.kind in TEXT_KINDS else NUMBER_ROWS

    def table(self, samples: SampleColumns) -> Table:
        """A page as a table."""
        return sample_table(self.series.kind, samples, self.int64)


async def read_page(pool: Pool, export: Export, rows: int) -> SampleColumns:
    """Read the first rows of what is wanted; the database cancels what takes too long, and no connection is kept."""
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, export.timeout_s)
        extent = (to_datetime(export.from_us), to_datetime(export.to_us))
        return await read_series_samples(connection, export.series, *extent, rows)


async def sample_pages(pool: Pool, export: Export, most: int) -> AsyncIterator[SampleColumns]:
    """Every page: the next begins behind the last sample of the one before, whatever has been stored since."""
    rest = export
    while True:
        rows = most if rest.limit is None else min(most, rest.limit)
        page = await read_page(pool, rest, rows)
        yield page
        left = None if rest.limit is None else rest.limit - len(page)
        if len(page) < rows or left == 0:
            return
        rest = replace(rest, from_us=int(page.times_us[-1]) + 1, limit=left)


def export_pieces(pool: Pool, export: Export, chosen: Format) -> AsyncIterator[bytes]:
    """Write the pages as they come."""
    if chosen is Format.PARQUET:
        return _parquet(pool, export)
    return _csv(pool, export) if chosen is Format.CSV else _arrow(pool, export)


async def _csv(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    is_first = True
    async for page in sample_pages(pool, export, PAGE_ROWS):
        made = export.table(page)
        lines = await asyncio.to_thread(csv_lines, made, export.style)
        yield (csv_head(made.names, made, export.style) if is_first else b"") + lines
        is_first = False


async def _arrow(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    writer: ArrowPieces | None = None
    async for page in sample_pages(pool, export, export.page_rows):
        made = export.table(page)
        if writer is None:
            writer = ArrowPieces(made.names, common_kinds([export.table(NO_SAMPLES)]))
            yield writer.head
        yield await asyncio.to_thread(writer.piece, made)
    assert writer is not None
    yield writer.end


async def _parquet(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    """The file grows on disk while pages are read; a slow reader holds nothing but that."""
    loop = asyncio.get_running_loop()
    pages = sample_pages(pool, export, export.page_rows)

    async def following() -> SampleColumns | None:
        return await anext(pages, None)

    def tables() -> Generator[Table]:
        while (page := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
            yield export.table(page)

    kinds = common_kinds([export.table(NO_SAMPLES)])
    with tempfile.TemporaryFile() as file:
        await asyncio.to_thread(write_parquet, tables(), kinds, file)
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, FILE_BYTES):
            yield piece
