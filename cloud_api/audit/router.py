"""HTTP of the audit: who did what, newest first."""

from typing import Annotated

from fastapi import APIRouter, Query

from cloud_api.audit.models import AuditEntry, AuditPage, AuditParameters
from cloud_api.auth.access import Auditor, PoolOf, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.problems import Kinds
from cloud_api.storage.audit import NEWEST, AuditFilter, select_audit_page

router = APIRouter(prefix="/audit", tags=["access"])


@router.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID),
    description="Who did what, newest first: changes, log-ins, refused log-ins." + role_line(Role.AUDITOR),
)
async def list_audit(parameters: Annotated[AuditParameters, Query()], pool: PoolOf, _caller: Auditor) -> AuditPage:
    """List the audit."""
    from_us = parse_instant(parameters.from_, "from") if parameters.from_ else None
    to_us = parse_instant(parameters.to, "to") if parameters.to else None
    question = ("audit", parameters.who, parameters.action, parameters.subject, from_us, to_us)
    before = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
    audit_filter = AuditFilter(
        who=parameters.who,
        action=parameters.action,
        subject=parameters.subject,
        from_at=None if from_us is None else to_datetime(from_us),
        to_at=None if to_us is None else to_datetime(to_us),
    )
    async with pool.connection() as connection:
        rows = await select_audit_page(connection, audit_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    items = [
        AuditEntry(id=row.id, at=row.at, who=row.who, action=row.action, subject=row.subject, detail=row.detail)
        for row in page
    ]
    return AuditPage(items=items, next=write_cursor(page[-1].id, question) if len(rows) > len(page) else None)
