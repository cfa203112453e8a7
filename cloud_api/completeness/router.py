"""HTTP of completeness: what was to be expected, what came, what is missing and at whose door it lies."""

import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.completeness.answers import (
    HOLE_COLUMNS,
    SERIES_COLUMNS,
    SUM_COLUMNS,
    encode_judged,
    encode_sums,
    hole_rows,
    item_rows,
)
from cloud_api.completeness.models import CompletenessAnswer, CompletenessParameters, SheetRows
from cloud_api.completeness.observing import Purse
from cloud_api.completeness.service import Group, Judged, Question, Sums, judge_groups, judge_page, key_of, total
from cloud_api.completeness.stretches import Stretch
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.instants import format_us, parse_instant
from cloud_api.problems import Kinds, parameter_invalid
from cloud_api.scopes import read_scope
from cloud_api.settings import CloudSettings
from cloud_api.sheets import MEDIA_TYPE, wants_sheet, write_sheet
from cloud_api.slots import Slots
from cloud_api.storage.completeness import PromiseFilter, set_one_snapshot
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection, transaction

router = APIRouter(tags=["history"])


@router.get(
    "/completeness",
    response_model=CompletenessAnswer,
    responses=refusals(
        Kinds.PARAMETER_INVALID,
        Kinds.CURSOR_INVALID,
        Kinds.NOT_FOUND,
        Kinds.QUERY_TOO_LARGE,
        Kinds.TOO_MANY_REQUESTS,
        Kinds.QUERY_TIMEOUT,
    ),
    description="How complete history is, by series, asset or agent: samples due and received, covered time in percent,"
    " holes with reason and blame. What an agent has not yet said to be delivered is unknown, not missing; maintenance"
    " is planned. `Accept: text/csv` gives a row for each item or hole." + role_line(Role.VIEWER),
)
async def get_completeness(
    request: Request, parameters: Annotated[CompletenessParameters, Query()], pool: PoolOf, caller: Viewer
) -> Response:
    """Say how complete history is."""
    settings: CloudSettings = request.state.settings
    slots: Slots = request.state.query_slots
    window = _window(parameters)
    async with slots.slot(caller.scope_of_keys), transaction(pool) as connection:
        await set_one_snapshot(connection)
        await set_statement_timeout(connection, settings.query_timeout_s)
        glob = await read_scope(connection, parameters.path, parameters.asset)
        promise_filter = PromiseFilter(glob, parameters.agent, at_us(window[0]))
        most = settings.query_max_samples
        question = Question(promise_filter, window, time.time_ns() // 1000, Purse(most, most))
        if parameters.group is Group.SERIES:
            return await _series(connection, request, parameters, question)
        sums = await judge_groups(connection, question, key_of(parameters.group, parameters.depth))
    return _groups(request, parameters, question, sums)


def _window(parameters: CompletenessParameters) -> Stretch:
    window = (parse_instant(parameters.from_, "from"), parse_instant(parameters.to, "to"))
    if window[0] >= window[1]:
        raise parameter_invalid("to", parameters.to, "is not after `from`", "an instant after `from`")
    return window


async def _series(
    connection: Connection, request: Request, parameters: CompletenessParameters, question: Question
) -> Response:
    asked = ("completeness", question.promise_filter.glob.text, parameters.agent, *question.window)
    after = read_cursor(parameters.cursor, asked, str) if parameters.cursor else ""
    judged = await judge_page(connection, question, after, parameters.limit + 1)
    page = judged[: parameters.limit]
    cursor = write_cursor(page[-1].row.path, asked) if len(judged) > len(page) else None
    if wants_sheet(request.headers.get("Accept")):
        return _sheet(parameters, page)
    items = [encode_judged(each, parameters.holes) for each in page]
    sums = Sums()
    for each in page:
        sums.add(each)
    whole = encode_sums(sums) if cursor is None and not parameters.cursor else None
    return _json(parameters.group, question, items, whole, cursor)


def _sheet(parameters: CompletenessParameters, page: Sequence[Judged]) -> Response:
    if parameters.rows is SheetRows.HOLES:
        return Response(write_sheet(HOLE_COLUMNS, hole_rows(page), parameters.csv), media_type=MEDIA_TYPE)
    columns = (*SERIES_COLUMNS, *SUM_COLUMNS)
    rows = item_rows([encode_judged(each, 0) for each in page], columns)
    return Response(write_sheet(columns, rows, parameters.csv), media_type=MEDIA_TYPE)


def _groups(
    request: Request, parameters: CompletenessParameters, question: Question, sums: dict[str, Sums]
) -> Response:
    name = parameters.group.value
    items = [encode_sums(each, **{name: key or None}) for key, each in sums.items()]
    if wants_sheet(request.headers.get("Accept")):
        columns = (name, "series", *SUM_COLUMNS)
        return Response(write_sheet(columns, item_rows(items, columns), parameters.csv), media_type=MEDIA_TYPE)
    return _json(parameters.group, question, items, encode_sums(total(sums.values())), None)


def _json(
    group: Group, question: Question, items: list[dict[str, Any]], whole: dict[str, Any] | None, cursor: str | None
) -> Response:
    answer = {
        "from_at": format_us(question.window[0]),
        "to_at": format_us(question.window[1]),
        "group": group.value,
        "resolution": question.resolution,
        "blind_below_s": question.blind_us / 1e6 or None,
        "total": whole,
        "items": items,
        "next": cursor,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")
