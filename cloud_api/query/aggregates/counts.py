"""Aggregates that look at raw samples alone, from one row of partials an interval (pure)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cloud_api.query.aggregates.counted import counter_growth
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.samples import (
    CALCULATED,
    IS_BAD,
    IS_GOOD,
    MULTIPLE_VALUES,
    UNCERTAIN_DATA_SUB_NORMAL,
    Codes,
    Flags,
    Floats,
    Form,
    Intervals,
    Result,
    share_codes,
    with_bits,
)
from cloud_api.query.aggregates.standins import Rolled
from cloud_api.rollups.merging import end_class
from cloud_api.rollups.partials import Partials, status_classes
from schemas.status import BAD_NO_DATA, GOOD

# Part 8, 6.3: samples that would be needed are not kept any more.
BAD_DATA_UNAVAILABLE = 0x809E0000


@dataclass(frozen=True, slots=True)
class Counts:
    """One row an interval, beside the rows that it was merged of."""

    rows: Partials
    rolled: Rolled
    intervals: Intervals
    configuration: Configuration

    def codes(self) -> Codes:
        """The status by share of the count (5.4.3.2.1); no accepted sample is Bad_NoData."""
        accepted, total = self.rows["accepted"].astype(np.float64), self.rows["total"].astype(np.float64)
        codes = share_codes(accepted, total - accepted, total, self.configuration)
        return np.where(accepted > 0, codes, BAD_NO_DATA).astype(np.uint32)

    def calculated(self, values: Floats) -> Result:
        """A number with the status by share of the count."""
        return Result(Form.NUMBER, values, with_bits(self.codes(), CALCULATED))

    def average(self) -> Result:
        """Average (5.4.3.5) of the accepted samples."""
        return self.calculated(self.rows["front_value"] + self.rows["mean_offset"])

    def count(self) -> Result:
        """Count (5.4.3.21) of the accepted samples."""
        return Result(Form.INTEGER, self.rows["accepted"].astype(np.int64), with_bits(self.codes(), CALCULATED))

    def actual_time(self, name: str) -> Result:
        """MinimumActualTime and MaximumActualTime (5.4.3.12, 13)."""
        codes = with_bits(self.codes(), np.where(self.rows[f"{name}_repeated"], MULTIPLE_VALUES, 0))
        return Result(Form.INSTANT, self.rows[f"{name}_at"], codes)

    def spread(self, *, is_sample: bool, is_variance: bool) -> Result:
        """Standard deviation and variance (5.4.3.37 to 40)."""
        counts = self.rows["accepted"]
        variance = self.rows["m2"] / np.maximum(counts - (1 if is_sample else 0), 1)
        codes = np.where(counts > 0, GOOD, BAD_NO_DATA).astype(np.uint32)
        return Result(Form.NUMBER, variance if is_variance else np.sqrt(variance), with_bits(codes, CALCULATED))

    def edge_sample(self, *, is_last: bool) -> Result:
        """Start and End (5.4.3.25, 26) as the place among all firsts and then all lasts."""
        size, has_any = len(self.rows), self.rows["total"] > 0
        found = self.rows["last_status"] if is_last else self.rows["first_status"]
        places = np.arange(size, dtype=np.int64) + (size if is_last else 0)
        codes = np.where(has_any, found, BAD_NO_DATA).astype(np.uint32)
        return Result(Form.SAMPLE, np.where(has_any, places, -1), codes)

    def delta(self) -> Result:
        """Delta (5.4.3.27)."""
        rows = self.rows
        is_whole = (end_class(rows, is_last=False) == IS_GOOD) & (end_class(rows, is_last=True) == IS_GOOD)
        codes = np.where(is_whole, GOOD, UNCERTAIN_DATA_SUB_NORMAL)
        codes = np.where(rows["accepted"] > 0, codes, BAD_NO_DATA).astype(np.uint32)
        return Result(Form.NUMBER, rows["back_value"] - rows["front_value"], with_bits(codes, CALCULATED))

    def transitions(self) -> Result:
        """NumberOfTransitions (5.4.3.24); the first sample of all has nothing before it, and that is one."""
        rows = self.rows
        kept = np.flatnonzero(rows["accepted"] > 0)
        before = self._before(rows[kept])
        counts = rows["transitions"].astype(np.int64)
        # NaN, where nothing is before, differs from everything.
        counts[kept] += before != rows["front_value"][kept]
        return Result(Form.INTEGER, counts, with_bits(self.codes(), CALCULATED))

    def increase(self, *, is_rate: bool) -> Result:
        """How much a counter grew, row by row and between rows; falls that nobody can tell apart give no value."""
        rows, rollover = self.rolled.rows, self.configuration.counter_rollover
        rows = rows[rows["accepted"] > 0]
        interval = self.intervals.find(rows["first_at"])
        size = len(self.rows)
        before = self._before(rows)
        joints = np.where(np.isnan(before), 0.0, counter_growth(before, rows["front_value"], rollover))
        grown = growth_inside(rows, rollover)
        unknown = np.isnan(grown)
        sums: Floats = np.bincount(interval, joints + np.where(unknown, 0.0, grown), size).astype(np.float64)
        if is_rate:
            sums = sums / (np.diff(self.intervals.edges_us) / 1e6)
        result = self.calculated(sums)
        is_lost = np.bincount(interval, unknown, size) > 0
        return Result(Form.NUMBER, sums, np.where(is_lost, BAD_DATA_UNAVAILABLE, result.codes).astype(np.uint32))

    def _before(self, rows: Partials) -> Floats:
        """The last accepted value before each of these rows that have some; NaN where there is none."""
        before = self.rolled.before
        accepted = np.flatnonzero(before.classes != IS_BAD)
        found: Floats = np.full(len(rows), np.nan)
        found[1:] = rows["back_value"][:-1]
        if len(rows) and len(accepted):
            found[0] = before.values[accepted[-1]]
        return found

    def worst_quality(self, start_codes: Codes | None = None) -> Result:
        """WorstQuality (5.4.3.35), and WorstQuality2 (5.4.3.36) with the codes of the start bounds."""
        rows = self.rows
        worst, differs = rows["worst_status"], rows["worst_differs"]
        has_any = rows["total"] > 0
        if start_codes is not None:
            is_made = ~has_any | (rows["first_at"] != self.intervals.starts_us)
            start_class, worst_class = status_classes(start_codes), status_classes(worst)
            leads = is_made & (~has_any | (start_class >= worst_class))
            joins = leads & has_any & (start_class == worst_class)
            differs = np.where(leads, joins & (differs | (worst != start_codes)), differs)
            worst, has_any = np.where(leads, start_codes, worst), np.ones(len(rows), np.bool_)
        codes = np.where(has_any, GOOD, BAD_NO_DATA).astype(np.uint32)
        bits = np.where(differs, CALCULATED | MULTIPLE_VALUES, CALCULATED)
        return Result(Form.INTEGER, worst.astype(np.int64), with_bits(codes, bits))


def growth_inside(rows: Partials, rollover: float | None) -> Floats:
    """The growth of a counter inside each row; NaN where restarts and rollovers mix and are not kept one by one."""
    if rollover is None:
        return rows["rise"] + rows["fall_later"]
    count = rows["fall_count"]
    least, most = rows["fall_least"] + rollover, rows["fall_most"] + rollover
    all_roll = (least >= 0) & (most < rollover / 2)
    none_roll: Flags = (most < 0) | (least >= rollover / 2)
    rolled = rows["rise"] + rows["fall_sum"] + count * rollover
    grown = np.where(all_roll, rolled, np.where(none_roll, rows["rise"] + rows["fall_later"], np.nan))
    grown = np.where(count == 0, rows["rise"], grown)
    for index in np.flatnonzero(np.isnan(grown)).tolist():
        if rows["falls"][index] is not None:
            pairs = np.array(rows["falls"][index]).reshape(-1, 2)
            grown[index] = rows["rise"][index] + counter_growth(pairs[:, 0], pairs[:, 1], rollover).sum()
    return grown


# What rows with counts, means and extremes alone answer.
COUNTED = frozenset(
    {
        *IN_DATABASE,
        Aggregate.RANGE,
        Aggregate.MINIMUM_ACTUAL_TIME,
        Aggregate.MAXIMUM_ACTUAL_TIME,
        Aggregate.STANDARD_DEVIATION_SAMPLE,
        Aggregate.STANDARD_DEVIATION_POPULATION,
        Aggregate.VARIANCE_SAMPLE,
        Aggregate.VARIANCE_POPULATION,
    }
)

_MADE: dict[Aggregate, Callable[[Counts], Result]] = {
    Aggregate.AVERAGE: Counts.average,
    Aggregate.MINIMUM: lambda counts: counts.calculated(counts.rows["low"]),
    Aggregate.MAXIMUM: lambda counts: counts.calculated(counts.rows["high"]),
    Aggregate.COUNT: Counts.count,
    Aggregate.MINIMUM_ACTUAL_TIME: lambda counts: counts.actual_time("low"),
    Aggregate.MAXIMUM_ACTUAL_TIME: lambda counts: counts.actual_time("high"),
    Aggregate.RANGE: lambda counts: counts.calculated(counts.rows["high"] - counts.rows["low"]),
    Aggregate.START: lambda counts: counts.edge_sample(is_last=False),
    Aggregate.END: lambda counts: counts.edge_sample(is_last=True),
    Aggregate.DELTA: Counts.delta,
    Aggregate.NUMBER_OF_TRANSITIONS: Counts.transitions,
    Aggregate.INCREASE: lambda counts: counts.increase(is_rate=False),
    Aggregate.RATE: lambda counts: counts.increase(is_rate=True),
    Aggregate.WORST_QUALITY: Counts.worst_quality,
    Aggregate.STANDARD_DEVIATION_SAMPLE: lambda counts: counts.spread(is_sample=True, is_variance=False),
    Aggregate.STANDARD_DEVIATION_POPULATION: lambda counts: counts.spread(is_sample=False, is_variance=False),
    Aggregate.VARIANCE_SAMPLE: lambda counts: counts.spread(is_sample=True, is_variance=True),
    Aggregate.VARIANCE_POPULATION: lambda counts: counts.spread(is_sample=False, is_variance=True),
}


def compute_counts(aggregate: Aggregate, counts: Counts) -> Result | None:
    """Compute an aggregate that looks at raw samples alone; None for any other."""
    make = _MADE.get(aggregate)
    return make(counts) if make else None
