"""One step of the roller: clear the marks of one bin, read what they cover, write its rows; all in one transaction.

Marks are deleted before raw is read: what is committed between the two is read now and marked for once more, what is
committed later is marked. What does not fit one step, and what must wait, is marked anew in the same transaction.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cloud_api.leases import Ownership, check_lease
from cloud_api.rollups.blocks import Density, Portion, Stretch, read_portion
from cloud_api.rollups.fresh import LEFT_TO_HOLDER, Fresh, read_fresh
from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import DAY_US, Engine, EngineKind, Partitions
from cloud_api.storage.faults import KEY_EXISTS, PARTITION_MISSING, is_passing
from cloud_api.storage.instants import MICROSECOND, at_us, us_of
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.raw_blocks import RawBlock, SeriesToRoll, select_series_to_roll
from cloud_api.storage.rollup_marks import (
    BIN_MINUTES,
    MINUTE_US,
    SLOT_US,
    Mark,
    insert_marks,
    marks_between,
    marks_in,
    multirange,
)
from cloud_api.storage.rollup_progress import (
    Bin,
    Cleared,
    delete_marks,
    hold_steps,
    select_due_bin,
    select_held_bin,
    select_rollup_progress,
    update_due,
)
from cloud_api.storage.rollup_rows import OPEN, Resolution, RollupRows, join_rollups, no_rollups
from cloud_api.storage.rollups import Scope, insert_rollups, replace_rollups, select_rollups
from cloud_api.storage.samples import set_decompression_unlimited

# A device that says nothing is waited for so long; then its minutes are rolled as open, and after a day they are final.
SILENCE = timedelta(minutes=2)
GIVEN_UP = timedelta(days=1)
ASK_AGAIN = timedelta(seconds=5)
ASK_AGAIN_AT_LEAST = timedelta(hours=1)
# What a quarter is merged from changes often once it has changed.
MERGE_AFTER = timedelta(seconds=20)
AFTER_FAULT = timedelta(minutes=10)
# Rows of minutes that one step merges.
MOST_ROWS = 15_000
# Samples that are rolled at a time: whole series, at least one.
CACHED_SAMPLES = 16_384


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stepped:
    """What one step did."""

    resolution: Resolution
    samples: int = 0
    held: int = 0
    rows: int = 0
    revised: int = 0
    is_failed: bool = False
    is_refused: bool = False


class NotHeld(Exception):
    """This process does not hold all that was written to a minute."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Rolls bin by bin: all of them in the process that holds the lease, what it holds itself in any other."""

    pool: Pool
    engine: Engine
    mine: Ownership
    minutes: Partitions
    quarters: Partitions
    density: Density = field(default_factory=Density)
    fresh: Fresh = field(default_factory=Fresh)

    async def roll_next(self, now: datetime) -> Stepped | None:
        """Roll what is due first; None when nothing is."""
        async with self.pool.connection() as connection:
            found = await select_due_bin(connection, now)
            if found is None:
                return None
            await self._ensure(connection, found)
        try:
            return await self._attempt(found, now)
        except Exception as error:
            if isinstance(error, LeaseLost) or is_passing(error):
                raise
            # A fault of ours in one bin: the others go on, and this one is tried again.
            log.exception("%s from %s cannot be rolled now", found.resolution, found.from_at)
            async with self.pool.connection() as connection:
                await update_due(connection, found, now + AFTER_FAULT)
            return Stepped(found.resolution, is_failed=True)

    async def roll_held(self, now: datetime, from_at: datetime) -> Stepped | None:
        """Roll a new minute, from `from_at` on, that is left to whoever holds its samples; None when there is none.

        Without the lease: what is not all here, or cannot be written, is given back to the process that has it.
        """
        async with self.pool.connection() as connection:
            found = await select_held_bin(connection, now, now + LEFT_TO_HOLDER, from_at)
            if found is None:
                return None
            await self._ensure(connection, found)
        try:
            return await self._transact(found, now, is_held=True)
        except (NotHeld, KEY_EXISTS):
            pass
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("%s from %s cannot be rolled from memory", found.resolution, found.from_at)
        async with self.pool.connection() as connection:
            await update_due(connection, found, now)
        return Stepped(found.resolution, is_refused=True)

    async def _ensure(self, connection: Connection, found: Bin) -> None:
        if self.engine.kind is EngineKind.POSTGRES:
            partitions = self.minutes if found.resolution is Resolution.MINUTE else self.quarters
            await partitions.ensure(connection, range(us_of(found.at) // DAY_US, us_of(found.end_at) // DAY_US + 1))

    async def _attempt(self, found: Bin, now: datetime) -> Stepped:
        try:
            return await self._transact(found, now)
        except KEY_EXISTS:
            # What was late came before its minute was rolled for the first time.
            return await self._transact(found, now, is_compared=True)
        except PARTITION_MISSING:
            self.minutes.clear()
            self.quarters.clear()
            raise

    async def _transact(
        self, found: Bin, now: datetime, *, is_compared: bool = False, is_held: bool = False
    ) -> Stepped:
        async with transaction(self.pool) as connection:
            await hold_steps(connection)
            if not is_held:
                await check_lease(connection, self.mine)
            if self.engine.kind is EngineKind.TIMESCALE:
                await set_decompression_unlimited(connection)
            cleared = await delete_marks(connection, found, now)
            stepped = Stepped(found.resolution)
            if cleared is None:
                return stepped
            if found.resolution is Resolution.QUARTER:
                await _merge(connection, found, cleared, now, stepped)
            else:
                taken = replace(found, is_first=found.is_first and not is_compared)
                await self._roll(connection, taken, cleared, now, stepped, is_held=is_held)
            return stepped

    async def _roll(
        self, connection: Connection, found: Bin, cleared: Cleared, now: datetime, stepped: Stepped, *, is_held: bool
    ) -> None:
        """Minutes from raw samples."""
        # What this process holds and leaves for later is left to it then, too.
        soon = now + LEFT_TO_HOLDER if is_held else now
        series = await select_series_to_roll(connection, cleared.series)
        is_ready, is_final = _readiness(series, cleared.to_us, now)
        await _mark_anew(
            connection, found, Stretch(series.ids[~is_ready], cleared.from_us, cleared.to_us), soon + ASK_AGAIN
        )
        ready = Stretch(series.ids[is_ready], cleared.from_us, cleared.to_us)
        portion = await self._read(connection, found, ready, stepped, is_held=is_held)
        await _mark_anew(connection, found, portion.rest, soon)
        await _mark_narrower(connection, found, portion.too_long, now)
        rows = await asyncio.to_thread(roll_block, portion.block, series)
        open_ids = series.ids[is_ready & ~is_final]
        rows.states[np.isin(rows.series_ids, open_ids)] = OPEN
        stepped.samples += len(portion.block)
        if found.is_first:
            await insert_rollups(connection, Resolution.MINUTE, _stamped(rows, now))
            stepped.rows += len(rows)
        else:
            await _replace(connection, Resolution.MINUTE, portion.done, rows, now, stepped)
        still_open = portion.done.of(np.unique(rows.series_ids[np.isin(rows.series_ids, open_ids)]))
        await _mark_open(connection, still_open, now)
        # Of what is rolled for the first time only what has rows can change a quarter.
        changed = portion.done.of(np.unique(rows.series_ids)) if found.is_first else portion.done
        await _mark_quarters(connection, changed, now)

    async def _read(
        self, connection: Connection, found: Bin, ready: Stretch, stepped: Stepped, *, is_held: bool
    ) -> Portion:
        """What was stored by this process a moment ago from memory, all else from the database."""
        fresh = await read_fresh(connection, ready, self.fresh, self.density) if found.is_first else None
        if fresh is not None:
            portion, held = fresh
            stepped.held += held
            return portion
        if is_held and not ready.is_empty:
            raise NotHeld
        return await read_portion(connection, ready, self.density, is_narrow=found.is_narrow)


def _readiness(series: SeriesToRoll, to_us: int, now: datetime) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which series can be rolled, and of which nothing more is to be expected."""
    is_told = series.until_us >= to_us
    silent_us = us_of(now) - to_us
    is_ready = is_told | (silent_us >= SILENCE // MICROSECOND)
    return is_ready, is_told | (silent_us >= GIVEN_UP // MICROSECOND)


def roll_block(block: RawBlock, series: SeriesToRoll) -> RollupRows:
    """Minutes of a block of raw samples, some series at a time: what fits the processor's cache is twice as fast."""
    texts = None
    if block.texts is not None:
        texts = np.empty(len(block), np.object_)
        texts[:] = block.texts
    is_text = series.is_text[np.searchsorted(series.ids, block.series_ids)] if series.is_text.any() else None
    samples = SampleBlock(block.times_us, block.values, block.statuses, texts, is_text)
    firsts = np.flatnonzero(np.diff(block.series_ids, prepend=-1))
    starts = firsts[np.flatnonzero(np.diff(firsts // CACHED_SAMPLES, prepend=-1))].tolist()
    parts = [no_rollups()]
    for start, end in pairwise([*starts, len(block)]):
        part = slice(start, end)
        parts.append(roll_minutes(block.series_ids[part], samples.take(part)))
    return join_rollups(parts)


def _stamped(rows: RollupRows, now: datetime) -> RollupRows:
    return replace(rows, valid_from_us=np.full(len(rows), us_of(now), np.int64))


async def _replace(
    connection: Connection,
    resolution: Resolution,
    stretch: Stretch,
    rows: RollupRows,
    now: datetime,
    stepped: Stepped,
) -> None:
    """Let these rows stand in a stretch, and no others."""
    if stretch.is_empty:
        return
    scope = Scope(stretch.series_ids.tolist(), at_us(stretch.from_us), at_us(stretch.to_us))
    replaced = await replace_rollups(connection, resolution, scope, rows, now)
    stepped.rows += replaced.inserted + replaced.revised
    stepped.revised += replaced.revised + replaced.removed


async def _merge(connection: Connection, found: Bin, cleared: Cleared, now: datetime, stepped: Stepped) -> None:
    """Quarters from minutes."""
    ids = (await select_series_to_roll(connection, cleared.series)).ids
    rows_each = max(1, (cleared.to_us - cleared.from_us) // MINUTE_US)
    count = max(1, MOST_ROWS // rows_each)
    await _mark_anew(connection, found, Stretch(ids[count:], cleared.from_us, cleared.to_us), now)
    mine = Stretch(ids[:count], cleared.from_us, cleared.to_us)
    scope = Scope(mine.series_ids.tolist(), at_us(mine.from_us), at_us(mine.to_us))
    minutes = await select_rollups(connection, Resolution.MINUTE, scope)
    quarters = await asyncio.to_thread(_quarters, minutes)
    await _replace(connection, Resolution.QUARTER, mine, quarters, now, stepped)


def _quarters(minutes: RollupRows) -> RollupRows:
    """A quarter is open as long as one of its minutes is."""
    quarters = merge_quarters(minutes)
    is_open = minutes.states == OPEN
    if is_open.any():
        slots = minutes.buckets_us // SLOT_US * SLOT_US
        open_keys = set(zip(minutes.series_ids[is_open].tolist(), slots[is_open].tolist(), strict=True))
        keys = zip(quarters.series_ids.tolist(), quarters.buckets_us.tolist(), strict=True)
        quarters.states[[key in open_keys for key in keys]] = OPEN
    return quarters


async def _mark_anew(connection: Connection, found: Bin, rest: Stretch, due_at: datetime) -> None:
    """Marks that were deleted and not followed stand again, in the same bin."""
    if not rest.is_empty:
        bin_us = us_of(found.at)
        mark = Mark(bin_us, found.minutes, rest.from_us, rest.to_us, multirange(rest.series_ids))
        await insert_marks(connection, [mark], due_at, found.resolution, is_first=found.is_first)


async def _mark_narrower(connection: Connection, found: Bin, long: Stretch, now: datetime) -> None:
    """One series has more samples in a wide bin than a step may hold: it goes on in narrower bins."""
    if not long.is_empty:
        minutes = BIN_MINUTES[BIN_MINUTES.index(found.minutes) - 1]
        marks = marks_in(multirange(long.series_ids), long.from_us, long.to_us, minutes)
        await insert_marks(connection, marks, now, is_first=found.is_first)


async def _mark_open(connection: Connection, still_open: Stretch, now: datetime) -> None:
    """Open rows are looked at again, the older the later."""
    if not still_open.is_empty:
        again = now + min(max((now - at_us(still_open.to_us)) / 4, ASK_AGAIN), ASK_AGAIN_AT_LEAST)
        marks = marks_between(multirange(still_open.series_ids), still_open.from_us, still_open.to_us)
        await insert_marks(connection, marks, again, is_open=True)


async def _mark_quarters(connection: Connection, changed: Stretch, now: datetime) -> None:
    """Quarters that are whole already are merged again."""
    progress = await select_rollup_progress(connection)
    if progress.marked_at is None or changed.is_empty:
        return
    from_us = changed.from_us // SLOT_US * SLOT_US
    to_us = min(-(-changed.to_us // SLOT_US) * SLOT_US, us_of(progress.marked_at) // SLOT_US * SLOT_US)
    if from_us < to_us:
        marks = marks_between(multirange(changed.series_ids), from_us, to_us)
        await insert_marks(connection, marks, now + MERGE_AFTER, Resolution.QUARTER)
