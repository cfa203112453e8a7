"""HTTP of the inbox of rejects: grouped, previewed with a mapping, replayed many at once, rules."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from cloud_api.auth.access import Engineer, PoolOf, Viewer, WholeEngineer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.ingest.inbox.models import (
    GroupParameters,
    MappingModel,
    Preview,
    PreviewRequest,
    RejectGroups,
    RejectRule,
    RejectRules,
    Remember,
    ReplayReport,
    ReplayRequest,
)
from cloud_api.ingest.inbox.service import Report, preview, replay, rule_problem, selection_of
from cloud_api.ingest.router import DoorsOf, told
from cloud_api.instants import format_at
from cloud_api.problems import Kinds, not_found
from cloud_api.sheets import MEDIA_TYPE, wants_sheet, write_sheet
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.inbox import (
    RejectGroupRow,
    RejectRuleRow,
    RejectSelection,
    delete_reject_rule,
    select_open_reject_sums,
    select_open_rejects,
    select_reject_groups,
    select_reject_rules,
    upsert_reject_rule,
)
from cloud_api.storage.pool import transaction

COLUMNS = tuple(RejectGroupRow.__dataclass_fields__)
PREVIEWED = 100

router = APIRouter(tags=["ingest"])


@router.get(
    "/rejects/groups",
    response_model=RejectGroups,
    responses=refusals(Kinds.PARAMETER_INVALID),
    description="Open rejects by agent, path and reason, most samples first. `Accept: text/csv` gives a table."
    + role_line(Role.VIEWER),
)
async def list_reject_groups(
    request: Request, parameters: Annotated[GroupParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """Group rejects."""
    selection = RejectSelection(None, parameters.agent, parameters.path, parameters.reason)
    async with pool.connection() as connection:
        rows = await select_reject_groups(connection, selection, parameters.limit)
    items = [_group(row) for row in rows]
    if wants_sheet(request.headers.get("Accept")):
        cells = [tuple(item[column] for column in COLUMNS) for item in items]
        return Response(write_sheet(COLUMNS, cells, parameters.csv), media_type=MEDIA_TYPE)
    return _json({"items": items})


@router.post(
    "/rejects/preview",
    response_model=Preview,
    responses=refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="What a replay with a mapping would send; nothing is stored." + role_line(Role.ENGINEER),
)
async def preview_rejects(asked: PreviewRequest, pool: PoolOf, _caller: Engineer) -> Response:
    """Show samples before and after."""
    select = asked.select
    selection = RejectSelection(select.ids, select.agent, select.path, select.reason)
    async with transaction(pool) as connection:
        rejects, samples = await select_open_reject_sums(connection, selection)
        first = await select_open_rejects(connection, selection, 0, PREVIEWED)
        shown, problems = await preview(connection, first, asked.mapping.mapping(), asked.samples)
    return _json({"rejects": rejects, "samples": samples, "shown": shown, "problems": problems})


@router.post(
    "/rejects/replay",
    response_model=ReplayReport,
    responses=refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.INGEST_UNAVAILABLE),
    description="Try many rejects again, with a mapping if one is given, up to 1,000 a call. What cannot be stored"
    " stays. `remember: rule` applies the mapping to what is put aside from now on. Audited."
    + role_line(Role.ENGINEER),
)
async def replay_rejects(asked: ReplayRequest, pool: PoolOf, caller: WholeEngineer, doors: DoorsOf) -> Response:
    """Replay rejects."""
    problem = rule_problem(asked) if asked.remember is Remember.RULE else None
    if problem is not None:
        raise problem
    selection, rule_id = selection_of(asked), None
    async with transaction(pool) as connection:
        rejects = await select_open_rejects(connection, selection, 0, asked.limit)
        if asked.remember is Remember.RULE:
            mapping = asked.mapping.model_dump_json(exclude_none=True)
            rule_id = await upsert_reject_rule(connection, selection, mapping, caller.name)
    with told():
        report = await replay(doors, rejects, asked.mapping.mapping(), caller.name)
    async with transaction(pool) as connection:
        left, _ = await select_open_reject_sums(connection, selection)
        answer = _report(report, max(left - (report.tried - report.replayed), 0), rule_id)
        detail = asked.model_dump(mode="json", exclude_unset=True) | {"report": answer}
        await insert_audit(connection, caller.name, "reject.replay_many", None, detail)
    return _json(answer)


@router.get(
    "/reject-rules",
    response_model=RejectRules,
    responses=refusals(),
    description="Mappings that are applied to what is put aside." + role_line(Role.VIEWER),
)
async def list_reject_rules(pool: PoolOf, _caller: Viewer) -> Response:
    """List rules."""
    async with pool.connection() as connection:
        rows = await select_reject_rules(connection)
    return _json({"items": [_rule(row) for row in rows]})


@router.delete(
    "/reject-rules/{rule_id}",
    response_model=RejectRule,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Forget a rule; what it replayed stays. Audited." + role_line(Role.ENGINEER),
)
async def remove_reject_rule(
    rule_id: Annotated[int, Path(ge=1, le=2**63 - 1)], pool: PoolOf, caller: Engineer
) -> Response:
    """Forget a rule."""
    async with transaction(pool) as connection:
        rows = [row for row in await select_reject_rules(connection) if row.id == rule_id]
        if not rows:
            raise not_found("reject rule", "rule_id", rule_id)
        await delete_reject_rule(connection, rule_id)
        await insert_audit(connection, caller.name, "reject_rule.delete", str(rule_id), _rule(rows[0]))
    return _json(_rule(rows[0]))


def _group(row: RejectGroupRow) -> dict[str, Any]:
    times = {"first_at": row.first_at, "last_at": row.last_at}
    return asdict(row) | {name: None if at is None else format_at(at) for name, at in times.items()}


def _rule(row: RejectRuleRow) -> dict[str, Any]:
    mapping = MappingModel.model_validate_json(row.mapping).model_dump(mode="json")
    return asdict(row) | {"mapping": mapping, "created_at": format_at(row.created_at)}


def _report(report: Report, left: int, rule_id: int | None) -> dict[str, Any]:
    failures = [{"reject_id": reject_id, "detail": detail} for reject_id, detail in report.failures]
    return {
        "rejects": report.tried,
        "replayed": report.replayed,
        "stored": report.stored,
        "unchanged": report.unchanged,
        "overwritten": report.overwritten,
        "failures": failures,
        "left": left,
        "rule_id": rule_id,
    }


def _json(answer: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
