"""Values that people enter: the series made for it with what they may hold, and every entry with who and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

# Whose the series are that people enter values into; no agent can have such a name.
ENTRIES_AGENT = "~entries"


@dataclass(frozen=True, slots=True)
class NewEntrySeries:
    """A series to be made; `choices` is a JSON list, None where every value of the kind and range is allowed."""

    path: str
    kind: str
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    choices: str | None


@dataclass(frozen=True, slots=True)
class EntrySeriesRow:
    """A series as entries see it; `is_entered` says whether it was made for them."""

    id: int
    path: str
    kind: str
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    source_path: str
    created_at: datetime
    retired_at: datetime | None
    is_entered: bool
    choices: str | None
    made_by: str


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is written of an entry; `value` is JSON, `replaces` the entry of the same instant that it stands in for."""

    series_id: int
    time: datetime
    value: str
    comment: str
    who: str
    entered_at: datetime
    caller: str
    key: str | None
    fingerprint: bytes | None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry."""

    id: int
    series_id: int
    time: datetime
    value: str
    comment: str
    who: str
    entered_at: datetime
    replaced_at: datetime | None
    replaced_by: str | None
    fingerprint: bytes | None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries of a series; None leaves a question open."""

    series_id: int
    from_at: datetime | None
    to_at: datetime | None
    with_replaced: bool


async def insert_entry_series(connection: Connection, new: NewEntrySeries, made_by: str) -> int:
    """Make a series that people enter values into; its id."""
    parameters = {
        "path": new.path,
        "kind": new.kind,
        "unit": new.unit,
        "description": new.description,
        "low": new.low,
        "high": new.high,
    }
    cursor = await connection.execute(statement("insert_entered_series"), parameters)
    row = await cursor.fetchone()
    assert row is not None
    series_id = int(row[0])
    terms = {"series_id": series_id, "choices": new.choices, "made_by": made_by}
    await connection.execute(statement("insert_entry_series"), terms)
    return series_id


async def update_entry_series(
    connection: Connection, series_id: int, bounds: tuple[float | None, float | None], choices: str | None
) -> None:
    """Change what its values may be."""
    parameters = {"series_id": series_id, "low": bounds[0], "high": bounds[1], "choices": choices}
    await connection.execute(statement("update_entry_series"), parameters)


async def select_entry_series(connection: Connection, series_id: int) -> EntrySeriesRow | None:
    """Read one series, whoever writes it."""
    async with connection.cursor(row_factory=class_row(EntrySeriesRow)) as cursor:
        await cursor.execute(statement("select_entry_series"), {"series_id": series_id})
        return await cursor.fetchone()


async def select_entry_series_page(
    connection: Connection, glob: PathGlob, after_path: str, limit: int
) -> list[EntrySeriesRow]:
    """Read series made for entries in byte order of their paths, from the one after `after_path`."""
    parameters = {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "after_path": after_path,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(EntrySeriesRow)) as cursor:
        await cursor.execute(statement("select_entry_series_page"), parameters)
        return await cursor.fetchall()


async def select_last_entries(connection: Connection, series_ids: Sequence[int]) -> list[EntryRow]:
    """Read the newest entry of each of these series, by its time."""
    async with connection.cursor(row_factory=class_row(EntryRow)) as cursor:
        await cursor.execute(statement("select_last_entries"), {"series_ids": list(series_ids)})
        return await cursor.fetchall()


async def select_entry_at(connection: Connection, series_id: int, time: datetime) -> EntryRow | None:
    """Read the entry that stands at an instant."""
    async with connection.cursor(row_factory=class_row(EntryRow)) as cursor:
        await cursor.execute(statement("select_entry_at"), {"series_id": series_id, "time": time})
        return await cursor.fetchone()


async def select_entry_by_key(connection: Connection, caller: str, key: str) -> EntryRow | None:
    """Read the entry that a caller made under an idempotency key."""
    async with connection.cursor(row_factory=class_row(EntryRow)) as cursor:
        await cursor.execute(statement("select_entry_by_key"), {"caller": caller, "key": key})
        return await cursor.fetchone()


async def select_entry_page(
    connection: Connection, wanted: EntryFilter, before: tuple[datetime, int] | None, limit: int
) -> list[EntryRow]:
    """Read entries of a series, newest first, from the one before `before`."""
    parameters = {
        "series_id": wanted.series_id,
        "from_at": wanted.from_at,
        "to_at": wanted.to_at,
        "with_replaced": wanted.with_replaced,
        "before_at": None if before is None else before[0],
        "before_id": None if before is None else before[1],
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(EntryRow)) as cursor:
        await cursor.execute(statement("select_entry_page"), parameters)
        return await cursor.fetchall()


async def insert_entry(connection: Connection, new: NewEntry) -> int | None:
    """Write an entry, in place of the one that it replaces; None when somebody was faster at this key or instant."""
    if new.replaces is not None:
        replaced = {"entry_id": new.replaces, "at": new.entered_at, "who": new.who}
        cursor = await connection.execute(statement("update_entry_replaced"), replaced)
        if await cursor.fetchone() is None:
            return None
    parameters = {
        "series_id": new.series_id,
        "time": new.time,
        "value": new.value,
        "comment": new.comment,
        "who": new.who,
        "entered_at": new.entered_at,
        "caller": new.caller,
        "key": new.key,
        "fingerprint": new.fingerprint,
    }
    cursor = await connection.execute(statement("insert_entry"), parameters)
    row = await cursor.fetchone()
    return None if row is None else int(row[0])
