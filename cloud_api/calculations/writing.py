"""Writes results of materialised calculations as ingest would: samples, latest values, and marks."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from cloud_api.calculations.definitions import Calculation
from cloud_api.storage.calculation_samples import (
    delete_calculated_samples,
    insert_alarm_late_calculated,
    replace_latest_of_calculated,
    select_calculated_samples,
)
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.history import NO_SAMPLES
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import Closed
from cloud_api.storage.rollup_writes import mark_changed
from cloud_api.storage.rows import SampleRows, copy_bytes, empty_rows, join_rows, key_order, newest_rows
from cloud_api.storage.samples import copy_samples, upsert_latest, upsert_samples

# What is older may have been passed by who follows the clock.
ON_TIME_US = 5_000_000


async def write_new(
    connection: Connection, made: Sequence[tuple[Calculation, SampleColumns]], closed: Closed, now: datetime
) -> int:
    """Store results that nobody has stored before; how many. A key that exists ends the transaction."""
    rows = [rows_of(calculation, columns) for calculation, columns in made if len(columns)]
    if not rows:
        return 0
    joined = join_rows(rows)
    joined = joined.take(key_order(joined.series_ids, joined.times_us))
    await copy_samples(connection, joined, copy_bytes(joined))
    await _tell(connection, joined, closed, now)
    return len(joined)


async def write_differing(
    connection: Connection,
    calculation: Calculation,
    columns: SampleColumns,
    span: tuple[int, int],
    about: tuple[Closed, datetime],
) -> int:
    """Let these results stand in a stretch and no others; only what differs is touched, and how much that was."""
    closed, now = about
    series_id = calculation.row.series_id
    found = await select_calculated_samples(connection, series_id, *span) or NO_SAMPLES
    place = np.searchsorted(found.times_us, columns.times_us)
    is_inside = place < len(found)
    at = np.minimum(place, max(len(found) - 1, 0))
    if len(found):
        is_same = is_inside & (found.times_us[at] == columns.times_us) & (found.statuses[at] == columns.statuses)
        equal = (found.values[at] == columns.values) | (np.isnan(found.values[at]) & np.isnan(columns.values))
        changed = columns.take(np.flatnonzero(~(is_same & equal)))
    else:
        changed = columns
    gone = np.setdiff1d(found.times_us, columns.times_us, assume_unique=True)
    await delete_calculated_samples(connection, series_id, gone)
    rows = rows_of(calculation, changed)
    await upsert_samples(connection, rows)
    await _tell(connection, rows, closed, now)
    if len(gone):
        await mark_changed(connection, np.full(len(gone), series_id, np.int32), gone, closed, now)
        await replace_latest_of_calculated(connection, series_id)
    return len(rows) + len(gone)


def rows_of(calculation: Calculation, columns: SampleColumns) -> SampleRows:
    """Results as rows of `sample`."""
    if not len(columns):
        return empty_rows()
    return SampleRows(
        np.full(len(columns), calculation.row.series_id, np.int32),
        columns.times_us,
        columns.statuses.view(np.int32),
        columns.values,
        None,
    )


async def _tell(connection: Connection, rows: SampleRows, closed: Closed, now: datetime) -> None:
    if not len(rows):
        return
    await upsert_latest(connection, newest_rows(rows), now)
    if int(rows.times_us.min()) < us_of(now) - ON_TIME_US:
        starts = np.flatnonzero(np.diff(rows.series_ids, prepend=rows.series_ids[0] - 1))
        ends = np.append(starts[1:], len(rows)) - 1
        ids, times = rows.series_ids, rows.times_us
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        late = [(int(ids[start]), int(times[start]), int(times[end])) for start, end in pairs]
        await insert_alarm_late_calculated(connection, late)
    await mark_changed(connection, rows.series_ids, rows.times_us, closed, now)
