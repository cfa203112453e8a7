"""Making a correction: keep what stood, change it, say who and why, and mark what has to be rolled again."""

from datetime import UTC, datetime

import numpy as np

from cloud_api.corrections.models import CorrectionRequest
from cloud_api.corrections.values import stored_value
from cloud_api.instants import format_at, parse_instant, to_datetime
from cloud_api.problems import Kinds, Problem, body_invalid, in_body, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import SeriesRow, select_series
from cloud_api.storage.corrections import (
    CorrectionRow,
    NewCorrection,
    SamplesChanged,
    insert_corrected_samples,
    insert_correction,
    select_correction,
    update_corrected_samples,
)
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import Closed, hold_closed, read_closed
from cloud_api.storage.rollup_writes import mark_changed
from cloud_api.storage.samples import set_decompression_unlimited
from schemas.status import GOOD_LOCAL_OVERRIDE

MOST_SAMPLES = 100_000


async def correct(
    connection: Connection, series_id: int, request: CorrectionRequest, principal: str
) -> tuple[SeriesRow, CorrectionRow]:
    """Correct a stretch of one series inside the caller's transaction, of which this is the first statement."""
    closed = await read_closed(await hold_closed(connection))
    row = await find_series(connection, series_id)
    new = _new(row, request, principal)
    _check_kept(request, new, closed)
    await set_decompression_unlimited(connection)
    correction_id = await insert_correction(connection, new)
    times_us = await insert_corrected_samples(connection, correction_id, new, MOST_SAMPLES + 1)
    _check_count(request, len(times_us))
    try:
        await update_corrected_samples(connection, correction_id, new, len(times_us))
    except SamplesChanged as error:
        raise Problem(Kinds.CONFLICT, "samples of this stretch were being changed; send it again") from error
    series_ids = np.full(len(times_us), series_id, np.int32)
    await mark_changed(connection, series_ids, times_us, closed, new.at)
    detail = request.model_dump(by_alias=True, exclude_none=True) | {"correction": correction_id}
    await insert_audit(connection, principal, "series.correct", str(series_id), detail)
    made = await select_correction(connection, series_id, correction_id)
    assert made is not None
    return row, made


async def find_series(connection: Connection, series_id: int) -> SeriesRow:
    """The series, or a Problem."""
    row = await select_series(connection, series_id)
    if row is None:
        raise not_found("series", "series_id", series_id)
    return row


def _new(row: SeriesRow, request: CorrectionRequest, principal: str) -> NewCorrection:
    with in_body():
        from_us, to_us = parse_instant(request.from_, "from"), parse_instant(request.to, "to")
    if from_us >= to_us:
        raise body_invalid("to", request.to, "is not after `from`", "an instant after `from`")
    if request.value is None and request.status is None:
        raise body_invalid("value", None, "is missing, and so is `status`", "one of the two, or both")
    if not request.reason.strip():
        raise body_invalid("reason", request.reason, "says nothing", "why this is corrected")
    has_value = request.value is not None
    value, text = stored_value(row.kind, request.value) if has_value else (None, None)
    return NewCorrection(
        series_id=row.id,
        from_at=to_datetime(from_us),
        to_at=to_datetime(to_us),
        has_value=has_value,
        value=value,
        text=text,
        status=GOOD_LOCAL_OVERRIDE if request.status is None else request.status,
        reason=request.reason.strip(),
        principal=principal,
        at=datetime.now(UTC),
    )


def _check_kept(request: CorrectionRequest, new: NewCorrection, closed: Closed) -> None:
    if closed.raw_kept_us is not None and new.from_at < to_datetime(closed.raw_kept_us):
        kept = format_at(to_datetime(closed.raw_kept_us))
        detail = "lies before the raw samples that are kept; rollups alone cannot be corrected"
        raise body_invalid("from", request.from_, detail, f"an instant from {kept} on")


def _check_count(request: CorrectionRequest, count: int) -> None:
    if count == 0:
        detail = "ends a stretch without samples; a correction changes samples, it makes none"
        raise body_invalid("to", request.to, detail, "a stretch that has samples")
    if count > MOST_SAMPLES:
        detail = f"ends a stretch of more than {MOST_SAMPLES} samples"
        raise body_invalid("to", request.to, detail, f"a stretch of at most {MOST_SAMPLES} samples")
