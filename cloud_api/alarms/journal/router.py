"""HTTP of the journal: its sealed rows as pages, and as a stream that begins with a snapshot of the alarms."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from cloud_api.alarms.journal.answers import encode_journal_page
from cloud_api.alarms.journal.feed import Feed
from cloud_api.alarms.journal.models import JournalPage, JournalParameters, StreamParameters
from cloud_api.alarms.journal.stream import AlarmStream, StreamOptions
from cloud_api.alarms.journal.tables import COLUMNS
from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.auth.standing import Standing
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.formats.accept import Format, choose_format
from cloud_api.formats.rows import write_rows
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.problems import Kinds, parameter_invalid
from cloud_api.scopes import read_scope
from cloud_api.server_events import HEADERS, LAST_EVENT_ID, MEDIA_TYPE, Closing
from cloud_api.settings import CloudSettings
from cloud_api.storage.alarm_list import AlarmFilter
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.journal import NEWEST, JournalFilter, select_journal_page
from cloud_api.storage.pool import Connection, transaction

STALLED_S = 60.0

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

router = APIRouter(prefix="/alarms", tags=["alarms"])

AsJournal = Annotated[JournalParameters, Query()]
AsStream = Annotated[StreamParameters, Query()]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="zh…: messages in Chinese")]
LastEventId = Annotated[str | None, Header(alias=LAST_EVENT_ID, description="The number of the last change seen")]


@router.get(
    "/journal",
    response_model=JournalPage,
    responses={
        200: {"content": {each.value: {} for each in Format if each is not Format.JSON}},
        **refusals(
            Kinds.PARAMETER_INVALID,
            Kinds.CURSOR_INVALID,
            Kinds.NOT_ACCEPTABLE,
            Kinds.NOT_FOUND,
            Kinds.QUERY_TIMEOUT,
        ),
    },
    description="What happened to alarms, newest first. Only sealed rows: a page never changes afterwards. `Accept` "
    "chooses JSON, CSV, Arrow or Parquet; for these the next page is in the header `Link`." + role_line(Role.VIEWER),
)
async def list_journal(
    request: Request, parameters: AsJournal, pool: PoolOf, _caller: Viewer, languages: Languages = None
) -> Response:
    """List the journal."""
    chosen = choose_format(request.headers.get("accept"))
    settings: CloudSettings = request.state.settings
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, settings.query_timeout_s)
        journal_filter = await _read_filter(connection, parameters)
        glob = None if journal_filter.glob is None else journal_filter.glob.text
        question = ("journal", journal_filter.alarm_id, glob, *_window(journal_filter), journal_filter.events)
        before = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
        rows = await select_journal_page(connection, journal_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].number, question) if len(rows) > len(page) else None
    if chosen is not Format.JSON:
        content = await asyncio.to_thread(write_rows, page, COLUMNS, chosen, is_excel=parameters.excel)
        return Response(content, media_type=chosen.value, headers=_link(request, cursor))
    in_chinese = (languages or "").lower().startswith("zh")
    content = await asyncio.to_thread(encode_journal_page, page, cursor, in_chinese=in_chinese)
    return Response(content, media_type="application/json")


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    },
    description="Server-sent events. `snapshot`: all alarms that are not normal, in parts; the last part has an id. "
    "`change`: one sealed row of the journal, its number as id, with the alarm as it is now. `Last-Event-ID` goes on "
    "after that number, each change once; who is too far back gets a snapshot again." + role_line(Role.VIEWER),
)
async def stream_alarms(
    request: Request,
    parameters: AsStream,
    pool: PoolOf,
    caller: Viewer,
    last_event_id: LastEventId = None,
    languages: Languages = None,
) -> Response:
    """Stream alarms."""
    after = _number(last_event_id)
    async with transaction(pool) as connection:
        is_open = parameters.path is None and parameters.asset is None
        glob = None if is_open else await read_scope(connection, parameters.path, parameters.asset)
    positions = None if parameters.position is None else tuple(parameters.position)
    alarm_filter = AlarmFilter(positions=positions, glob=glob)
    options = StreamOptions(alarm_filter, (languages or "").lower().startswith("zh"), caller.reach)
    closing: Closing = request.state.closing
    feed: Feed = request.state.alarm_feed
    events = AlarmStream(pool, feed, closing, options).events(after)
    standing: Standing = request.state.standing
    events = standing.while_standing(caller, events)
    return _ImpatientStream(events, media_type=MEDIA_TYPE, headers=dict(HEADERS))


class _ImpatientStream(StreamingResponse):
    """Gives up a reader that takes nothing for STALLED_S."""

    async def stream_response(self, send: Send) -> None:
        """Send the events, each in time."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(STALLED_S):
                await send(message)

        await super().stream_response(send_in_time)


async def _read_filter(connection: Connection, parameters: JournalParameters) -> JournalFilter:
    from_us = parse_instant(parameters.from_, "from") if parameters.from_ else None
    to_us = parse_instant(parameters.to, "to") if parameters.to else None
    is_open = parameters.path is None and parameters.asset is None
    return JournalFilter(
        alarm_id=parameters.alarm,
        glob=None if is_open else await read_scope(connection, parameters.path, parameters.asset),
        from_at=None if from_us is None else to_datetime(from_us),
        to_at=None if to_us is None else to_datetime(to_us),
        events=None if parameters.event is None else tuple(event.value for event in parameters.event),
    )


def _window(journal_filter: JournalFilter) -> tuple[object, object]:
    return journal_filter.from_at, journal_filter.to_at


def _link(request: Request, cursor: str | None) -> dict[str, str]:
    """RFC 8288: where the next page is."""
    if cursor is None:
        return {}
    return {"link": f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'}


def _number(last_event_id: str | None) -> int | None:
    if not last_event_id:
        return None
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 20):
        allowed = "the id of an event of this stream, or no such header"
        raise parameter_invalid(LAST_EVENT_ID, last_event_id, "is not the number of a change", allowed)
    return int(last_event_id)
