"""Samples of any series: stored ones as they are, those that are calculated on the fly made from what is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from cloud_api.calculations.definitions import Calculation, CalculationUnfit, load_calculations
from cloud_api.calculations.formula import NEVER_US, evaluate
from cloud_api.calculations.inputs import read_inputs
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.calculation_samples import select_inputs_before, select_next_input_at
from cloud_api.storage.calculations import Source
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import (
    NO_SAMPLES,
    Surroundings,
    select_samples,
    select_samples_of_spans,
    select_surrounding_samples,
)
from cloud_api.storage.instants import us_of
from cloud_api.storage.latest import select_latest_of
from cloud_api.storage.pool import Connection

HOUR_US = 3_600_000_000
# A window is calculated piece by piece: this many rows at most, about, lie in one.
FEW_ROWS, MANY_ROWS = 50_000, 400_000
# How far beside a window its neighbours are looked for.
NEAR_US = (HOUR_US, 24 * HOUR_US)


async def read_series_samples(
    connection: Connection, row: SeriesRow, from_at: datetime, to_at: datetime, limit: int
) -> SampleColumns:
    """Up to `limit` samples of a series in [from_at, to_at), ascending."""
    if not row.is_on_the_fly:
        return await select_samples(connection, row.id, from_at, to_at, limit)
    calculation = await find_calculation(connection, row)
    return await _calculated(connection, calculation, us_of(from_at), us_of(to_at), limit)


async def read_series_samples_of_spans(
    connection: Connection, row: SeriesRow, spans: np.ndarray[tuple[int, int], np.dtype[np.int64]], limit: int
) -> SampleColumns:
    """Up to `limit` samples in many stretches, int64[n, 2], ascending."""
    if not row.is_on_the_fly:
        return await select_samples_of_spans(connection, row.id, spans, limit)
    calculation = await find_calculation(connection, row)
    parts = [NO_SAMPLES]
    for low, high in spans.tolist():
        left = limit - sum(len(part) for part in parts)
        parts.append(await _calculated(connection, calculation, low, high, left))
    return concatenate(parts)


async def read_surrounding(
    connection: Connection, row: SeriesRow, around: Surroundings
) -> tuple[SampleColumns, SampleColumns]:
    """The nearest samples before and after a window: of any status, and of those that count as Good.

    Of what is calculated on the fly they are looked for up to a day away.
    """
    if not row.is_on_the_fly:
        return await select_surrounding_samples(connection, around)
    calculation = await find_calculation(connection, row)
    from_us, to_us = us_of(around.from_at), us_of(around.to_at)
    before = after = NO_SAMPLES
    for near_us in NEAR_US:
        before = await _calculated(connection, calculation, from_us - near_us, from_us)
        if _accepted(before, around).sum() >= 2:
            break
    for near_us in NEAR_US:
        after = await _calculated(connection, calculation, to_us, to_us + near_us)
        if _accepted(after, around).any():
            break
    good_before, good_after = np.flatnonzero(_accepted(before, around)), np.flatnonzero(_accepted(after, around))
    last = [len(before) - 1] if len(before) else []
    first = [0] if len(after) else []
    return (
        before.take(np.unique([*good_before[-2:].tolist(), *last]).astype(np.int64)),
        after.take(np.unique([*good_after[:1].tolist(), *first]).astype(np.int64)),
    )


async def input_rows(connection: Connection, rows: Sequence[SeriesRow]) -> list[SeriesRow | Source]:
    """These series, with the stored ones in the place of those that are calculated on the fly: what reading costs."""
    inputs = await inputs_of(connection, rows)
    stored = [row for row in rows if not row.is_on_the_fly]
    return [*stored, *(each for sources in inputs.values() for each in sources)]


async def inputs_of(connection: Connection, rows: Sequence[SeriesRow]) -> dict[int, list[Source]]:
    """Of each of these series that is calculated on the fly, the stored ones that it comes down to."""
    ids = [row.id for row in rows if row.is_on_the_fly]
    calculations = await _load(connection, ids) if ids else {}
    return {
        series_id: [each.sources[source] for source in each.formula.series_ids if source in each.sources]
        for series_id, each in calculations.items()
    }


async def read_latest(connection: Connection, rows: Sequence[SeriesRow]) -> list[tuple[SeriesRow, SampleColumns, int]]:
    """The last sample of each of these series that has one, and when the newest of its inputs arrived."""
    calculations = await _load(connection, [row.id for row in rows])
    ids = sorted({each for calculation in calculations.values() for each in calculation.formula.series_ids})
    newest = await select_latest_of(connection, ids)
    now_us = us_of(datetime.now().astimezone())
    wanted: list[tuple[SeriesRow, Calculation, int]] = []
    for row in rows:
        calculation = calculations[row.id]
        times = [newest[each][0] for each in calculation.formula.series_ids if each in newest]
        if times:
            wanted.append((row, calculation, min(max(times), calculation.until_us(now_us, 0))))
    found: list[tuple[SeriesRow, SampleColumns, int]] = []
    for (row, calculation, until_us), inputs in zip(wanted, await _inputs_up_to(connection, wanted), strict=True):
        at_last = max((int(each.times_us[-1]) for each in inputs.values()), default=until_us)
        made = evaluate(calculation.formula, inputs, at_last, at_last + 1, calculation.retired_us)
        arrived = max(newest[each][1] for each in calculation.formula.series_ids if each in newest)
        if len(made):
            found.append((row, made, arrived))
    return found


async def find_calculation(connection: Connection, row: SeriesRow) -> Calculation:
    """The calculation of a series that is calculated on the fly."""
    return (await _load(connection, [row.id]))[row.id]


async def _load(connection: Connection, series_ids: Sequence[int]) -> dict[int, Calculation]:
    try:
        return await load_calculations(connection, series_ids)
    except CalculationUnfit as error:
        raise Problem(Kinds.CONFLICT, f"this series cannot be calculated: {error}") from error


async def _inputs_up_to(
    connection: Connection, wanted: Sequence[tuple[SeriesRow, Calculation, int]]
) -> list[Mapping[int, SampleColumns]]:
    asked = [
        (series_id, until_us + 1, series_id in calculation.formula.looking_back)
        for _, calculation, until_us in wanted
        for series_id in calculation.formula.series_ids
    ]
    before = await select_inputs_before(connection, asked)
    found: list[Mapping[int, SampleColumns]] = []
    position = 0
    for _, calculation, _ in wanted:
        of_one: dict[int, SampleColumns] = {}
        for series_id in calculation.formula.series_ids:
            if position in before:
                of_one[series_id] = before[position]
            position += 1
        found.append(of_one)
    return found


async def _calculated(
    connection: Connection, calculation: Calculation, from_us: int, to_us: int, limit: int = NEVER_US
) -> SampleColumns:
    """Calculate up to where the inputs are measured, piece by piece, until there are enough rows."""
    retired_us = NEVER_US if calculation.row.retired_at is None else us_of(calculation.row.retired_at)
    until_us = calculation.until_us(us_of(datetime.now().astimezone()), 0)
    end_us = min(to_us, until_us + 1, retired_us)
    parts, found, piece_us = [NO_SAMPLES], 0, HOUR_US if limit < FEW_ROWS else 24 * HOUR_US
    while from_us < end_us and found < limit:
        cut_us = min(end_us, from_us + piece_us)
        inputs = await read_inputs(connection, calculation, from_us, cut_us)
        made = await asyncio.to_thread(evaluate, calculation.formula, inputs, from_us, cut_us, calculation.retired_us)
        parts.append(made)
        found += len(made)
        from_us = cut_us
        if not len(made):
            next_us = await select_next_input_at(connection, calculation.formula.series_ids, cut_us)
            from_us = end_us if next_us is None else next_us
        elif len(made) < FEW_ROWS:
            piece_us *= 2
        elif len(made) > MANY_ROWS:
            piece_us = max(1, piece_us // 4)
    joined = concatenate(parts)
    return joined.first(limit) if len(joined) > limit else joined


def _accepted(columns: SampleColumns, around: Surroundings) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (columns.statuses <= around.highest_good) & ~np.isnan(columns.values)
