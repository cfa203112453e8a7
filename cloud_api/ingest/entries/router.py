"""HTTP of values that people enter: the series made for it, entries in and out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request

from cloud_api.auth.access import Engineer, Operator, PoolOf, Viewer, WholeEngineer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.ingest.entries.models import (
    Entry,
    EntryPage,
    EntryParameters,
    EntrySeries,
    EntrySeriesPage,
    EntryTerms,
    NewEntry,
    NewEntrySeries,
    Shown,
)
from cloud_api.ingest.entries.service import change_terms, choices_of, create_series, enter, find_entry_series
from cloud_api.ingest.router import read_doors, told
from cloud_api.instants import parse_instant, to_datetime, to_us
from cloud_api.problems import Kinds
from cloud_api.scopes import ASSET, read_scope
from cloud_api.storage.entries import (
    EntryFilter,
    EntryRow,
    EntrySeriesRow,
    select_entry_page,
    select_entry_series_page,
    select_last_entries,
)
from cloud_api.storage.pool import Connection, transaction

router = APIRouter(tags=["entries"])

SeriesId = Annotated[int, Path(ge=1, le=2**31 - 1)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


@router.get(
    "/entry-series",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Series that people enter values into, what they take, and the last entry of each."
    + role_line(Role.VIEWER),
)
async def list_entry_series(
    pool: PoolOf,
    _caller: Viewer,
    path: Annotated[str | None, Query(max_length=1300, description="Glob of their paths")] = None,
    asset: Annotated[str | None, Query(max_length=1300, description=ASSET)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> EntrySeriesPage:
    """List series for entries."""
    question = ("entry-series", path, asset)
    after = read_cursor(cursor, question, str) if cursor else ""
    async with transaction(pool) as connection:
        glob = await read_scope(connection, path, asset)
        rows = await select_entry_series_page(connection, glob, after, limit + 1)
        items = await _shown_series(connection, rows[:limit])
    return EntrySeriesPage(
        items=items, next=write_cursor(rows[limit - 1].path, question) if len(rows) > limit else None
    )


@router.post(
    "/entry-series",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Make a series for values that people enter: laboratory values, meters that are read. Audited."
    + role_line(Role.ENGINEER),
)
async def create_entry_series(body: NewEntrySeries, pool: PoolOf, caller: WholeEngineer) -> EntrySeries:
    """Make a series for entries."""
    async with transaction(pool) as connection:
        row = await create_series(connection, body, caller.name)
        return (await _shown_series(connection, [row]))[0]


@router.get(
    "/entry-series/{series_id}",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="What one series takes, and its last entry; 409 for a series that something measures."
    + role_line(Role.VIEWER),
)
async def get_entry_series(series_id: SeriesId, pool: PoolOf, _caller: Viewer) -> EntrySeries:
    """Describe a series for entries."""
    async with transaction(pool) as connection:
        row = await find_entry_series(connection, series_id)
        return (await _shown_series(connection, [row]))[0]


@router.patch(
    "/entry-series/{series_id}",
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Change range and choices from now on; path, unit and description are those of the series. Audited."
    + role_line(Role.ENGINEER),
)
async def patch_entry_series(series_id: SeriesId, body: EntryTerms, pool: PoolOf, caller: Engineer) -> EntrySeries:
    """Change what may be entered."""
    async with transaction(pool) as connection:
        row = await change_terms(connection, series_id, body, caller.name)
        return (await _shown_series(connection, [row]))[0]


@router.get(
    "/series/{series_id}/entries",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="What was entered, by whom and with what comment, newest time first." + role_line(Role.VIEWER),
)
async def list_entries(
    series_id: SeriesId, parameters: Annotated[EntryParameters, Query()], pool: PoolOf, _caller: Viewer
) -> EntryPage:
    """List entries."""
    question = ("entries", series_id, parameters.from_, parameters.to, parameters.replaced.value)
    before = read_cursor(parameters.cursor, question, tuple[int, int]) if parameters.cursor else None
    wanted = EntryFilter(
        series_id, _at(parameters.from_, "from"), _at(parameters.to, "to"), parameters.replaced is Shown.INCLUDE
    )
    async with transaction(pool) as connection:
        await find_entry_series(connection, series_id)
        last = None if before is None else (to_datetime(before[0]), before[1])
        rows = await select_entry_page(connection, wanted, last, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor((to_us(page[-1].time), page[-1].id), question) if len(rows) > len(page) else None
    return EntryPage(items=[_shown(row) for row in page], next=cursor)


@router.post(
    "/series/{series_id}/entries",
    status_code=201,
    responses=refusals(
        Kinds.BODY_INVALID,
        Kinds.NOT_FOUND,
        Kinds.CONFLICT,
        Kinds.IDEMPOTENCY_KEY_REUSED,
        Kinds.MEDIA_TYPE_UNSUPPORTED,
        Kinds.INGEST_UNAVAILABLE,
    ),
    description="Enter a value, with the status GoodLocalOverride; answers after COMMIT. It takes the way of every "
    "sample: alarms, latest values, streams and rollups see it. Posted again with the same `Idempotency-Key`, or for "
    "the same instant with the same value and comment, it changes nothing and gets the same answer. Audited."
    + role_line(Role.OPERATOR),
)
async def post_entry(
    request: Request,
    series_id: SeriesId,
    body: NewEntry,
    pool: PoolOf,
    caller: Operator,
    idempotency_key: IdempotencyKey = None,
) -> Entry:
    """Enter a value."""
    with told():
        row = await enter(pool, lambda: read_doors(request), series_id, body, (caller, idempotency_key))
    return _shown(row)


async def _shown_series(connection: Connection, rows: Sequence[EntrySeriesRow]) -> list[EntrySeries]:
    lasts = {entry.series_id: entry for entry in await select_last_entries(connection, [row.id for row in rows])}
    return [
        EntrySeries(
            series_id=row.id,
            path=row.path,
            kind=row.kind,
            unit=row.unit,
            description=row.description,
            low=row.low,
            high=row.high,
            choices=choices_of(row),
            made_by=row.made_by,
            created_at=row.created_at,
            retired_at=row.retired_at,
            last=_shown(lasts[row.id]) if row.id in lasts else None,
        )
        for row in rows
    ]


def _shown(row: EntryRow) -> Entry:
    return Entry(
        id=row.id,
        series_id=row.series_id,
        time=row.time,
        value=msgspec.json.decode(row.value),
        comment=row.comment,
        who=row.who,
        entered_at=row.entered_at,
        replaced_at=row.replaced_at,
        replaced_by=row.replaced_by,
    )


def _at(text: str | None, field: str) -> datetime | None:
    return to_datetime(parse_instant(text, field)) if text else None
