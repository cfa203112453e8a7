"""HTTP of bulk edits: a sheet in, what it does out."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cloud_api.assets.bulk.models import BulkAnswer, BulkMode, BulkParameters
from cloud_api.assets.bulk.service import BulkReport, apply_sheet
from cloud_api.assets.bulk.sheet import SheetProblem, SheetUnreadable, read_sheet
from cloud_api.auth.access import Engineer, PoolOf, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.problems import FieldProblem, Kinds, Problem, media_type_unsupported
from cloud_api.sheets import MEDIA_TYPE
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Pool

router = APIRouter(prefix="/assets", tags=["assets"])


class _TakenBack(Exception):
    """Ends a transaction of which nothing is to stay."""


@router.post(
    "/bulk",
    response_model=BulkAnswer,
    responses=refusals(
        Kinds.PARAMETER_INVALID, Kinds.BODY_INVALID, Kinds.BODY_TOO_LARGE, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.CONFLICT
    ),
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    description="Edit many assets by a sheet, as `GET /assets` with `Accept: text/csv` gives one: assets that are not"
    " there are made, `new_path` moves, an empty cell takes away, a column that is left out leaves alone. `dry_run`"
    " tells every problem; `apply` does all or, with any problem, nothing. Audited." + role_line(Role.ENGINEER),
)
async def edit_assets(
    request: Request, parameters: Annotated[BulkParameters, Query()], pool: PoolOf, caller: Engineer
) -> Response:
    """Edit assets by a sheet."""
    charset = _charset(request)
    try:
        rows, problems = read_sheet(await request.body(), charset)
    except SheetUnreadable as error:
        raise Problem(Kinds.BODY_INVALID, str(error)) from error
    report = BulkReport(problems=problems)
    if not problems or parameters.mode is BulkMode.DRY_RUN:
        report = await _apply(pool, rows, problems, parameters.mode, caller.name)
    if report.problems and parameters.mode is BulkMode.APPLY:
        raise _refused(report.problems)
    return Response(msgspec.json.encode(_encode(report, parameters.mode)), media_type="application/json")


async def _apply(
    pool: Pool, rows: list[Any], problems: list[SheetProblem], mode: BulkMode, principal: str
) -> BulkReport:
    """Do what the sheet says, and take it back when it is only tried or something is wrong with it."""
    report = BulkReport()
    async with pool.connection() as connection:
        try:
            async with connection.transaction():
                report = await apply_sheet(connection, rows, principal)
                report.problems = sorted([*problems, *report.problems], key=lambda problem: problem.line)
                if mode is BulkMode.DRY_RUN or report.problems:
                    raise _TakenBack
                counts = {"created": len(report.created), "changed": len(report.changed), "moved": len(report.moved)}
                await insert_audit(connection, principal, "asset.bulk", None, counts)
        except _TakenBack:
            pass
    return report


def _charset(request: Request) -> str | None:
    given, _, options = request.headers.get("Content-Type", "").partition(";")
    if given.strip().lower() != MEDIA_TYPE:
        raise media_type_unsupported(given.strip(), MEDIA_TYPE)
    name, _, value = options.strip().partition("=")
    return value.strip().strip('"').lower() if name.strip().lower() == "charset" else None


def _refused(problems: list[SheetProblem]) -> Problem:
    fields = [
        FieldProblem(
            field=f"line {each.line}" + (f", {each.column}" if each.column else ""),
            value=each.value,
            detail=each.detail,
            allowed=each.allowed,
        )
        for each in problems
    ]
    shown = "; ".join(f"{field.field}: {field.detail}" for field in fields[:5])
    return Problem(Kinds.BODY_INVALID, f"nothing was changed: {shown}", fields=fields)


def _encode(report: BulkReport, mode: BulkMode) -> dict[str, Any]:
    return {
        "mode": mode,
        "created": report.created,
        "changed": report.changed,
        "moved": [{"from_path": before, "to_path": after} for before, after in report.moved],
        "unchanged": report.unchanged,
        "problems": [asdict(problem) for problem in report.problems],
    }
