"""Raw samples of any length: page by page, each in a transaction of its own; the next comes while one is written."""

import asyncio
import logging
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace

from cloud_api.calculations.reading import read_series_samples
from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, common_kinds, write_parquet
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Table
from cloud_api.instants import to_datetime
from cloud_api.query.answers import close_sample_page, open_sample_page, sample_pieces
from cloud_api.query.encoding import FILE_BYTES
from cloud_api.query.stretches import halves
from cloud_api.query.tables import sample_table
from cloud_api.query.values import TEXT_KINDS, Int64
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.failures import CANCELLED, UNAVAILABLE
from cloud_api.storage.history import NO_SAMPLES, set_statement_timeout
from cloud_api.storage.pool import Pool, reading
from cloud_api.streaming import at_once, beside

# A page that becomes text takes several times the memory of one that stays numbers.
PAGE_ROWS, NUMBER_ROWS = 50_000, 100_000
# Of JSON writing takes as long as reading: in pages of this size one goes on beside the other.
JSON_ROWS = 49_152
# Above this many rows an answer is written beside the event loop, so that ingest and others keep their rhythm.
LONG_ROWS = 2_000

log = logging.getLogger(__name__)


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
    async with reading(pool) as connection:
        await set_statement_timeout(connection, export.timeout_s)
        extent = (to_datetime(export.from_us), to_datetime(export.to_us))
        return await read_series_samples(connection, export.series, *extent, rows)


async def sample_pages(pool: Pool, export: Export, most: int) -> AsyncGenerator[SampleColumns]:
    """Every page: the next begins behind the last sample of the one before, whatever has been stored since.

    Of each stretch one page is read ahead, and no connection is held while whoever reads them takes his time.
    """
    coming = deque(_asked(pool, stretch, most) for stretch in _stretches(export))
    left = export.limit
    try:
        while coming and left != 0:
            rest, rows, reading_page = coming.popleft()
            page = await reading_page
            if left is not None:
                page = page.first(left)
                left -= len(page)
            if left != 0 and (behind := _behind(rest, page, rows)) is not None:
                coming.appendleft(_asked(pool, behind, most))
            yield page
    finally:
        for _, _, reading_page in coming:
            reading_page.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reading_page


def _stretches(export: Export) -> list[Export]:
    """A window that has a page or two is read as two halves, both at once; a longer one from its beginning."""
    if export.series.is_on_the_fly:
        return [export]
    cut = halves(export.from_us, export.to_us, export.series.scan_period_s, export.limit)
    return [replace(export, from_us=from_us, to_us=to_us) for from_us, to_us in cut]


def _asked(pool: Pool, export: Export, most: int) -> tuple[Export, int, asyncio.Task[SampleColumns]]:
    rows = _page_size(export, most)
    return export, rows, asyncio.create_task(read_page(pool, export, rows))


def _page_size(rest: Export, most: int) -> int:
    """What is left when that is little more than a page: a page of a few rows costs nearly as much as a whole one."""
    return most if rest.limit is None or rest.limit > most + most // 4 else rest.limit


def _behind(export: Export, page: SampleColumns, rows: int) -> Export | None:
    """What is left behind a page of so many rows at most; None at the end."""
    left = None if export.limit is None else export.limit - len(page)
    if len(page) < rows or left == 0:
        return None
    return replace(export, from_us=int(page.times_us[-1]) + 1, limit=left)


async def json_pieces(
    pool: Pool, export: Export, limit: int, write_cursor: Callable[[int], str]
) -> AsyncGenerator[bytes]:
    """Write up to `limit` rows as JSON, and where the next ones begin: a cursor of the last one's time.

    Where the database fails or takes too long behind rows that are written already, the answer ends there and says so.
    The last piece and what closes the answer are one, so a short answer is one piece.
    """
    held, cursor, left, last_us = b"", None, limit, None
    before = open_sample_page(export.series)
    try:
        async with aclosing(sample_pages(pool, replace(export, limit=limit + 1), JSON_ROWS)) as pages:
            async for page in pages:
                shown = page.first(left)
                if len(shown) < len(page):
                    cursor = write_cursor(int(page.times_us[left - 1]))
                left -= len(shown)
                last_us = int(shown.times_us[-1]) if len(shown) else last_us
                made = sample_pieces(export.table(shown), before)
                async for piece in beside(made) if len(shown) > LONG_ROWS else at_once(made):
                    if held:
                        yield held
                    held, before = piece, b","
    except (*CANCELLED, *UNAVAILABLE) as error:
        if last_us is None:
            raise
        log.warning("samples of series %d end before their time: %s", export.series.id, " ".join(str(error).split()))
        yield held + close_sample_page(write_cursor(last_us), is_complete=left == 0)
        return
    yield (held or before) + close_sample_page(cursor)


def export_pieces(pool: Pool, export: Export, chosen: Format) -> AsyncIterator[bytes]:
    """Write the pages as they come."""
    if chosen is Format.PARQUET:
        return _parquet(pool, export)
    return _csv(pool, export) if chosen is Format.CSV else _arrow(pool, export)


async def _csv(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    is_first = True
    async with aclosing(sample_pages(pool, export, PAGE_ROWS)) as pages:
        async for page in pages:
            made = export.table(page)
            lines = await asyncio.to_thread(csv_lines, made, export.style)
            yield (csv_head(made.names, made, export.style) if is_first else b"") + lines
            is_first = False


async def _arrow(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    writer: ArrowPieces | None = None
    async with aclosing(sample_pages(pool, export, export.page_rows)) as pages:
        async for page in pages:
            made = export.table(page)
            if writer is None:
                writer = ArrowPieces(made.names, common_kinds([export.table(NO_SAMPLES)]))
                yield writer.head
            # Numbers are there already, as bytes.
            yield writer.piece(made) if page.texts is None else await asyncio.to_thread(writer.piece, made)
    assert writer is not None
    yield writer.end


async def _parquet(pool: Pool, export: Export) -> AsyncIterator[bytes]:
    """The file grows on disk while pages are read; a slow reader holds nothing but that."""
    loop = asyncio.get_running_loop()
    pages = sample_pages(pool, export, export.page_rows)

    failures: list[Exception] = []

    async def following() -> SampleColumns | None:
        try:
            return await anext(pages, None)
        except Exception as error:
            failures.append(error)
            raise

    def tables() -> Generator[Table]:
        while (page := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
            yield export.table(page)

    kinds = common_kinds([export.table(NO_SAMPLES)])
    with tempfile.TemporaryFile() as file:
        async with aclosing(pages):
            try:
                await asyncio.to_thread(write_parquet, tables(), kinds, file)
            except Exception:
                # The writer tells what failed inside of it in words of its own.
                if failures:
                    raise failures[0] from None
                raise
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, FILE_BYTES):
            yield piece
