"""HTTP of stored history: series, latest and raw samples, aggregates, gaps."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Annotated, Any, ParamSpec

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from cloud_api import origin
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.principal import Principal
from cloud_api.auth.roles import Role
from cloud_api.auth.standing import Standing
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.formats.accept import Format, choose_format, choose_packing
from cloud_api.globs import either, parse_glob
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.problems import Kinds, Problem, in_body, not_found, parameter_invalid
from cloud_api.query.answers import (
    encode_gap_page,
    encode_latest_page,
    encode_series,
    encode_series_page,
)
from cloud_api.query.changes import SeriesChange, change_series, retire_series
from cloud_api.query.cost import Budget
from cloud_api.query.encoding import encode_aligned, is_light, pieces, read_style, table_pieces
from cloud_api.query.exports import LONG_ROWS, Export, export_pieces, json_pieces, read_page
from cloud_api.query.feed import LiveFeed
from cloud_api.query.linked import QueryParameters
from cloud_api.query.live import LiveStream
from cloud_api.query.models import GapPage, LatestPage, QueryAnswer, QueryRequest, SamplePage, Series, SeriesPage
from cloud_api.query.names import names_of
from cloud_api.query.newest import read_latest_page
from cloud_api.query.parameters import (
    GapParameters,
    LatestParameters,
    LiveParameters,
    Retired,
    SampleParameters,
    SeriesParameters,
)
from cloud_api.query.positions import read_position
from cloud_api.query.service import run_query
from cloud_api.scopes import find_asset_path, read_scope
from cloud_api.server_events import HEADERS, LAST_EVENT_ID, MEDIA_TYPE, Closing
from cloud_api.settings import CloudSettings
from cloud_api.slots import Slots
from cloud_api.storage.catalog import SeriesFilter, select_series, select_series_page
from cloud_api.storage.findings import NEWEST, GapFilter, select_gap_page
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import Connection, Pool, reading, transaction
from cloud_api.streaming import EventStream, Streamed, at_once, beside

# What the audit says of a query whose answer leaves as a file.
AUDITED = {"series", "asset", "expressions", "from_", "to", "interval"}

router = APIRouter(tags=["history"])
Arguments = ParamSpec("Arguments")

SeriesId = Annotated[int, Path(ge=1, le=2**31 - 1)]
AsSeries = Annotated[SeriesParameters, Query()]
AsLatest = Annotated[LatestParameters, Query()]
AsSamples = Annotated[SampleParameters, Query()]
AsGaps = Annotated[GapParameters, Query()]
AsLive = Annotated[LiveParameters, Query()]
LastEventId = Annotated[str | None, Header(alias=LAST_EVENT_ID, description="The id of the last event seen")]

# What is described beside the JSON of an answer.
OTHER_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            each.value: {"schema": {"type": "string", "format": "binary"}} for each in Format if each is not Format.JSON
        }
    }
}
# What JSON says of edges that were moved, for the formats that hold nothing but a table.
ALIGNED_HEADER = "Millstream-Aligned"
OF_QUERIES: dict[int | str, dict[str, Any]] = {
    200: OTHER_FORMATS[200]
    | {
        "headers": {
            ALIGNED_HEADER: {
                "description": "As `aligned` in JSON; absent where that is null",
                "schema": {"type": "string", "contentMediaType": "application/json"},
            }
        }
    }
}
PAGE_OF_JSON = 1_000

LISTING = refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND, Kinds.QUERY_TIMEOUT)


@router.get(
    "/latest",
    response_model=LatestPage,
    responses=LISTING,
    description="Last measured sample of each series, by source time." + role_line(Role.VIEWER),
)
async def list_latest(request: Request, parameters: AsLatest, pool: PoolOf, _caller: Viewer) -> Response:
    """List latest samples."""
    async with _reading(request, pool) as connection:
        glob = await read_scope(connection, parameters.path, parameters.asset)
        question = ("latest", glob.text)
        after = read_cursor(parameters.cursor, question, str) if parameters.cursor else ""
        page = await read_latest_page(connection, names_of(request.state.database), glob, after, parameters.limit + 1)
    cursor = None
    if page is not None and len(page) > parameters.limit:
        page = page.first(parameters.limit)
        cursor = write_cursor(page.paths[-1], question)
    size = len(page) if page is not None else 0
    return _json(request, await _encoded(size, encode_latest_page, page, parameters.int64, cursor))


@router.get(
    "/series",
    response_model=SeriesPage,
    responses=LISTING,
    description="Find series by path glob and words." + role_line(Role.VIEWER),
)
async def list_series(request: Request, parameters: AsSeries, pool: PoolOf, _caller: Viewer) -> Response:
    """List series."""
    async with _reading(request, pool) as connection:
        glob = await read_scope(connection, parameters.path, parameters.asset)
        question = ("series", glob.text, parameters.q, parameters.retired.value)
        after = read_cursor(parameters.cursor, question, str) if parameters.cursor else ""
        series_filter = SeriesFilter(glob, parameters.q, parameters.retired is Retired.INCLUDE)
        rows = await select_series_page(connection, series_filter, after, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].path, question) if len(rows) > len(page) else None
    return _json(request, encode_series_page(page, cursor))


@router.get(
    "/series/{series_id}",
    response_model=Series,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Describe one series." + role_line(Role.VIEWER),
)
async def get_series(request: Request, series_id: SeriesId, pool: PoolOf, _caller: Viewer) -> Response:
    """Describe one series."""
    async with pool.connection() as connection:
        row = await select_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    return _json(request, msgspec.json.encode(encode_series(row)))


@router.patch(
    "/series/{series_id}",
    response_model=Series,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Rename or describe a series; its history stays with it. Audited." + role_line(Role.ENGINEER),
)
async def patch_series(
    request: Request, series_id: SeriesId, change: SeriesChange, pool: PoolOf, caller: Engineer
) -> Response:
    """Change one series."""
    async with transaction(pool) as connection:
        row = await change_series(connection, series_id, change, caller.name)
    return _json(request, msgspec.json.encode(encode_series(row)))


@router.delete(
    "/series/{series_id}",
    response_model=Series,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Retire a series: it leaves listings, its history stays. Audited." + role_line(Role.ENGINEER),
)
async def delete_series(request: Request, series_id: SeriesId, pool: PoolOf, caller: Engineer) -> Response:
    """Retire one series."""
    async with transaction(pool) as connection:
        row = await retire_series(connection, series_id, caller.name)
    return _json(request, msgspec.json.encode(encode_series(row)))


@router.get(
    "/series/{series_id}/samples",
    response_model=SamplePage,
    responses=refusals(
        Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND, Kinds.NOT_ACCEPTABLE, Kinds.QUERY_TIMEOUT
    )
    | OTHER_FORMATS,
    description="Raw samples, ascending, `from` included and `to` excluded. JSON comes in pages; CSV, Arrow and "
    "Parquet as a stream of the whole window, or of `limit` rows with the next page in the header `Link`."
    + role_line(Role.VIEWER),
)
async def list_samples(
    request: Request, series_id: SeriesId, parameters: AsSamples, pool: PoolOf, _caller: Viewer
) -> Response:
    """List raw samples of one series."""
    chosen = choose_format(request.headers.get("accept"))
    from_us, to_us = parse_instant(parameters.from_, "from"), parse_instant(parameters.to, "to")
    if from_us >= to_us:
        raise parameter_invalid("to", parameters.to, "is not after `from`", "an instant after `from`")
    question = ("samples", series_id, from_us, to_us)
    start_us = read_cursor(parameters.cursor, question, int) + 1 if parameters.cursor else from_us
    if not from_us <= start_us <= to_us:
        raise Problem(Kinds.CURSOR_INVALID, "the cursor stands outside the window")
    style = read_style(parameters.excel, parameters.time_zone)
    async with pool.connection() as connection:
        row = await select_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    timeout_s = request.state.settings.query_timeout_s
    export = Export(row, start_us, to_us, parameters.limit, parameters.int64, style, timeout_s)
    packing = choose_packing(request.headers.get("accept-encoding"))
    if chosen is not Format.JSON and parameters.limit is None:
        return Streamed(export_pieces(pool, export, chosen), chosen, packing)
    limit = parameters.limit or PAGE_OF_JSON
    if chosen is Format.JSON:
        return Streamed(
            json_pieces(pool, export, limit, lambda last_us: write_cursor(last_us, question)), chosen, packing
        )
    columns = await read_page(pool, export, limit + 1)
    cursor = None
    if len(columns) > limit:
        columns = columns.first(limit)
        cursor = write_cursor(int(columns.times_us[-1]), question)
    made = table_pieces([export.table(columns)], chosen, style)
    return Streamed(beside(made), chosen, packing, _link(request, cursor))


@router.post(
    "/query",
    response_model=QueryAnswer,
    responses=refusals(
        Kinds.BODY_INVALID,
        Kinds.NOT_ACCEPTABLE,
        Kinds.NOT_FOUND,
        Kinds.QUERY_TOO_LARGE,
        Kinds.TOO_MANY_REQUESTS,
        Kinds.QUERY_TIMEOUT,
        Kinds.MEDIA_TYPE_UNSUPPORTED,
        Kinds.BODY_TOO_LARGE,
    )
    | OF_QUERIES,
    description="OPC UA Part 13 aggregates over half-open buckets, or raw samples, of many series."
    + role_line(Role.VIEWER),
)
async def query(request: Request, body: QueryRequest, pool: PoolOf, _caller: Viewer) -> Response:
    """Aggregate many series at once."""
    chosen = choose_format(request.headers.get("accept"))
    with in_body():
        return await _answer(request, body, pool, chosen)


@router.get(
    "/query",
    response_model=QueryAnswer,
    responses=refusals(
        Kinds.PARAMETER_INVALID,
        Kinds.NOT_ACCEPTABLE,
        Kinds.NOT_FOUND,
        Kinds.QUERY_TOO_LARGE,
        Kinds.QUERY_TIMEOUT,
    )
    | OF_QUERIES,
    description="The same by address, for links and for browsers. `format` goes before `Accept` and gives a file."
    + role_line(Role.VIEWER),
)
async def query_by_address(
    request: Request, parameters: Annotated[QueryParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """Aggregate many series at once, asked by an address."""
    file = parameters.file
    answer = await _answer(
        request, parameters.request(), pool, choose_format(request.headers.get("accept") if file is None else file)
    )
    if file is not None:
        answer.headers["Content-Disposition"] = f'attachment; filename="{parameters.file_name}"'
    return answer


async def _answer(request: Request, body: QueryRequest, pool: Pool, chosen: Format) -> Response:
    settings: CloudSettings = request.state.settings
    if chosen is not Format.JSON:
        origin.present().describe(body.model_dump(mode="json", by_alias=True, include=AUDITED))
    slots: Slots = request.state.query_slots
    budget = Budget(settings.query_max_samples, settings.query_max_rows, settings.query_timeout_s)
    caller: Principal = request.state.caller
    async with slots.slot(caller.scope_of_keys), reading(pool) as connection:
        result = await run_query(connection, body, budget, time.time_ns() // 1_000, pool)
    made = pieces(result, chosen)
    sent = at_once(made) if is_light(result, chosen) else beside(made)
    answer = Streamed(sent, chosen, choose_packing(request.headers.get("accept-encoding")))
    if result.aligned is not None:
        # A table has no place for it.
        answer.headers[ALIGNED_HEADER] = msgspec.json.encode(encode_aligned(result.aligned)).decode()
    return answer


@router.get(
    "/gaps",
    response_model=GapPage,
    responses=LISTING,
    description="Stretches known to be missing, newest record first." + role_line(Role.VIEWER),
)
async def list_gaps(request: Request, parameters: AsGaps, pool: PoolOf, _caller: Viewer) -> Response:
    """List gaps."""
    from_us = parse_instant(parameters.from_, "from") if parameters.from_ else None
    to_us = parse_instant(parameters.to, "to") if parameters.to else None
    question = ("gaps", parameters.asset, parameters.agent, parameters.device, parameters.reason, from_us, to_us)
    before = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
    gap_filter = GapFilter(
        agent=parameters.agent,
        device=parameters.device,
        reason=parameters.reason,
        from_at=None if from_us is None else to_datetime(from_us),
        to_at=None if to_us is None else to_datetime(to_us),
    )
    async with _reading(request, pool) as connection:
        if parameters.asset is not None:
            gap_filter = replace(gap_filter, asset=await find_asset_path(connection, parameters.asset))
        rows = await select_gap_page(connection, gap_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].id, question) if len(rows) > len(page) else None
    return _json(request, encode_gap_page(page, cursor))


@router.get(
    "/stream",
    responses={
        200: {"description": "Server-sent events", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    },
    response_class=StreamingResponse,
    description="Live samples as server-sent events. `begin`: from here on. `samples`: what has been stored since, "
    "each once; `skipped` when a slow reader got the last of each series alone. `Last-Event-ID` goes on where "
    "a reader was; `missed` tells one who was away for an hour or more what to ask the history for."
    + role_line(Role.VIEWER),
)
async def stream_samples(
    request: Request, parameters: AsLive, pool: PoolOf, caller: Viewer, last_event_id: LastEventId = None
) -> Response:
    """Stream samples."""
    seen = read_position(last_event_id)
    paths = parameters.path or [None]
    if parameters.asset is None:
        # A thousand readers may come back at once: what needs no connection takes none.
        glob = either([parse_glob(path or "**") for path in paths])
    else:
        async with transaction(pool) as connection:
            glob = either([await read_scope(connection, path, parameters.asset) for path in paths])
    feed: LiveFeed = request.state.live_feed
    closing: Closing = request.state.closing
    stream = LiveStream(pool, feed, closing, feed.paths_of(glob, caller.reach), parameters.int64)
    standing: Standing = request.state.standing
    return EventStream(standing.while_standing(caller, stream.events(seen)), MEDIA_TYPE, headers=HEADERS)


@asynccontextmanager
async def _reading(request: Request, pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction whose statements the database cancels when they take too long."""
    settings: CloudSettings = request.state.settings
    async with reading(pool) as connection:
        await set_statement_timeout(connection, settings.query_timeout_s)
        yield connection


async def _encoded(
    size: int, write: Callable[Arguments, bytes], *arguments: Arguments.args, **options: Arguments.kwargs
) -> bytes:
    """Write a long answer beside the event loop, a short one at once."""
    if size > LONG_ROWS:
        return await asyncio.to_thread(write, *arguments, **options)
    return write(*arguments, **options)


def _json(request: Request, content: bytes) -> Response:
    packing = choose_packing(request.headers.get("accept-encoding"))
    return Streamed(at_once([content]), Format.JSON, packing)


def _link(request: Request, cursor: str | None) -> dict[str, str]:
    """RFC 8288: where the next page is."""
    if cursor is None:
        return {}
    return {"link": f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'}
