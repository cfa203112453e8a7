"""Aggregates of the raw samples of an interval, without bounds; counters with rollover and reset (pure)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.samples import (
    CALCULATED,
    IS_BAD,
    IS_UNCERTAIN,
    MULTIPLE_VALUES,
    UNCERTAIN_DATA_SUB_NORMAL,
    Codes,
    Flags,
    Floats,
    Form,
    Integers,
    Intervals,
    Result,
    Samples,
    share_codes,
    with_bits,
)
from schemas.status import BAD_NO_DATA, GOOD

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Counted:
    """The samples inside the intervals: which interval each is in, and how many are accepted there."""

    samples: Samples
    intervals: Intervals
    configuration: Configuration
    inside: Integers
    interval: Integers

    @property
    def size(self) -> int:
        """How many intervals there are."""
        return self.intervals.count

    @property
    def taken(self) -> Integers:
        """The samples that are not Bad."""
        return self.inside[self.samples.accepted[self.inside]]

    def find(self, chosen: Integers) -> Integers:
        """Tell the intervals of samples."""
        return self.intervals.find(self.samples.times_us[chosen])

    def codes(self) -> Codes:
        """The status by share of the count (5.4.3.2.1); no accepted sample is Bad_NoData."""
        every = np.bincount(self.interval, minlength=self.size).astype(np.float64)
        accepted = np.bincount(self.find(self.taken), minlength=self.size).astype(np.float64)
        codes = share_codes(accepted, every - accepted, every, self.configuration)
        return np.where(accepted > 0, codes, BAD_NO_DATA).astype(np.uint32)


def count_in(samples: Samples, intervals: Intervals, configuration: Configuration) -> Counted:
    """Find the samples that lie inside the intervals."""
    low, high = np.searchsorted(samples.times_us, intervals.edges_us[[0, -1]], side="left")
    inside = np.arange(low, high, dtype=np.int64)
    return Counted(samples, intervals, configuration, inside, intervals.find(samples.times_us[inside]))


def actual_time(counted: Counted, sign: int) -> Result:
    """MinimumActualTime and MaximumActualTime (5.4.3.12, 13): when it was, the oldest of equals."""
    taken = counted.taken
    interval = counted.find(taken)
    chosen, is_multiple = first_lowest(interval, counted.samples.values[taken] * sign, counted.size)
    times = _taken(counted.samples.times_us[taken], chosen)
    codes = with_bits(counted.codes(), np.where(is_multiple, MULTIPLE_VALUES, 0))
    return Result(Form.INSTANT, times, codes)


def value_range(counted: Counted) -> Result:
    """Range (5.4.3.14): the highest less the lowest accepted sample."""
    taken = counted.taken
    interval, values = counted.find(taken), counted.samples.values[taken]
    lowest, _ = first_lowest(interval, values, counted.size)
    highest, _ = first_lowest(interval, -values, counted.size)
    spans = _taken(values, highest) - _taken(values, lowest)
    return Result(Form.NUMBER, spans, with_bits(counted.codes(), CALCULATED))


def first_lowest(interval: Integers, values: Floats, size: int) -> tuple[Integers, Flags]:
    """Of each interval the index of its first lowest value, -1 where it has none, and whether there are equals."""
    chosen, is_multiple = np.full(size, -1, np.int64), np.zeros(size, np.bool_)
    if len(interval):
        ids, starts = np.unique(interval, return_index=True)
        lowest = np.full(size, np.inf)
        lowest[ids] = np.minimum.reduceat(values, starts)
        hits = np.flatnonzero(values == lowest[interval])
        hit_ids, first, counts = np.unique(interval[hits], return_index=True, return_counts=True)
        chosen[hit_ids] = hits[first]
        is_multiple[hit_ids] = counts > 1
    return chosen, is_multiple


def spread(counted: Counted, *, is_sample: bool, is_variance: bool) -> Result:
    """Standard deviation and variance (5.4.3.37 to 40) of accepted samples in two passes; of one sample it is 0."""
    taken = counted.taken
    interval, values, size = counted.find(taken), counted.samples.values[taken], counted.size
    counts = np.bincount(interval, minlength=size)
    origin = np.zeros(size)
    ids, first = np.unique(interval, return_index=True)
    origin[ids] = values[first]
    shifted = values - origin[interval]
    means = np.bincount(interval, shifted, size) / np.maximum(counts, 1)
    squares = np.bincount(interval, (shifted - means[interval]) ** 2, size)
    variance = squares / np.maximum(counts - (1 if is_sample else 0), 1)
    codes = np.where(counts > 0, GOOD, BAD_NO_DATA).astype(np.uint32)
    return Result(Form.NUMBER, variance if is_variance else np.sqrt(variance), with_bits(codes, CALCULATED))


def edge_sample(counted: Counted, *, is_last: bool) -> Result:
    """Start and End (5.4.3.25, 26): the first or last raw sample with its own status, whatever that is."""
    chosen = _edges(counted.interval, counted.size, is_last=is_last)
    at = np.where(chosen >= 0, counted.inside[chosen] if len(counted.inside) else 0, 0)
    found = counted.samples.statuses[at] if len(counted.samples) else np.zeros(counted.size, np.uint32)
    codes = np.where(chosen >= 0, found, BAD_NO_DATA).astype(np.uint32)
    return Result(Form.SAMPLE, np.where(chosen >= 0, at, -1), codes)


def delta(counted: Counted) -> Result:
    """Delta (5.4.3.27): the last less the first accepted sample, Uncertain where others lie outside these."""
    taken = counted.taken
    interval, values, size = counted.find(taken), counted.samples.values[taken], counted.size
    first, last = _edges(interval, size, is_last=False), _edges(interval, size, is_last=True)
    difference = _taken(values, last) - _taken(values, first)
    outer_first = _edges(counted.interval, size, is_last=False)
    outer_last = _edges(counted.interval, size, is_last=True)
    is_whole = _is_good(counted, outer_first) & _is_good(counted, outer_last)
    codes = np.where(first < 0, BAD_NO_DATA, np.where(is_whole, GOOD, UNCERTAIN_DATA_SUB_NORMAL))
    return Result(Form.NUMBER, difference, with_bits(codes.astype(np.uint32), CALCULATED))


def transitions(counted: Counted) -> Result:
    """NumberOfTransitions (5.4.3.24): changes between accepted samples, the one before the interval included."""
    kept = np.flatnonzero(counted.samples.accepted)
    values = counted.samples.values[kept]
    # The first of all has nothing before it, and that is a transition.
    changed = np.concatenate((np.ones(min(1, len(kept)), np.bool_), values[1:] != values[:-1]))
    low, high = counted.intervals.edges_us[[0, -1]]
    times = counted.samples.times_us[kept]
    at = np.flatnonzero(changed & (times >= low) & (times < high))
    counts = np.bincount(counted.find(kept[at]), minlength=counted.size).astype(np.int64)
    return Result(Form.INTEGER, counts, with_bits(counted.codes(), CALCULATED))


def increase(counted: Counted, *, is_rate: bool) -> Result:
    """How much a counter grew, each step booked when its later sample was measured; `rate` is that per second."""
    kept = np.flatnonzero(counted.samples.accepted).astype(np.int64)
    grown = np.zeros(len(kept))
    grown[1:] = counter_steps(counted.samples.values[kept], counted.configuration.counter_rollover)
    low, high = counted.intervals.edges_us[[0, -1]]
    times = counted.samples.times_us[kept]
    at = np.flatnonzero((times >= low) & (times < high))
    sums = np.bincount(counted.find(kept[at]), grown[at], counted.size)
    if is_rate:
        sums = sums / (np.diff(counted.intervals.edges_us) / 1e6)
    return Result(Form.NUMBER, sums, with_bits(counted.codes(), CALCULATED))


def counter_steps(values: Floats, rollover: float | None) -> Floats:
    """Growth from each value to the next. A fall is a rollover if it is short that way, else a restart from 0."""
    return counter_growth(values[:-1], values[1:], rollover)


def counter_growth(before: Floats, later: Floats, rollover: float | None) -> Floats:
    """Growth from values to later ones, pair by pair."""
    steps = later - before
    fell = steps < 0
    if rollover is None:
        return np.where(fell, later, steps)
    around = steps + rollover
    is_rollover = fell & (around >= 0) & (around < rollover / 2)
    return np.where(is_rollover, around, np.where(fell, later, steps))


def worst_quality(counted: Counted, start_codes: Codes | None) -> Result:
    """WorstQuality (5.4.3.35), and WorstQuality2 (5.4.3.36) with the codes of the start bounds."""
    interval, statuses = counted.interval, counted.samples.statuses[counted.inside]
    if start_codes is not None:
        made = np.arange(counted.size, dtype=np.int64)
        raw_at_start = np.isin(counted.intervals.starts_us, counted.samples.times_us[counted.inside])
        made = made[~raw_at_start]
        interval = np.concatenate((made, interval))
        order = np.argsort(interval, kind="stable")
        statuses, interval = np.concatenate((start_codes[made], statuses))[order], interval[order]
    classes = np.minimum(statuses >> np.uint32(30), IS_BAD).astype(np.float64)
    chosen, _ = first_lowest(interval, -classes, counted.size)
    worst = _taken(statuses, chosen)
    if not len(interval):
        return Result(Form.INTEGER, worst.astype(np.int64), np.full(counted.size, BAD_NO_DATA, np.uint32))
    same_class = classes == np.minimum(worst >> np.uint32(30), IS_BAD)[interval]
    differs = same_class & (statuses != worst[interval])
    is_multiple = np.bincount(interval[differs], minlength=counted.size) > 0
    codes = np.where(chosen >= 0, GOOD, BAD_NO_DATA).astype(np.uint32)
    bits = np.where(is_multiple, CALCULATED | MULTIPLE_VALUES, CALCULATED)
    return Result(Form.INTEGER, worst.astype(np.int64), with_bits(codes, bits))


_MADE: dict[Aggregate, Callable[[Counted], Result]] = {
    Aggregate.MINIMUM_ACTUAL_TIME: partial(actual_time, sign=1),
    Aggregate.MAXIMUM_ACTUAL_TIME: partial(actual_time, sign=-1),
    Aggregate.RANGE: value_range,
    Aggregate.START: partial(edge_sample, is_last=False),
    Aggregate.END: partial(edge_sample, is_last=True),
    Aggregate.DELTA: delta,
    Aggregate.NUMBER_OF_TRANSITIONS: transitions,
    Aggregate.INCREASE: partial(increase, is_rate=False),
    Aggregate.RATE: partial(increase, is_rate=True),
    Aggregate.WORST_QUALITY: partial(worst_quality, start_codes=None),
    Aggregate.STANDARD_DEVIATION_SAMPLE: partial(spread, is_sample=True, is_variance=False),
    Aggregate.STANDARD_DEVIATION_POPULATION: partial(spread, is_sample=False, is_variance=False),
    Aggregate.VARIANCE_SAMPLE: partial(spread, is_sample=True, is_variance=True),
    Aggregate.VARIANCE_POPULATION: partial(spread, is_sample=False, is_variance=True),
}


def compute_counted(aggregate: Aggregate, counted: Counted) -> Result | None:
    """Compute an aggregate that looks at raw samples alone; None for any other."""
    make = _MADE.get(aggregate)
    return make(counted) if make else None


def _edges(interval: Integers, size: int, *, is_last: bool) -> Integers:
    found = np.full(size, -1, np.int64)
    ids, first, counts = np.unique(interval, return_index=True, return_counts=True)
    found[ids] = first + counts - 1 if is_last else first
    return found


def _is_good(counted: Counted, position: Integers) -> Flags:
    if not len(counted.inside):
        return np.zeros(counted.size, np.bool_)
    return counted.samples.classes[counted.inside[position]] < IS_UNCERTAIN


def _taken(values: NDArray[Scalar], chosen: Integers) -> NDArray[Scalar]:
    if not len(values):
        return np.zeros(len(chosen), values.dtype)
    return np.where(chosen >= 0, values[chosen], values.dtype.type(0)).astype(values.dtype)
