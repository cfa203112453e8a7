"""HTTP of the fleet: who is there, what waits at the edge, and the take-over of a replaced gateway."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.agents.answers import encode_agent_page
from cloud_api.agents.models import AgentPage, TakeOverAnswer, TakeOverRequest, WhileOnline
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, Problem, body_invalid, not_found, parameter_invalid
from cloud_api.storage.agents import AgentUnknown, TakeOver, take_over
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.fleet import select_agent, select_agent_untils, select_agents
from cloud_api.storage.pool import Connection, transaction
from schemas.agent_status import AgentState
from schemas.sample import name_problem

NAME_ALLOWED = "1 to 64 of the characters A-Z a-z 0-9 . _ -"
_QUESTION = ("agents",)

router = APIRouter(prefix="/agents", tags=["fleet"])


class AgentParameters(BaseModel):
    """Of GET /agents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=100, ge=1, le=1_000)
    cursor: str | None = Field(default=None, description="`next` of the page before")


@router.get(
    "",
    response_model=AgentPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Agents: status, backlog, devices, configuration, certificates." + role_line(Role.VIEWER),
)
async def list_agents(parameters: Annotated[AgentParameters, Query()], pool: PoolOf, _caller: Viewer) -> Response:
    """List agents."""
    after = read_cursor(parameters.cursor, _QUESTION, str) if parameters.cursor else ""
    async with transaction(pool) as connection:
        rows = await select_agents(connection, after, parameters.limit + 1)
        page = rows[: parameters.limit]
        untils = await select_agent_untils(connection, [row.id for row in page])
    cursor = write_cursor(page[-1].id, _QUESTION) if len(rows) > len(page) else None
    return Response(encode_agent_page(page, untils, cursor, datetime.now(UTC)), media_type="application/json")


@router.post(
    "/{new}/take-over",
    response_model=TakeOverAnswer,
    responses=refusals(
        Kinds.PARAMETER_INVALID,
        Kinds.BODY_INVALID,
        Kinds.NOT_FOUND,
        Kinds.CONFLICT,
        Kinds.MEDIA_TYPE_UNSUPPORTED,
    ),
    description="Let agent `new` continue the series of the agent it replaces. Audited." + role_line(Role.ENGINEER),
)
async def take_over_agent(new: str, body: TakeOverRequest, pool: PoolOf, caller: Engineer) -> Response:
    """Take over the series of a replaced agent."""
    if problem := name_problem(new):
        raise parameter_invalid("new", new, problem, NAME_ALLOWED)
    if problem := name_problem(body.from_):
        raise body_invalid("from", body.from_, problem, NAME_ALLOWED)
    if new == body.from_:
        raise body_invalid("from", body.from_, "is the agent itself", "another agent")
    async with transaction(pool) as connection:
        taken = await _take_over(connection, new, body)
        detail = {"from": body.from_, "moved": taken.moved, "left": list(taken.left[:100])}
        await insert_audit(connection, caller.name, "agent.take_over", new, detail)
    answer = {"agent": new, "from": body.from_, "moved": taken.moved, "left": list(taken.left)}
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _take_over(connection: Connection, new: str, body: TakeOverRequest) -> TakeOver:
    old = await select_agent(connection, body.from_)
    if old is not None and old.state == AgentState.ONLINE and body.while_online is WhileOnline.REFUSE:
        detail = f"agent {old.id} is online; stop it, or say `while_online`: `allow`"
        raise Problem(Kinds.CONFLICT, detail)
    try:
        return await take_over(connection, new, body.from_)
    except AgentUnknown as error:
        field = "from" if str(error) == body.from_ else "new"
        raise not_found("agent", field, str(error)) from error
