"""Gets materialised calculations on: each up to the joint `until` of its inputs, once, by a stored cursor.

First the new cursors are announced; from that COMMIT on whoever writes inputs up to there marks them. When nobody is
left who did not know, everything up to there can be read, or is marked (the agreement of decision 0052). Samples and
cursors are one transaction, so a leader that dies anywhere has either done a step or not begun it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloud_api.calculations.definitions import Calculation, CalculationUnfit, formulas_of
from cloud_api.calculations.formula import evaluate
from cloud_api.calculations.inputs import read_inputs_of
from cloud_api.calculations.writing import write_differing, write_new
from cloud_api.leases import Ownership, check_lease
from cloud_api.storage.calculation_samples import update_evaluated, upsert_announced
from cloud_api.storage.calculations import (
    CALCULATIONS_AGENT,
    MATERIALISED,
    select_calculation_sources,
    select_calculations,
)
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.engine import EngineKind
from cloud_api.storage.faults import KEY_EXISTS
from cloud_api.storage.instants import us_of
from cloud_api.storage.ledger import UntilRow, upsert_agent_until
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.rollup_progress import wait_for_holders
from cloud_api.storage.samples import set_decompression_unlimited

# A leader that was away catches up in steps of this.
LONGEST_STEP_US = 300_000_000
# So many calculations share a transaction.
TOGETHER = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """One calculation that can get on: results in (after_us, to_us]; without `after_us` it only begins there."""

    calculation: Calculation
    after_us: int | None
    to_us: int

    @property
    def window(self) -> tuple[int, int]:
        """The same as a half-open window."""
        after_us = self.to_us if self.after_us is None else self.after_us
        return after_us + 1, self.to_us + 1


@dataclass(slots=True)
class Moved:
    """What one step did: samples written, whether there is more, and how far the last calculation is behind."""

    samples: int = 0
    is_behind: bool = False
    lag_us: int = 0
    failed: dict[int, str] = field(default_factory=dict[int, str])


async def load_materialised(connection: Connection) -> tuple[list[Calculation], dict[int, str]]:
    """All that are materialised and in use, and what is wrong with those that cannot be evaluated."""
    rows = await select_calculations(connection)
    formulas = formulas_of(rows)
    found = {
        row.id: formula
        for row in rows
        if row.mode == MATERIALISED
        and row.retired_at is None
        and not isinstance(formula := formulas[row.series_id], CalculationUnfit)
    }
    unfit = {
        row.id: str(formula)
        for row in rows
        if row.mode == MATERIALISED and isinstance(formula := formulas[row.series_id], CalculationUnfit)
    }
    ids = sorted({each for formula in found.values() for each in formula.series_ids})
    sources = await select_calculation_sources(connection, ids) if ids else {}
    return [Calculation(row, found[row.id], sources) for row in rows if row.id in found], unfit


async def step_forward(pool: Pool, mine: Ownership, kind: EngineKind, now: datetime) -> Moved:
    """Get everything on that can."""
    async with pool.connection() as connection:
        calculations, unfit = await load_materialised(connection)
    moved = Moved(failed=unfit)
    due = _due(calculations, now, moved)
    if not due:
        return moved
    async with transaction(pool) as connection:
        await check_lease(connection, mine)
        await upsert_announced(connection, {each.calculation.row.id: each.to_us for each in due})
    await wait_for_holders(pool)
    for begin in range(0, len(due), TOGETHER):
        together = due[begin : begin + TOGETHER]
        try:
            moved.samples += await _transact(pool, mine, kind, (together, now), moved)
        except KEY_EXISTS:
            # Somebody has been here, with another definition: what differs is replaced.
            moved.samples += await _transact(pool, mine, kind, (together, now), moved, is_compared=True)
    return moved


def _due(calculations: Sequence[Calculation], now: datetime, moved: Moved) -> list[Due]:
    now_us, due = us_of(now), list[Due]()
    for each in calculations:
        if each.row.retry_at is not None and each.row.retry_at > now:
            continue
        until_us = each.until_us(now_us)
        if each.row.evaluated_at is None:
            due.append(Due(each, None, until_us))
            continue
        after_us = us_of(each.row.evaluated_at)
        moved.lag_us = max(moved.lag_us, now_us - after_us)
        if until_us > after_us:
            to_us = min(until_us, after_us + LONGEST_STEP_US)
            moved.is_behind |= to_us < until_us
            due.append(Due(each, after_us, to_us))
    return due


async def _transact(
    pool: Pool,
    mine: Ownership,
    kind: EngineKind,
    what: tuple[Sequence[Due], datetime],
    moved: Moved,
    *,
    is_compared: bool = False,
) -> int:
    due, now = what
    async with transaction(pool) as connection:
        await check_lease(connection, mine)
        closed = await read_closed(await hold_closed(connection))
        if kind is EngineKind.TIMESCALE:
            await set_decompression_unlimited(connection)
        inputs = await read_inputs_of(connection, [(each.calculation, *each.window) for each in due])
        made = await asyncio.to_thread(_evaluated, due, inputs, moved)
        if is_compared:
            written = 0
            for each, columns in made:
                written += await write_differing(connection, each.calculation, columns, each.window, (closed, now))
        else:
            written = await write_new(connection, [(each.calculation, rows) for each, rows in made], closed, now)
        done = {each.calculation.row.id: each.to_us for each, _ in made}
        await update_evaluated(connection, done)
        untils = [UntilRow(CALCULATIONS_AGENT, device_of(number), to_us) for number, to_us in done.items()]
        if untils:
            await upsert_agent_until(connection, untils)
        return written


def device_of(calculation_id: int) -> str:
    """The device that a materialised series is on: by it whoever reads the series knows how far it is."""
    return f"calculation-{calculation_id}"


def _evaluated(
    due: Sequence[Due], inputs: Sequence[dict[int, SampleColumns]], moved: Moved
) -> list[tuple[Due, SampleColumns]]:
    made: list[tuple[Due, SampleColumns]] = []
    for each, samples in zip(due, inputs, strict=True):
        try:
            calculation = each.calculation
            made.append((each, evaluate(calculation.formula, samples, *each.window, calculation.retired_us)))
        except Exception as error:
            # A fault of ours in one: the others go on, and this one is tried again.
            log.exception("calculation %s cannot be evaluated", each.calculation.row.path)
            moved.failed[each.calculation.row.id] = f"{type(error).__name__}: {error}"
    return made
