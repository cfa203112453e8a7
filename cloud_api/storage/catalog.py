"""Series as applications find, rename and retire them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.pinyin import sounding
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement
from cloud_api.storage.words import containing


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """One series: where its samples come from and what they mean."""

    id: int
    path: str
    kind: str
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    device: str | None
    asset: str | None
    source_agent: str
    source_path: str
    scan_period_s: float | None
    created_at: datetime
    retired_at: datetime | None
    # How it is aggregated where a request says nothing; None: as Part 13 has it, or as the kind suggests.
    stepped: bool | None = None
    treat_uncertain_as_bad: bool | None = None
    percent_data_good: int | None = None
    percent_data_bad: int | None = None
    sloped_extrapolation: bool | None = None
    counter_rollover: float | None = None
    # None: measured; else how it is calculated, `on_the_fly` or `materialised`.
    calculation: str | None = None

    @property
    def is_on_the_fly(self) -> bool:
        """Whether nothing of it is stored."""
        return self.calculation == "on_the_fly"


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """Which series a listing shows."""

    glob: PathGlob
    words: str | None
    with_retired: bool


async def select_series_page(
    connection: Connection, series_filter: SeriesFilter, after_path: str, limit: int
) -> list[SeriesRow]:
    """Read series in byte order of their paths, from the one after `after_path`."""
    parameters = {
        "from_path": series_filter.glob.from_path,
        "to_path": series_filter.glob.to_path,
        "pattern": series_filter.glob.pattern,
        "words": containing(series_filter.words),
        "sound": sounding(series_filter.words),
        "with_retired": series_filter.with_retired,
        "after_path": after_path,
        "limit": limit,
    }
    # Names of assets are searched, too; who only lists (or is another company) has no need of that table.
    name = "select_series_page" if series_filter.words is None else "search_series_page"
    async with connection.cursor(row_factory=class_row(SeriesRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


async def select_series(connection: Connection, series_id: int) -> SeriesRow | None:
    """Read one series."""
    async with connection.cursor(row_factory=class_row(SeriesRow)) as cursor:
        await cursor.execute(statement("select_series"), {"series_id": series_id})
        return await cursor.fetchone()


async def select_series_by_ids(connection: Connection, series_ids: Sequence[int]) -> list[SeriesRow]:
    """Read several series; ids that do not exist are not in the answer."""
    async with connection.cursor(row_factory=class_row(SeriesRow)) as cursor:
        await cursor.execute(statement("select_series_by_ids"), {"series_ids": list(series_ids)})
        return await cursor.fetchall()


async def select_series_at(connection: Connection, paths: Sequence[str]) -> list[SeriesRow]:
    """Read the series that show at these paths, in no order; paths without one are not in the answer."""
    async with connection.cursor(row_factory=class_row(SeriesRow)) as cursor:
        await cursor.execute(statement("select_series_at"), {"paths": list(paths)})
        return await cursor.fetchall()


async def update_series(connection: Connection, row: SeriesRow) -> None:
    """Write what people may change of a series: path, texts, aggregation, retirement; ingest reads it anew."""
    parameters = {
        "series_id": row.id,
        "path": row.path,
        "unit": row.unit,
        "description": row.description,
        "retired_at": row.retired_at,
        "stepped": row.stepped,
        "treat_uncertain_as_bad": row.treat_uncertain_as_bad,
        "percent_data_good": row.percent_data_good,
        "percent_data_bad": row.percent_data_bad,
        "sloped_extrapolation": row.sloped_extrapolation,
        "counter_rollover": row.counter_rollover,
    }
    await connection.execute(statement("update_series"), parameters)
    await update_series_generation(connection)


async def update_series_generation(connection: Connection) -> None:
    """Tell ingest, in the same transaction, that what it remembers of series is out of date."""
    await connection.execute(statement("update_series_generation"))
