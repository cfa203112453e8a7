"""A few samples that stand for all those of rows of partials: enough to make every bound (pure)."""

from dataclasses import dataclass

import numpy as np

from cloud_api.query.aggregates.samples import IS_BAD, Classes, Intervals, Samples
from cloud_api.rollups.merging import merge
from cloud_api.rollups.partials import Partials, no_partials, status_classes


@dataclass(frozen=True, slots=True)
class Rolled:
    """Rows of partials in the order of time, none across an edge; and the samples that surround them, as in raw."""

    rows: Partials
    before: Samples
    after: Samples
    # Whether the rows hold counts, means, extremes and ends alone.
    is_counted: bool = False


def merge_into(rows: Partials, intervals: Intervals, *, is_counted: bool = False) -> Partials:
    """One row for each interval; where `total` is 0 it has no samples."""
    merged = no_partials(intervals.count)
    for name in ("first_text", "last_text", "low_text", "high_text", "falls"):
        merged[name] = None
    if len(rows):
        group = intervals.find(rows["first_at"])
        merged[np.unique(group)] = merge(rows, group, is_counted=is_counted)
    return merged


def stand_ins(rows: Partials, rolled: Rolled) -> Samples:
    """A few samples for all: each is a stored one, and none that could touch a bound is missing."""
    full, some = rows[rows["total"] > 0], rows[rows["accepted"] > 0]
    first_is_front = (full["accepted"] > 0) & (full["first_at"] == full["front_at"])
    last_is_back = (full["accepted"] > 0) & (full["last_at"] == full["back_at"])
    several = some[some["accepted"] > 1]
    good = np.zeros(len(some), np.uint32)
    # Of equal instants the first named stays: it has the status.
    named = [
        (some["front_at"], some["front_value"], some["front_status"], status_classes(some["front_status"])),
        (some["back_at"], some["back_value"], some["back_status"], status_classes(some["back_status"])),
        (full["first_at"], np.where(first_is_front, full["front_value"], 0.0), full["first_status"], _bad(len(full))),
        (full["last_at"], np.where(last_is_back, full["back_value"], 0.0), full["last_status"], _bad(len(full))),
        (several["previous_at"], several["previous_value"], good[: len(several)], good[: len(several)]),
        (some["low_at"], some["low"], good, good),
        (some["high_at"], some["high"], good, good),
    ]
    times, values, statuses, classes = (np.concatenate(column) for column in zip(*named, strict=True))
    _, chosen = np.unique(times, return_index=True)
    before, after = rolled.before, rolled.after
    return Samples(
        np.concatenate((before.times_us, times[chosen], after.times_us)),
        np.concatenate((before.values, values[chosen], after.values)),
        np.concatenate((before.statuses, statuses[chosen], after.statuses)),
        np.concatenate((before.classes, classes[chosen], after.classes)).astype(np.int8),
    )


def _bad(count: int) -> Classes:
    return np.full(count, IS_BAD, np.int8)
