"""HTTP of maintenance: planned, changed and ended by maintenance people and engineers, seen by all."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from cloud_api.alarms.maintenance.answers import show_maintenance
from cloud_api.alarms.maintenance.models import (
    Maintenance,
    MaintenanceChange,
    MaintenancePage,
    MaintenanceParameters,
    MaintenanceRequest,
)
from cloud_api.alarms.maintenance.service import change_maintenance, create_maintenance, end_maintenance_now
from cloud_api.alarms.versions import expected_version
from cloud_api.auth.access import Maintenance as Maintainer
from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.problems import Kinds, in_body, not_found
from cloud_api.storage.maintenance import MaintenanceRow, select_maintenance, select_maintenance_page
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/maintenance", tags=["alarms"])

IfMatch = Annotated[str | None, Header(alias="If-Match", description='The ETag that was seen, as "2"')]
CHANGES = (
    Kinds.PARAMETER_INVALID,
    Kinds.BODY_INVALID,
    Kinds.NOT_FOUND,
    Kinds.CONFLICT,
    Kinds.VERSION_CONFLICT,
    Kinds.MEDIA_TYPE_UNSUPPORTED,
)


@router.get(
    "",
    response_model=MaintenancePage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Maintenance, the latest beginning first." + role_line(Role.VIEWER),
)
async def list_maintenance(
    parameters: Annotated[MaintenanceParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """List maintenance."""
    now = datetime.now(UTC)
    question = ("maintenance", parameters.state)
    before = read_cursor(parameters.cursor, question, tuple[datetime, UUID]) if parameters.cursor else None
    async with pool.connection() as connection:
        rows = await select_maintenance_page(connection, parameters.state, now, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor((page[-1].from_at, page[-1].id), question) if len(rows) > len(page) else None
    content = {"items": [show_maintenance(row, now) for row in page], "next": cursor}
    return Response(msgspec.json.encode(content), media_type="application/json")


@router.post(
    "",
    response_model=Maintenance,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Put a device, an asset or some series in maintenance: their stale and bad-quality alarms are"
    " suppressed by that rule, and their gaps count as planned. Audited." + role_line(Role.MAINTENANCE),
)
async def post_maintenance(body: MaintenanceRequest, pool: PoolOf, caller: Maintainer) -> Response:
    """Begin or plan a maintenance."""
    now = datetime.now(UTC)
    with in_body():
        async with transaction(pool) as connection:
            row = await create_maintenance(connection, body, caller.name, now)
    return _answer(row, now)


@router.get(
    "/{maintenance_id}",
    response_model=Maintenance,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One maintenance; its ETag is its version." + role_line(Role.VIEWER),
)
async def get_maintenance(maintenance_id: UUID, pool: PoolOf, _caller: Viewer) -> Response:
    """Show one maintenance."""
    async with pool.connection() as connection:
        row = await select_maintenance(connection, maintenance_id)
    if row is None:
        raise not_found("maintenance", "maintenance_id", str(maintenance_id))
    return _answer(row, datetime.now(UTC))


@router.patch(
    "/{maintenance_id}",
    response_model=Maintenance,
    responses=refusals(*CHANGES),
    description="Give a maintenance another end or reason. Audited." + role_line(Role.MAINTENANCE),
)
async def patch_maintenance(
    maintenance_id: UUID, body: MaintenanceChange, pool: PoolOf, caller: Maintainer, if_match: IfMatch = None
) -> Response:
    """Change a maintenance."""
    now = datetime.now(UTC)
    change = body.model_copy(update={"version": expected_version(if_match, body.version)})
    with in_body():
        async with transaction(pool) as connection:
            row = await change_maintenance(connection, maintenance_id, change, caller.name, now)
    return _answer(row, now)


@router.delete(
    "/{maintenance_id}",
    response_model=Maintenance,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.VERSION_CONFLICT),
    description="End a maintenance now, or call a planned one off; it stays on record. Audited."
    + role_line(Role.MAINTENANCE),
)
async def delete_maintenance(
    maintenance_id: UUID, pool: PoolOf, caller: Maintainer, if_match: IfMatch = None
) -> Response:
    """End a maintenance."""
    now = datetime.now(UTC)
    version = expected_version(if_match, None)
    async with transaction(pool) as connection:
        row = await end_maintenance_now(connection, maintenance_id, version, caller.name, now)
    return _answer(row, now)


def _answer(row: MaintenanceRow, now: datetime) -> Response:
    content = msgspec.json.encode(show_maintenance(row, now))
    return Response(content, media_type="application/json", headers={"ETag": f'"{row.version}"'})
