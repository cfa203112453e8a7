"""Calculated series: definitions, versions, what they come down to, and what is known of that."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.pool import Connection, Cursor
from cloud_api.storage.statements import statement

# No agent can have this name: it is outside the alphabet of agent ids.
CALCULATIONS_AGENT = "~calculations"
ON_THE_FLY, MATERIALISED = "on_the_fly", "materialised"


@dataclass(frozen=True, slots=True)
class CalculationRow:
    """A calculation with its series; `body` is what an engineer wrote and `names` a map to series ids, both JSON."""

    id: int
    series_id: int
    version: int
    mode: str
    body: str
    names: str
    created_at: datetime
    updated_at: datetime
    updated_by: str
    deleted_at: datetime | None
    path: str
    kind: str
    unit: str | None
    description: str | None
    retired_at: datetime | None
    announced_at: datetime | None
    evaluated_at: datetime | None
    problem: str | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A calculation as it was."""

    version: int
    change: str
    mode: str
    body: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class Source:
    """A series that calculations read; `until_at` is how far its device was measured (None: nobody says)."""

    id: int
    path: str
    kind: str
    unit: str | None
    source_agent: str
    device: str | None
    scan_period_s: float | None
    retired_at: datetime | None
    calculation: str | None
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewCalculation:
    """What is written of a definition; `body` and `names` are JSON."""

    mode: str
    kind: str
    unit: str | None
    description: str | None
    body: str
    names: str


async def lock_calculations(connection: Connection) -> None:
    """Until this transaction ends, nobody else changes what is calculated of what."""
    await connection.execute(statement("lock_calculations"))


async def insert_calculation(connection: Connection, path: str, new: NewCalculation, who: str) -> int:
    """Make a series and its calculation; the calculation's id."""
    made = await connection.execute(
        statement("insert_calculated_series"),
        {
            "source_path": path,
            "path": path,
            "kind": new.kind,
            "unit": new.unit,
            "description": new.description,
            "mode": new.mode,
        },
    )
    series_id = await _value(made)
    parameters = {"series_id": series_id, "mode": new.mode, "body": new.body, "names": new.names, "who": who}
    calculation_id = await _value(await connection.execute(statement("insert_calculation"), parameters))
    await _update_series(connection, calculation_id, series_id, new)
    await _insert_version(connection, calculation_id, "create", who)
    return calculation_id


async def update_calculation(connection: Connection, row: CalculationRow, new: NewCalculation, who: str) -> None:
    """Let a calculation have another definition, as a new version."""
    parameters = {"calculation_id": row.id, "mode": new.mode, "body": new.body, "names": new.names, "who": who}
    await connection.execute(statement("update_calculation"), parameters)
    await _update_series(connection, row.id, row.series_id, new)
    await _insert_version(connection, row.id, "change", who)


async def update_calculation_deleted(connection: Connection, row: CalculationRow, who: str) -> None:
    """Take a calculation out of force; what it was stays."""
    await connection.execute(statement("update_calculation_deleted"), {"calculation_id": row.id, "who": who})
    await _insert_version(connection, row.id, "delete", who)


async def update_calculated_series_retired(connection: Connection, series_id: int) -> None:
    """End a calculated series."""
    await connection.execute(statement("update_calculated_series_retired"), {"series_id": series_id})


async def _update_series(connection: Connection, calculation_id: int, series_id: int, new: NewCalculation) -> None:
    parameters = {
        "calculation_id": calculation_id,
        "series_id": series_id,
        "kind": new.kind,
        "unit": new.unit,
        "description": new.description,
        "mode": new.mode,
    }
    await connection.execute(statement("update_calculated_series"), parameters)


async def _insert_version(connection: Connection, calculation_id: int, change: str, who: str) -> None:
    parameters = {"calculation_id": calculation_id, "change": change, "who": who}
    await connection.execute(statement("insert_calculation_version"), parameters)


async def select_calculation_versions(connection: Connection, calculation_id: int) -> list[VersionRow]:
    """Every version, the newest first."""
    cursor = await connection.execute(statement("select_calculation_versions"), {"calculation_id": calculation_id})
    return [VersionRow(*row) for row in await cursor.fetchall()]


async def replace_calculation_inputs(connection: Connection, inputs: Mapping[int, Sequence[int]]) -> None:
    """Say anew what these calculations come down to."""
    await connection.execute(statement("delete_calculation_inputs"), {"calculation_ids": list(inputs)})
    pairs = [(calculation_id, series_id) for calculation_id, ids in inputs.items() for series_id in sorted(set(ids))]
    parameters = {"calculation_ids": [pair[0] for pair in pairs], "series_ids": [pair[1] for pair in pairs]}
    await connection.execute(statement("insert_calculation_inputs"), parameters)


async def delete_calculation_progress(connection: Connection, calculation_id: int) -> None:
    """Forget how far a calculation is, and what waits."""
    await connection.execute(statement("delete_calculation_progress"), {"calculation_id": calculation_id})


async def select_calculations(connection: Connection) -> list[CalculationRow]:
    """All that are in force."""
    return await _rows(connection, "select_calculations", {})


async def select_calculation(connection: Connection, calculation_id: int) -> CalculationRow | None:
    """One, deleted or not."""
    rows = await _rows(connection, "select_calculation", {"calculation_id": calculation_id})
    return rows[0] if rows else None


async def select_calculation_page(
    connection: Connection, glob: PathGlob, mode: str | None, after_path: str, limit: int
) -> list[CalculationRow]:
    """Those in force whose series a glob means, in byte order of paths."""
    parameters = _glob(glob, after_path, limit) | {"mode": mode}
    return await _rows(connection, "select_calculation_page", parameters)


async def select_calculations_needed(connection: Connection, series_ids: Sequence[int]) -> list[CalculationRow]:
    """Those of these series, and what they come down to as far as it is calculated on the fly; deleted ones too."""
    return await _rows(connection, "select_calculations_needed", {"series_ids": list(series_ids)})


async def select_calculation_sources(connection: Connection, series_ids: Sequence[int]) -> dict[int, Source]:
    """What is known of these series, by id."""
    cursor = await connection.execute(statement("select_calculation_sources"), {"series_ids": list(series_ids)})
    return {row[0]: Source(*row) for row in await cursor.fetchall()}


async def select_calculation_dirty_count(
    connection: Connection, calculation_id: int
) -> tuple[int, datetime | None, datetime | None]:
    """How many stretches wait to be computed again, and from when to when they lie."""
    cursor = await connection.execute(statement("select_calculation_dirty_count"), {"calculation_id": calculation_id})
    row = await cursor.fetchone()
    return (0, None, None) if row is None else (int(row[0]), row[1], row[2])


@asynccontextmanager
async def select_calculated_page(
    connection: Connection, glob: PathGlob, after_path: str, limit: int
) -> AsyncGenerator[Callable[[], Awaitable[list[SeriesRow]]]]:
    """Series in use that are calculated on the fly, in byte order of paths; in a pipeline asked for without waiting."""
    async with connection.cursor(row_factory=class_row(SeriesRow)) as cursor:
        await cursor.execute(statement("select_calculated_page"), _glob(glob, after_path, limit))
        yield cursor.fetchall


def _glob(glob: PathGlob, after_path: str, limit: int) -> dict[str, object]:
    return {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "after_path": after_path,
        "limit": limit,
    }


async def _rows(connection: Connection, name: str, parameters: Mapping[str, object]) -> list[CalculationRow]:
    async with connection.cursor(row_factory=class_row(CalculationRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


async def _value(cursor: Cursor) -> int:
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
