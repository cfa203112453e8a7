"""HTTP of the audit: who did what, newest first."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cloud_api.audit.answers import COLUMNS, show_entry, show_verification
from cloud_api.audit.models import AuditPage, AuditParameters, AuditVerification
from cloud_api.audit.verification import verify_audit
from cloud_api.auth.access import Auditor, PoolOf, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.formats.accept import Format, choose_format
from cloud_api.formats.rows import write_rows
from cloud_api.instants import parse_instant, to_datetime
from cloud_api.problems import Kinds
from cloud_api.settings import CloudSettings
from cloud_api.storage.audit import NEWEST, AuditFilter, select_audit_page
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.journal import set_repeatable_read
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/audit", tags=["access"])


@router.get(
    "",
    response_model=AuditPage,
    responses={
        200: {"content": {each.value: {} for each in Format if each is not Format.JSON}},
        **refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_ACCEPTABLE),
    },
    description="Who did what, newest first: changes, log-ins, exports, refusals. `Accept` chooses JSON, CSV, Arrow or "
    "Parquet; for these the next page is in the header `Link`. A caller of limited reach is refused: what others did "
    "is not theirs to see, not in part either." + role_line(Role.AUDITOR),
)
async def list_audit(
    request: Request, parameters: Annotated[AuditParameters, Query()], pool: PoolOf, _caller: Auditor
) -> Response:
    """List the audit."""
    chosen = choose_format(request.headers.get("accept"))
    audit_filter = _read_filter(parameters)
    question = ("audit", *(getattr(audit_filter, name) for name in AuditFilter.__slots__))
    before = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
    async with pool.connection() as connection:
        rows = await select_audit_page(connection, audit_filter, before, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1][0], question) if len(rows) > len(page) else None
    if chosen is Format.JSON:
        answer = AuditPage(items=[show_entry(row_id, row) for row_id, row in page], next=cursor)
        return Response(answer.model_dump_json(), media_type=chosen.value)
    shown = [row for _, row in page]
    content = await asyncio.to_thread(write_rows, shown, COLUMNS, chosen, is_excel=parameters.excel)
    headers = {} if cursor is None else {"link": f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'}
    return Response(content, media_type=chosen.value, headers=headers)


@router.get(
    "/verification",
    responses=refusals(Kinds.QUERY_TIMEOUT),
    description="Verify the chain over the audit, from its first row that is kept." + role_line(Role.AUDITOR),
)
async def get_audit_verification(request: Request, pool: PoolOf, _caller: Auditor) -> AuditVerification:
    """Verify the audit."""
    settings: CloudSettings = request.state.settings
    async with transaction(pool) as connection:
        await set_repeatable_read(connection)
        await set_statement_timeout(connection, settings.query_timeout_s)
        return show_verification(await verify_audit(connection, None))


def _read_filter(parameters: AuditParameters) -> AuditFilter:
    from_us = parse_instant(parameters.from_, "from") if parameters.from_ else None
    to_us = parse_instant(parameters.to, "to") if parameters.to else None
    return AuditFilter(
        who=parameters.who,
        action=parameters.action,
        subject=parameters.subject,
        outcome=None if parameters.outcome is None else parameters.outcome.value,
        address=parameters.address,
        from_at=None if from_us is None else to_datetime(from_us),
        to_at=None if to_us is None else to_datetime(to_us),
    )
