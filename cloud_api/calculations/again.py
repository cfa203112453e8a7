"""Computes again what late, corrected or newly defined inputs changed, a bounded stretch a transaction.

Marks are deleted before inputs are read: what is committed between the two is read now and marked for once more. What
does not fit a step is marked anew in the same transaction.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_api.calculations.definitions import Calculation
from cloud_api.calculations.formula import evaluate
from cloud_api.calculations.forward import load_materialised
from cloud_api.calculations.inputs import read_inputs
from cloud_api.calculations.writing import write_differing
from cloud_api.leases import Ownership, check_lease
from cloud_api.storage.calculation_samples import (
    Taken,
    insert_calculation_stretch,
    select_calculation_due,
    select_input_after,
    select_next_input_at,
    take_calculation_marks,
    update_calculation_problem,
)
from cloud_api.storage.engine import EngineKind
from cloud_api.storage.faults import is_passing
from cloud_api.storage.instants import us_of
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.samples import set_decompression_unlimited

HOUR_US = 3_600_000_000
# A step reads about as much whether a calculation has few inputs or many.
INPUT_HOURS = 24
AFTER_FAULT = timedelta(minutes=10)

log = logging.getLogger(__name__)

Span = tuple[int, int]


@dataclass(slots=True)
class Redone:
    """What one step did."""

    samples: int = 0
    is_failed: bool = False


async def compute_again(pool: Pool, mine: Ownership, kind: EngineKind, now: datetime) -> Redone | None:
    """Compute the next stretch that is due; None when nothing is."""
    async with pool.connection() as connection:
        calculation_id = await select_calculation_due(connection, now)
    if calculation_id is None:
        return None
    try:
        async with transaction(pool) as connection:
            await check_lease(connection, mine)
            return Redone(await _step(connection, kind, calculation_id, now))
    except Exception as error:
        if isinstance(error, LeaseLost) or is_passing(error):
            raise
        log.exception("calculation %d cannot be computed again now", calculation_id)
        async with transaction(pool) as connection:
            await check_lease(connection, mine)
            problem = f"{type(error).__name__}: {error}"
            await update_calculation_problem(connection, calculation_id, problem, now + AFTER_FAULT)
        return Redone(is_failed=True)


async def _step(connection: Connection, kind: EngineKind, calculation_id: int, now: datetime) -> int:
    closed = await read_closed(await hold_closed(connection))
    if kind is EngineKind.TIMESCALE:
        await set_decompression_unlimited(connection)
    marks = await take_calculation_marks(connection, calculation_id, now)
    calculations, _ = await load_materialised(connection)
    calculation = next((each for each in calculations if each.row.id == calculation_id), None)
    if calculation is None or calculation.row.evaluated_at is None:
        return 0
    end_us = us_of(calculation.row.evaluated_at) + 1
    # Before what is kept of inputs results stay as they are.
    first_us = closed.raw_kept_us or 0
    spans = merged([await _span(connection, mark, end_us) for mark in marks], first_us, end_us)
    if not spans:
        return 0
    (from_us, to_us), *rest = spans
    cut_us = min(to_us, from_us + _step_us(calculation))
    inputs = await read_inputs(connection, calculation, from_us, cut_us)
    made = await asyncio.to_thread(evaluate, calculation.formula, inputs, from_us, cut_us, calculation.retired_us)
    written = await write_differing(connection, calculation, made, (from_us, cut_us), (closed, now))
    if cut_us < to_us:
        next_us = cut_us if len(made) else await _next_us(connection, calculation, (cut_us, to_us), written)
        rest = [(next_us, to_us), *rest] if next_us < to_us else rest
    for low, high in rest:
        await insert_calculation_stretch(connection, calculation_id, low, high, now)
    return written


async def _span(connection: Connection, mark: Taken, end_us: int) -> Span:
    """The stretch of the result that a mark concerns: an input's value holds until its next sample."""
    if mark.series_id is None or mark.from_us >= end_us:
        return mark.from_us, mark.to_us
    after_us = await select_input_after(connection, mark.series_id, mark.to_us)
    return mark.from_us, end_us if after_us is None else after_us


async def _next_us(connection: Connection, calculation: Calculation, rest: Span, written: int) -> int:
    """Where to go on: stretches without inputs are skipped, unless there were results that had to go."""
    from_us, to_us = rest
    if written:
        return from_us
    ids = [*calculation.formula.series_ids, calculation.row.series_id]
    found = await select_next_input_at(connection, ids, from_us)
    return to_us if found is None else found


def merged(spans: Sequence[Span], first_us: int, end_us: int) -> list[Span]:
    """Stretches as far as they lie in [first_us, end_us), those that touch as one, ascending."""
    found: list[Span] = []
    for low, high in sorted((max(low, first_us), min(high, end_us)) for low, high in spans):
        if low >= high:
            continue
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _step_us(calculation: Calculation) -> int:
    hours = INPUT_HOURS // max(1, len(calculation.formula.series_ids))
    return max(1, hours) * HOUR_US
