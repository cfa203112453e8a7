"""HTTP of alarms in operation: the list, one alarm, and the verbs of operators and engineers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from cloud_api.alarms.duration import parse_duration
from cloud_api.alarms.lifecycle.verbs import (
    Asked,
    Outcome,
    acknowledge,
    assign,
    comment_on,
    reset,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from cloud_api.alarms.operation.answers import encode_alarm, encode_alarm_page, encode_many, encode_outcome
from cloud_api.alarms.operation.guidance import show_guidance
from cloud_api.alarms.operation.many import acknowledge_by_filter, acknowledge_by_ids
from cloud_api.alarms.operation.models import AlarmAnswer, AlarmDetail, AlarmPage, ManyAnswer
from cloud_api.alarms.operation.requests import (
    AcknowledgeManyRequest,
    AlarmParameters,
    AssignRequest,
    CommentRequest,
    OptionalCommentRequest,
    OutOfServiceRequest,
    ShelveRequest,
)
from cloud_api.alarms.operation.selection import read_filter
from cloud_api.alarms.versions import expected_version
from cloud_api.auth.access import Maintenance, Operator, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.principal import Principal
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, in_body, not_found
from cloud_api.settings import CloudSettings
from cloud_api.storage.alarm_list import (
    AlarmPlace,
    place_of,
    select_alarm,
    select_alarm_counts,
    select_alarm_page,
)
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import Connection, Pool, transaction

LONG_ROWS = 200

router = APIRouter(prefix="/alarms", tags=["alarms"])

AsAlarms = Annotated[AlarmParameters, Query()]
IfMatch = Annotated[str | None, Header(alias="If-Match", description='The ETag of the alarm that was seen, as "7"')]
Languages = Annotated[str | None, Header(alias="Accept-Language", description="zh…: messages in Chinese")]
VERB = refusals(
    Kinds.PARAMETER_INVALID,
    Kinds.BODY_INVALID,
    Kinds.NOT_FOUND,
    Kinds.CONFLICT,
    Kinds.VERSION_CONFLICT,
    Kinds.MEDIA_TYPE_UNSUPPORTED,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What every verb reads beside its body."""

    pool: Pool
    if_match: str | None
    in_chinese: bool

    def asked(self, caller: Principal, comment: str | None, version: int | None) -> Asked:
        """Say who asks for what; the version stands in the body or in If-Match."""
        return Asked(caller.name, datetime.now(UTC), comment, expected_version(self.if_match, version))

    def answer(self, outcome: Outcome) -> Response:
        """Answer with the alarm."""
        content = encode_outcome(outcome, in_chinese=self.in_chinese)
        return Response(content, media_type="application/json", headers={"ETag": f'"{outcome.row.version}"'})


def read_call(pool: PoolOf, if_match: IfMatch = None, languages: Languages = None) -> Call:
    """Read the headers of a verb."""
    return Call(pool, if_match, _is_chinese(languages))


VerbCall = Annotated[Call, Depends(read_call)]


@router.get(
    "",
    response_model=AlarmPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND, Kinds.QUERY_TIMEOUT),
    description="Alarms of one list, with the counts of all lists." + role_line(Role.VIEWER),
)
async def list_alarms(
    request: Request, parameters: AsAlarms, pool: PoolOf, _caller: Viewer, languages: Languages = None
) -> Response:
    """List alarms."""
    as_of = datetime.now(UTC)
    async with _reading(request, pool) as connection:
        alarm_filter = await read_filter(connection, parameters)
        question = ("alarms", parameters.state, parameters.sort, *alarm_filter.question)
        after = read_cursor(parameters.cursor, question, AlarmPlace) if parameters.cursor else None
        rows = await select_alarm_page(
            connection, alarm_filter, parameters.state, parameters.sort, after, parameters.limit + 1
        )
        counts = await select_alarm_counts(connection, alarm_filter)
    page = rows[: parameters.limit]
    cursor = write_cursor(place_of(page[-1], parameters.sort), question) if len(rows) > len(page) else None
    in_chinese = _is_chinese(languages)
    if len(page) > LONG_ROWS:
        content = await asyncio.to_thread(encode_alarm_page, page, counts, as_of, cursor, in_chinese=in_chinese)
    else:
        content = encode_alarm_page(page, counts, as_of, cursor, in_chinese=in_chinese)
    return Response(content, media_type="application/json")


@router.post(
    "/acknowledge",
    response_model=ManyAnswer,
    responses=refusals(
        Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.QUERY_TIMEOUT, Kinds.BODY_TOO_LARGE
    ),
    description="Acknowledge many alarms, by ids or by a filter; each is reported." + role_line(Role.OPERATOR),
)
async def acknowledge_alarms(
    request: Request, body: AcknowledgeManyRequest, pool: PoolOf, caller: Operator
) -> Response:
    """Acknowledge many alarms."""
    asked = Asked(caller.name, datetime.now(UTC), body.comment)
    with in_body():
        async with _reading(request, pool) as connection:
            if body.ids is not None:
                outcomes = await acknowledge_by_ids(connection, body.ids, asked)
            else:
                assert body.filter is not None
                outcomes = await acknowledge_by_filter(connection, body.filter, asked)
    return Response(await asyncio.to_thread(encode_many, outcomes), media_type="application/json")


@router.get(
    "/{alarm_id}",
    response_model=AlarmDetail,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One alarm, with what its definition says to do; its ETag is its version." + role_line(Role.VIEWER),
)
async def get_alarm(alarm_id: UUID, pool: PoolOf, _caller: Viewer, languages: Languages = None) -> Response:
    """Show one alarm."""
    in_chinese = _is_chinese(languages)
    async with pool.connection() as connection:
        row = await select_alarm(connection, alarm_id)
        if row is None:
            raise not_found("alarm", "alarm_id", str(alarm_id))
        guidance = await show_guidance(connection, row, in_chinese=in_chinese)
    content = encode_alarm(row, guidance, in_chinese=in_chinese)
    return Response(content, media_type="application/json", headers={"ETag": f'"{row.version}"'})


@router.post(
    "/{alarm_id}/acknowledge",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Say that an alarm was seen. One that was acknowledged before stays as it is, and `changed` is false."
    + role_line(Role.OPERATOR),
)
async def ack_alarm(
    alarm_id: UUID, caller: Operator, call: VerbCall, body: OptionalCommentRequest | None = None
) -> Response:
    """Acknowledge an alarm."""
    asked = call.asked(caller, body and body.comment, body and body.version)
    async with transaction(call.pool) as connection:
        outcome = await acknowledge(connection, alarm_id, asked)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/shelve",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Take an alarm off the list for a bounded time (OPC UA Part 9: TimedShelve, OneShotShelve)."
    + role_line(Role.OPERATOR),
)
async def shelve_alarm(alarm_id: UUID, caller: Operator, call: VerbCall, body: ShelveRequest) -> Response:
    """Shelve an alarm."""
    asked = call.asked(caller, body.reason, body.version)
    duration = parse_duration(body.duration)
    async with transaction(call.pool) as connection:
        outcome = await shelve(connection, alarm_id, asked, duration)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/unshelve",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Put a shelved alarm back on the list; an active one is to be acknowledged again (Part 9: Unshelve)."
    + role_line(Role.OPERATOR),
)
async def unshelve_alarm(
    alarm_id: UUID, caller: Operator, call: VerbCall, body: OptionalCommentRequest | None = None
) -> Response:
    """Unshelve an alarm."""
    asked = call.asked(caller, body and body.comment, body and body.version)
    async with transaction(call.pool) as connection:
        outcome = await unshelve(connection, alarm_id, asked)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/out-of-service",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Take an alarm out of service on a work order (Part 9: PlaceInOutOfService)."
    + role_line(Role.MAINTENANCE),
)
async def take_alarm_out_of_service(
    alarm_id: UUID, caller: Maintenance, call: VerbCall, body: OutOfServiceRequest
) -> Response:
    """Take an alarm out of service."""
    asked = call.asked(caller, body.reason, body.version)
    async with transaction(call.pool) as connection:
        outcome = await take_out_of_service(connection, alarm_id, asked, body.order_number)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/return",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Bring an alarm back into service; an active one is to be acknowledged again"
    " (Part 9: RemoveFromOutOfService)." + role_line(Role.MAINTENANCE),
)
async def return_alarm(
    alarm_id: UUID, caller: Maintenance, call: VerbCall, body: OptionalCommentRequest | None = None
) -> Response:
    """Return an alarm to service."""
    asked = call.asked(caller, body and body.comment, body and body.version)
    async with transaction(call.pool) as connection:
        outcome = await return_to_service(connection, alarm_id, asked)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/reset",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Let go of a latched alarm that is acknowledged and whose condition has gone (Part 9: Reset)."
    + role_line(Role.OPERATOR),
)
async def reset_alarm(
    alarm_id: UUID, caller: Operator, call: VerbCall, body: OptionalCommentRequest | None = None
) -> Response:
    """Reset a latched alarm."""
    asked = call.asked(caller, body and body.comment, body and body.version)
    async with transaction(call.pool) as connection:
        outcome = await reset(connection, alarm_id, asked)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/comment",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Leave a remark on an alarm (Part 9: AddComment)." + role_line(Role.OPERATOR),
)
async def comment_alarm(alarm_id: UUID, caller: Operator, call: VerbCall, body: CommentRequest) -> Response:
    """Comment on an alarm."""
    asked = call.asked(caller, body.comment, body.version)
    async with transaction(call.pool) as connection:
        outcome = await comment_on(connection, alarm_id, asked)
    return call.answer(outcome)


@router.post(
    "/{alarm_id}/assign",
    response_model=AlarmAnswer,
    responses=VERB,
    description="Say whose work an alarm is." + role_line(Role.OPERATOR),
)
async def assign_alarm(alarm_id: UUID, caller: Operator, call: VerbCall, body: AssignRequest) -> Response:
    """Assign an alarm."""
    asked = call.asked(caller, body.comment, body.version)
    async with transaction(call.pool) as connection:
        outcome = await assign(connection, alarm_id, asked, body.assignee)
    return call.answer(outcome)


@asynccontextmanager
async def _reading(request: Request, pool: Pool) -> AsyncGenerator[Connection]:
    """One transaction whose statements the database cancels when they take too long."""
    settings: CloudSettings = request.state.settings
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, settings.query_timeout_s)
        yield connection


def _is_chinese(languages: str | None) -> bool:
    return (languages or "").strip().lower().startswith("zh")
