"""HTTP of calculations: list, read, try, make, change, delete, backfill."""

import time
from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.calculations import service
from cloud_api.calculations.answers import calculation_answer, page_answer, preview_answer, version_list
from cloud_api.calculations.models import (
    Backfill,
    Calculation,
    CalculationChange,
    CalculationPage,
    Mode,
    NewCalculation,
    Preview,
    PreviewAnswer,
    VersionList,
)
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, not_found
from cloud_api.scopes import ASSET, read_scope
from cloud_api.storage.calculations import select_calculation_page, select_calculation_versions
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import Connection, transaction

PREVIEW_TIMEOUT_S = 30.0

router = APIRouter(prefix="/calculations", tags=["calculations"])

CalculationId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Version = Annotated[int, Query(ge=1, le=2**31 - 1, description="The version that the change is made from")]
CHANGING = refusals(
    Kinds.BODY_INVALID, Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED
)


@router.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Calculated series with their definitions, in byte order of their paths." + role_line(Role.VIEWER),
)
async def list_calculations(
    pool: PoolOf,
    _caller: Viewer,
    path: Annotated[str | None, Query(max_length=1300, description="Glob of their paths")] = None,
    asset: Annotated[str | None, Query(max_length=1300, description=ASSET)] = None,
    mode: Mode | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=4096)] = None,
) -> CalculationPage:
    """List calculations."""
    question = ("calculations", path, asset, None if mode is None else mode.value)
    after = read_cursor(cursor, question, str) if cursor else ""
    async with transaction(pool) as connection:
        glob = await read_scope(connection, path, asset)
        rows = await select_calculation_page(connection, glob, None if mode is None else mode.value, after, limit + 1)
        page = rows[:limit]
        found = await service.describe(connection, page)
    return page_answer(found, write_cursor(page[-1].path, question) if len(rows) > limit else None)


@router.post(
    "/preview",
    responses=refusals(Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.QUERY_TIMEOUT),
    description="Try an expression over a window; nothing is stored." + role_line(Role.ENGINEER),
)
async def preview_calculation(body: Preview, pool: PoolOf, _caller: Engineer) -> PreviewAnswer:
    """Try an expression."""
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, PREVIEW_TIMEOUT_S)
        read, calculation, columns, is_whole = await service.preview(connection, body)
    return preview_answer(read, calculation, columns, (is_whole, calculation.until_us(time.time_ns() // 1000, 0)))


@router.post(
    "",
    status_code=201,
    responses=refusals(Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Make a calculated series. Audited." + role_line(Role.ENGINEER),
)
async def create_calculation(body: NewCalculation, pool: PoolOf, caller: Engineer) -> Calculation:
    """Make a calculation."""
    async with transaction(pool) as connection:
        calculation_id = await service.create(connection, body, caller.name)
        return await _shown(connection, calculation_id)


@router.get(
    "/{calculation_id}",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One calculation: its definition, its inputs and how far it is." + role_line(Role.VIEWER),
)
async def get_calculation(calculation_id: CalculationId, pool: PoolOf, _caller: Viewer) -> Calculation:
    """Read a calculation."""
    async with transaction(pool) as connection:
        return await _shown(connection, calculation_id)


@router.put(
    "/{calculation_id}",
    responses=CHANGING,
    description="Replace a definition by a new version, in force from now on; of a materialised series the past is "
    "calculated again from `backfill_from`, if that is given. Audited." + role_line(Role.ENGINEER),
)
async def replace_calculation(
    calculation_id: CalculationId, version: Version, body: CalculationChange, pool: PoolOf, caller: Engineer
) -> Calculation:
    """Change a calculation."""
    async with transaction(pool) as connection:
        await service.change(connection, calculation_id, version, body, caller.name)
        return await _shown(connection, calculation_id)


@router.delete(
    "/{calculation_id}",
    status_code=204,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="End a calculation and retire its series; what it has been stays readable. Audited."
    + role_line(Role.ENGINEER),
)
async def delete_calculation(calculation_id: CalculationId, version: Version, pool: PoolOf, caller: Engineer) -> None:
    """Delete a calculation."""
    async with transaction(pool) as connection:
        await service.delete(connection, calculation_id, version, caller.name)


@router.post(
    "/{calculation_id}/backfill",
    status_code=202,
    responses=CHANGING,
    description="Let a stretch of the past be calculated again; `state.pending` says what is left. Audited."
    + role_line(Role.ENGINEER),
)
async def backfill_calculation(
    calculation_id: CalculationId, body: Backfill, pool: PoolOf, caller: Engineer
) -> Calculation:
    """Calculate the past."""
    async with transaction(pool) as connection:
        await service.backfill(connection, calculation_id, body, caller.name)
        return await _shown(connection, calculation_id)


@router.get(
    "/{calculation_id}/versions",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Every version, the newest first; of deleted calculations too." + role_line(Role.VIEWER),
)
async def list_calculation_versions(calculation_id: CalculationId, pool: PoolOf, _caller: Viewer) -> VersionList:
    """List versions."""
    async with pool.connection() as connection:
        rows = await select_calculation_versions(connection, calculation_id)
    if not rows:
        raise not_found("calculation", "calculation_id", calculation_id)
    return version_list(rows)


async def _shown(connection: Connection, calculation_id: int) -> Calculation:
    row = await service.find_row(connection, calculation_id)
    (found,) = await service.describe(connection, [row])
    return calculation_answer(found)
