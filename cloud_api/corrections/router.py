"""HTTP of corrections: make one, list them, see what stood before."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.corrections.models import (
    CorrectedSamples,
    Correction,
    CorrectionPage,
    CorrectionParameters,
    CorrectionRequest,
    OldSampleParameters,
)
from cloud_api.corrections.service import correct, find_series
from cloud_api.corrections.values import shown_value
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.instants import format_at, format_column, to_datetime
from cloud_api.problems import Kinds, not_found
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.corrections import (
    CorrectionRow,
    select_corrected_samples,
    select_correction,
    select_correction_page,
)
from cloud_api.storage.pool import transaction

NEWEST = 2**63 - 1
router = APIRouter(prefix="/series/{series_id}/corrections", tags=["history"])

SeriesId = Annotated[int, Path(ge=1, le=2**31 - 1)]
CorrectionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post(
    "",
    response_model=Correction,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Put another value or status in the place of samples. What stood can be read; rollups follow. Audited."
    + role_line(Role.ENGINEER),
)
async def create_correction(
    series_id: SeriesId, request: CorrectionRequest, pool: PoolOf, caller: Engineer
) -> Response:
    """Correct a stretch."""
    async with transaction(pool) as connection:
        series, row = await correct(connection, series_id, request, caller.name)
    return _json(_shown(series.kind, row))


@router.get(
    "",
    response_model=CorrectionPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Corrections of a series, newest first." + role_line(Role.VIEWER),
)
async def list_corrections(
    series_id: SeriesId, parameters: Annotated[CorrectionParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """List corrections."""
    question = ("corrections", series_id)
    before_id = read_cursor(parameters.cursor, question, int) if parameters.cursor else NEWEST
    async with pool.connection() as connection:
        series = await find_series(connection, series_id)
        rows = await select_correction_page(connection, series_id, before_id, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].id, question) if len(rows) > len(page) else None
    return _json({"items": [_shown(series.kind, row) for row in page], "next": cursor})


@router.get(
    "/{correction_id}",
    response_model=CorrectedSamples,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="One correction, and the samples as they were before it." + role_line(Role.VIEWER),
)
async def get_correction(
    series_id: SeriesId,
    correction_id: CorrectionId,
    parameters: Annotated[OldSampleParameters, Query()],
    pool: PoolOf,
    _caller: Viewer,
) -> Response:
    """Show what stood before."""
    question = ("corrected", series_id, correction_id)
    from_us = read_cursor(parameters.cursor, question, int) if parameters.cursor else None
    async with pool.connection() as connection:
        series = await find_series(connection, series_id)
        row = await select_correction(connection, series_id, correction_id)
        if row is None:
            raise not_found("correction", "correction_id", correction_id)
        from_at = row.from_at if from_us is None else to_datetime(from_us)
        columns = await select_corrected_samples(connection, correction_id, from_at, parameters.limit + 1)
    cursor = None
    if len(columns) > parameters.limit:
        cursor = write_cursor(int(columns.times_us[parameters.limit]), question)
        columns = columns.first(parameters.limit)
    return _json({"correction": _shown(series.kind, row), "items": _old(series.kind, columns), "next": cursor})


def _shown(kind: str, row: CorrectionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "series_id": row.series_id,
        "from": format_at(row.from_at),
        "to": format_at(row.to_at),
        "value": shown_value(kind, row.value, row.text),
        "status": row.status % 2**32,
        "reason": row.reason,
        "principal": row.principal,
        "at": format_at(row.at),
        "sample_count": row.sample_count,
    }


def _old(kind: str, columns: SampleColumns) -> list[dict[str, Any]]:
    texts = columns.texts or [None] * len(columns)
    rows = zip(format_column(columns.times_us), columns.values.tolist(), texts, columns.statuses.tolist(), strict=True)
    return [
        # NaN alone differs from itself: there was no number.
        {"time": time, "value": shown_value(kind, None if value != value else value, text), "status": status}  # noqa: PLR0124
        for time, value, text, status in rows
    ]


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
