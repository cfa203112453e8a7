"""Rollups beside what raw samples say: rows recomputed by the same arithmetic, differences named field by field."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cloud_api.globs import PathGlob
from cloud_api.rollups.rebuild import series_of
from cloud_api.rollups.roll import merge_quarters
from cloud_api.rollups.steps import roll_block
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.raw_blocks import (
    SeriesToRoll,
    select_sample_at,
    select_sample_span,
    select_samples_of_series,
    select_series_to_roll,
)
from cloud_api.storage.rollup_marks import MINUTE_US, SLOT_US, Unrolled, multirange, select_unrolled
from cloud_api.storage.rollup_progress import select_rollup_progress, set_rollup_snapshot
from cloud_api.storage.rollup_rows import PARTIAL, Resolution, RollupRows
from cloud_api.storage.rollups import Scope, select_rollups

TOLERANCE = 1e-9
# A day of one series at 100 samples a second, and no more memory than that.
MOST_SAMPLES = 10_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that does not say what raw says; `stored` and `computed` are None where that row is missing."""

    series_id: int
    resolution: Resolution
    bucket_at: datetime
    with_uncertain: bool
    column: str
    stored: object
    computed: object


@dataclass(slots=True)
class Verified:
    """How many rows were compared, what differs, and how many minutes were left out because they wait to be rolled."""

    rows: int = 0
    waiting_minutes: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])


async def verify_random(
    connection: Connection, glob: PathGlob, window: tuple[int | None, int | None], count: int, chance: random.Random
) -> Verified:
    """Compare `count` quarters of series taken at random, where raw has samples, as far as that is closed."""
    verified = Verified()
    series_ids = await series_of(connection, glob)
    progress = await select_rollup_progress(connection)
    if not series_ids or progress.marked_at is None:
        return verified
    for _ in range(count):
        series_id = chance.choice(series_ids)
        span = await select_sample_span(connection, series_id)
        if span is None:
            continue
        first = max(span[0], window[0] or span[0])
        last = min(span[1], window[1] or span[1], us_of(progress.marked_at))
        if first >= last:
            continue
        found = await select_sample_at(connection, series_id, chance.randrange(first, last))
        if found is None or found >= last:
            continue
        slot = found // SLOT_US * SLOT_US
        one = await verify_stretch(connection, series_id, slot, slot + SLOT_US)
        verified.rows += one.rows
        verified.waiting_minutes += one.waiting_minutes
        verified.differences += one.differences
    return verified


async def verify_stretch(connection: Connection, series_id: int, from_us: int, to_us: int) -> Verified:
    """Compare a stretch of one series, from the quarter that it begins in, in one snapshot."""
    verified = Verified()
    from_us = from_us // SLOT_US * SLOT_US
    async with connection.transaction():
        await set_rollup_snapshot(connection)
        progress = await select_rollup_progress(connection)
        if progress.marked_at is None:
            return verified
        to_us = min(to_us, us_of(progress.marked_at))
        from_us = max(from_us, us_of(progress.raw_kept_at)) if progress.raw_kept_at else from_us
        if from_us >= to_us:
            return verified
        series = await select_series_to_roll(connection, multirange(np.array([series_id], np.int32)))
        unrolled = await select_unrolled(connection, [series_id], from_us, to_us)
        minutes = await _recompute(connection, series, from_us, to_us)
        scope = Scope([series_id], at_us(from_us), at_us(to_us))
        stored_minutes = await select_rollups(connection, Resolution.MINUTE, scope)
        stored_quarters = await select_rollups(connection, Resolution.QUARTER, scope)
    waiting = _waiting(unrolled, Resolution.MINUTE)
    verified.waiting_minutes = sum(last - first for first, last in waiting) // MINUTE_US
    _compare(verified, Resolution.MINUTE, _outside(stored_minutes, waiting), _outside(minutes, waiting))
    whole_us = to_us // SLOT_US * SLOT_US
    slots = [_slots(stretch) for stretch in waiting + _waiting(unrolled, Resolution.QUARTER)]
    late = [*slots, (whole_us, max(whole_us, to_us) + SLOT_US)]
    _compare(verified, Resolution.QUARTER, _outside(stored_quarters, late), _outside(merge_quarters(minutes), late))
    return verified


async def _recompute(connection: Connection, series: SeriesToRoll, from_us: int, to_us: int) -> RollupRows:
    between = at_us(from_us), at_us(to_us)
    return roll_block(await select_samples_of_series(connection, series.ids, between, MOST_SAMPLES), series)


def _waiting(unrolled: Sequence[Unrolled], resolution: Resolution) -> list[tuple[int, int]]:
    return [(each.from_us, each.to_us) for each in unrolled if each.resolution is resolution]


def _slots(stretch: tuple[int, int]) -> tuple[int, int]:
    return stretch[0] // SLOT_US * SLOT_US, -(-stretch[1] // SLOT_US) * SLOT_US


def _outside(rows: RollupRows, stretches: Sequence[tuple[int, int]]) -> RollupRows:
    keep = np.ones(len(rows), np.bool_)
    for first, last in stretches:
        keep &= (rows.buckets_us < first) | (rows.buckets_us >= last)
    return rows.take(keep)


def _compare(verified: Verified, resolution: Resolution, stored: RollupRows, computed: RollupRows) -> None:
    stored_keys, computed_keys = _keys(stored), _keys(computed)
    verified.rows += len(stored_keys.keys() | computed_keys.keys())
    for key in sorted(stored_keys.keys() ^ computed_keys.keys()):
        there = key in stored_keys
        at = (key[0], resolution, at_us(key[1]), key[2])
        verified.differences.append(Difference(*at, "row", there or None, None if there else True))
    common = sorted(stored_keys.keys() & computed_keys.keys())
    left = stored.partials[[stored_keys[key] for key in common]]
    right = computed.partials[[computed_keys[key] for key in common]]
    for name in PARTIAL.names or ():
        if name != "falls" and common:
            for place in np.flatnonzero(~_same(left[name], right[name])).tolist():
                key = common[place]
                at = (key[0], resolution, at_us(key[1]), key[2])
                verified.differences.append(Difference(*at, name, left[name][place], right[name][place]))


def _same(left: NDArray[np.generic], right: NDArray[np.generic]) -> NDArray[np.bool_]:
    if left.dtype == np.float64:
        return np.isclose(left, right, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
    return np.asarray(left == right, np.bool_)


def _keys(rows: RollupRows) -> dict[tuple[int, int, bool], int]:
    keys = zip(rows.series_ids.tolist(), rows.buckets_us.tolist(), rows.with_uncertain.tolist(), strict=True)
    return {key: place for place, key in enumerate(keys)}
