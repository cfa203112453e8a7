"""The same aggregates from partials: what lies between rollups' samples is made anew, the inside is taken (pure).

Every interval has one row of partials. Its samples are stood for by a few (the first, the last, the accepted ends, the
lowest and the highest), which make exactly the bounds that all of them would. Regions that begin inside a row are left
out and replaced by the row's sums.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cloud_api.query.aggregates.compute import finish
from cloud_api.query.aggregates.counts import Counts, compute_counts
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.regions import Regions, interpolated_regions, simple_regions
from cloud_api.query.aggregates.samples import (
    IS_BAD,
    IS_GOOD,
    IS_UNCERTAIN,
    Flags,
    Floats,
    Integers,
    Intervals,
    Result,
    extent_of,
)
from cloud_api.query.aggregates.standins import Rolled, merge_into, stand_ins
from cloud_api.query.aggregates.timed import Timed, bound_codes, compute_timed
from cloud_api.rollups.partials import Partials, status_classes


@dataclass(frozen=True, slots=True)
class Answered:
    """Results, where a sample is named by its place among the firsts and then the lasts of `rows`, one an interval."""

    results: dict[Aggregate, Result]
    rows: Partials


def compute_rolled(
    aggregates: Iterable[Aggregate], rolled: Rolled, intervals: Intervals, configuration: Configuration
) -> Answered:
    """Compute aggregates from rows of partials and the samples that surround them."""
    rows = merge_into(rolled.rows, intervals, is_counted=rolled.is_counted)
    samples = stand_ins(rows, rolled)
    timed = RolledTimed(samples, intervals, configuration, rows)
    extent = extent_of(samples, intervals)
    counts = Counts(rows, rolled, intervals, configuration)
    results: dict[Aggregate, Result] = {}
    for aggregate in aggregates:
        if aggregate is Aggregate.WORST_QUALITY2:
            result = counts.worst_quality(bound_codes(samples, timed.simple)[:-1])
        else:
            result = compute_counts(aggregate, counts) or compute_timed(aggregate, timed)
        # What the database computes from raw has no Partial bit either.
        is_plain = aggregate in IN_DATABASE
        results[aggregate] = result if is_plain else finish(aggregate, result, intervals, extent)
    return Answered(results, rows)


@dataclass(frozen=True)
class RolledTimed(Timed):
    """Bounds and regions from stand-ins and from the sums of rows."""

    rows: Partials

    @cached_property
    def regions(self) -> Regions:
        """Regions between simple bounds."""
        stepped = self.configuration.stepped
        good = self.rows["held_good_us"] if stepped else self.rows["good_us"]
        area = self.rows["step_area"] if stepped else self.rows["line_area"]
        held, whole = self.rows["held_us"], self.rows["last_at"] - self.rows["first_at"]
        mean = self.rows["front_value"] + area / np.maximum(held / 1e6, 1e-6)
        inside = self._sums([(good, IS_GOOD), (held - good, IS_UNCERTAIN), (whole - held, IS_BAD)], [mean] * 3)
        return self._between(simple_regions(self.samples, self.intervals, self.simple, stepped=stepped), inside)

    @cached_property
    def held(self) -> Regions:
        """Regions in which value and class hold; only whether a value is 0 matters in them."""
        rows = self.rows
        held, good, zero = rows["held_us"], rows["held_good_us"], rows["zero_us"]
        whole = rows["last_at"] - rows["first_at"]
        # Nobody asks for zero and Good at once, so that any table with these sums will do.
        zero_good = np.minimum(zero, good)
        nothing, something = np.zeros(len(rows)), np.ones(len(rows))
        parts = [
            (zero_good, IS_GOOD),
            (zero - zero_good, IS_UNCERTAIN),
            (good - zero_good, IS_GOOD),
            (held - good - zero + zero_good, IS_UNCERTAIN),
            (whole - held, IS_BAD),
        ]
        inside = self._sums(parts, [nothing, nothing, something, something, nothing])
        return self._between(simple_regions(self.samples, self.intervals, self.simple, stepped=True), inside)

    @cached_property
    def spans(self) -> Regions:
        """Regions between interpolated bounds."""
        stepped, rows = self.configuration.stepped, self.rows
        length = rows["back_at"] - rows["front_at"]
        area = rows["span_step_area"] if stepped else rows["span_line_area"]
        mean = rows["front_value"] + area / np.maximum(length / 1e6, 1e-6)
        uncertain = rows["uncertain"].copy()
        if stepped:
            # The class of the last one is that of what follows.
            uncertain -= status_classes(rows["back_status"]) == IS_UNCERTAIN
        doubtful = rows["skips"] | (uncertain > 0)
        parts = [(np.where(doubtful, 0, length), IS_GOOD), (np.where(doubtful, length, 0), IS_UNCERTAIN)]
        made = interpolated_regions(self.samples, self.intervals, self.interpolated, stepped=stepped)
        begins = rows["front_at"][made.interval]
        is_inside = (rows["accepted"][made.interval] > 0) & (made.begins_us >= begins)
        is_inside &= made.begins_us < rows["back_at"][made.interval]
        return made.only(~is_inside).with_others(self._sums(parts, [mean] * 2))

    def is_repeated(self, _values: Floats, _sign: int) -> Flags:
        """Where a row says that its lowest or highest value comes again."""
        name = "low" if _sign > 0 else "high"
        has_one = self.rows["accepted"] > 0
        return has_one & self.rows[f"{name}_repeated"] & (self.rows[name] == _values)

    def _between(self, made: Regions, inside: Regions) -> Regions:
        rows = self.rows
        is_inside = (rows["total"][made.interval] > 0) & (made.begins_us >= rows["first_at"][made.interval])
        is_inside &= made.begins_us < rows["last_at"][made.interval]
        return made.only(~is_inside).with_others(inside)

    def _sums(self, parts: list[tuple[Integers, int]], values: list[Floats]) -> Regions:
        """Regions of that length, class and value in each interval; none where the length is 0."""
        count = self.intervals.count
        size = len(parts)
        length = np.concatenate([part[0] for part in parts])
        value = np.concatenate(values)
        interval = np.tile(np.arange(count), size)
        classes = np.repeat(np.array([part[1] for part in parts], np.int8), count)
        begins = np.tile(self.rows["first_at"], size)
        return Regions(begins, interval, length, value, value, classes, count).only(length > 0)
