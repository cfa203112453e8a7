"""Corrections of stored samples; what stood before stays in `corrected_sample`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row

from cloud_api.storage.columns import (
    SampleColumns,
    load_arrays_raw,
    read_doubles,
    read_statuses,
    read_times,
)
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What is to stand in [from_at, to_at): a new value under a status, or the old values under one."""

    series_id: int
    from_at: datetime
    to_at: datetime
    has_value: bool
    value: float | None
    text: str | None
    status: int
    reason: str
    principal: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction that was made; without `value` and `text` only the status was changed."""

    id: int
    series_id: int
    from_at: datetime
    to_at: datetime
    value: float | None
    text: str | None
    status: int
    reason: str
    principal: str
    at: datetime
    sample_count: int


class SamplesChanged(Exception):
    """Somebody else changed samples of this stretch in the same moment; look again."""


async def insert_correction(connection: Connection, new: NewCorrection) -> int:
    """Book a correction and return its id; nothing is changed yet."""
    cursor = await connection.execute(statement("insert_correction"), _parameters(new))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def insert_corrected_samples(
    connection: Connection, correction_id: int, new: NewCorrection, limit: int
) -> NDArray[np.int64]:
    """Keep the samples of the stretch as they are, at most `limit`; their times in UTC microseconds."""
    parameters = _parameters(new) | {"correction_id": correction_id, "limit": limit}
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("insert_corrected_samples"), parameters)
        row = await cursor.fetchone()
    return np.empty(0, np.int64) if row is None or row[0] is None else read_times(row[0])


async def update_corrected_samples(connection: Connection, correction_id: int, new: NewCorrection, count: int) -> None:
    """Change the samples that were kept, and the latest one where it is among them; SamplesChanged if one is not so."""
    parameters = _parameters(new) | {"correction_id": correction_id}
    cursor = await connection.execute(statement("update_corrected_samples"), parameters)
    if cursor.rowcount != count:
        raise SamplesChanged
    await connection.execute(statement("update_latest_corrected"), parameters)
    await connection.execute(
        statement("update_correction_count"), {"correction_id": correction_id, "sample_count": count}
    )


async def select_correction_page(
    connection: Connection, series_id: int, before_id: int, limit: int
) -> list[CorrectionRow]:
    """Read corrections of a series, newest first, from the one before `before_id`."""
    parameters = {"series_id": series_id, "before_id": before_id, "limit": limit}
    async with connection.cursor(row_factory=class_row(CorrectionRow)) as cursor:
        await cursor.execute(statement("select_correction_page"), parameters)
        return await cursor.fetchall()


async def select_correction(connection: Connection, series_id: int, correction_id: int) -> CorrectionRow | None:
    """Read one correction of a series."""
    parameters = {"series_id": series_id, "correction_id": correction_id}
    async with connection.cursor(row_factory=class_row(CorrectionRow)) as cursor:
        await cursor.execute(statement("select_correction"), parameters)
        return await cursor.fetchone()


async def select_corrected_samples(
    connection: Connection, correction_id: int, from_at: datetime, limit: int
) -> SampleColumns:
    """Read samples as they were before the correction, ascending, from that instant on."""
    parameters = {"correction_id": correction_id, "from_at": from_at, "limit": limit}
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_corrected_samples"), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return SampleColumns(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint32), None)
    return SampleColumns(read_times(row[0]), read_doubles(row[1]), read_statuses(row[2]), row[3])


def _parameters(new: NewCorrection) -> dict[str, Any]:
    return {
        "series_id": new.series_id,
        "from_at": new.from_at,
        "to_at": new.to_at,
        "has_value": new.has_value,
        "value": new.value,
        "text": new.text,
        "status": new.status - 2**32 if new.status >= 2**31 else new.status,
        "reason": new.reason,
        "principal": new.principal,
        "at": new.at,
    }
