"""From raw samples to rows of minutes, and from minutes to quarters of an hour (pure)."""

import numpy as np
from numpy.typing import NDArray

from cloud_api.rollups.merging import merge
from cloud_api.rollups.partials import Keys, Partials, SampleBlock, buckets_of, starts_of
from cloud_api.rollups.rolling import from_samples
from cloud_api.storage.rollup_rows import FINAL, Resolution, RollupRows, join_rollups


def roll_minutes(series_ids: NDArray[np.int32], block: SampleBlock) -> RollupRows:
    """Roll samples, sorted by series and time, into minutes: one row a bucket, two where it has Uncertain samples."""
    keys = buckets_of(series_ids, block.times_us, Resolution.MINUTE.width_us)
    rows = _rows(keys, from_samples(block, keys.group), with_uncertain=False)
    is_uncertain = (block.statuses >> np.uint32(30)) == 1
    if not is_uncertain.any():
        return rows
    # Only buckets with Uncertain samples differ in the other reading.
    chosen = np.isin(keys.group, keys.group[is_uncertain])
    part = block.take(chosen)
    again = buckets_of(series_ids[chosen], part.times_us, Resolution.MINUTE.width_us)
    counted = _rows(again, from_samples(part, again.group, with_uncertain=True), with_uncertain=True)
    return _by_key(join_rollups([rows, counted.take(counted.partials["uncertain"] > 0)]))


def merge_quarters(minutes: RollupRows) -> RollupRows:
    """Merge minutes, sorted by series, bucket and reading, into quarters of an hour."""
    width_us = Resolution.QUARTER.width_us
    plain = minutes.read_as(with_uncertain=False)
    keys = buckets_of(plain.series_ids, plain.buckets_us, width_us)
    quarters = _rows(keys, merge(plain.partials, keys.group), with_uncertain=False)
    counting = minutes.read_as(with_uncertain=True)
    if not counting.with_uncertain.any():
        return quarters
    again = buckets_of(counting.series_ids, counting.buckets_us, width_us)
    has_uncertain = np.logical_or.reduceat(counting.with_uncertain, starts_of(again.group))
    merged = _rows(again, merge(counting.partials, again.group), with_uncertain=True)
    return _by_key(join_rollups([quarters, merged.take(has_uncertain)]))


def _rows(keys: Keys, partials: Partials, *, with_uncertain: bool) -> RollupRows:
    count = len(partials)
    return RollupRows(
        keys.series_ids,
        keys.buckets_us,
        np.full(count, with_uncertain),
        np.full(count, FINAL, "S1"),
        np.zeros(count, np.int64),
        partials,
    )


def _by_key(rows: RollupRows) -> RollupRows:
    return rows.take(np.lexsort((rows.with_uncertain, rows.buckets_us, rows.series_ids)))
