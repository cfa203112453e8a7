"""How long a value was in each class of values: the time that each sample holds, by class and interval (pure).

As DurationInState of Part 13 (5.4.3.22): a value holds until the next sample, and what is Bad holds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cloud_api.query.aggregates.bounds import simple_bounds
from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.aggregates.regions import simple_regions
from cloud_api.query.aggregates.samples import IS_BAD, Flags, Floats, Integers, Intervals, Samples
from cloud_api.query.aggregates.standins import Rolled, stand_ins
from cloud_api.rollups.partials import Partials


@dataclass(frozen=True, slots=True)
class ClassTimes:
    """float64[intervals, limits + 1] microseconds, and of each interval what is in no class or cannot be told."""

    held_us: Floats
    unknown_us: Floats


def class_of(values: Floats, limits: Sequence[float]) -> Integers:
    """The class of each value: 0 below the first limit, a value that is a limit belongs to the class above it."""
    return np.searchsorted(np.asarray(limits, np.float64), values, side="right").astype(np.int64)


def is_mixed(rows: Partials, limits: Sequence[float]) -> Flags:
    """Which rows hold values of several classes, so that their sums do not tell how long each was."""
    return (rows["held_us"] > 0) & (class_of(rows["low"], limits) != class_of(rows["high"], limits))


def time_in_classes(
    rolled: Rolled, raw: Samples, intervals: Intervals, limits: Sequence[float], configuration: Configuration
) -> ClassTimes:
    """Sum up rows of rollups, none of which crosses an edge, and the raw samples between them."""
    held = replace(configuration, stepped=True)
    samples = _joined(stand_ins(rolled.rows, rolled), raw)
    bounds = simple_bounds(samples, intervals.edges_us, held)
    regions = simple_regions(samples, intervals, bounds, stepped=True)
    outside = regions.only(~_is_inside(rolled.rows, regions.begins_us) & (regions.classes != IS_BAD))
    rows = rolled.rows[(rolled.rows["held_us"] > 0) & ~is_mixed(rolled.rows, limits)]
    size = len(limits) + 1
    interval = np.concatenate((outside.interval, intervals.find(rows["first_at"])))
    place = interval * size + np.concatenate((class_of(outside.start, limits), class_of(rows["low"], limits)))
    length = np.concatenate((outside.length_us, rows["held_us"]))
    times = np.bincount(place, length, intervals.count * size).astype(np.float64).reshape(intervals.count, size)
    return ClassTimes(times, np.diff(intervals.edges_us) - times.sum(axis=1))


def _is_inside(rows: Partials, times_us: Integers) -> Flags:
    """Which instants lie between the first and the last sample of a row."""
    if not len(rows):
        return np.zeros(len(times_us), np.bool_)
    at = np.searchsorted(rows["first_at"], times_us, side="right") - 1
    return (at >= 0) & (times_us < rows["last_at"][np.maximum(at, 0)])


def _joined(left: Samples, right: Samples) -> Samples:
    times = np.concatenate((left.times_us, right.times_us))
    order = np.argsort(times, kind="stable")
    return Samples(
        times[order],
        np.concatenate((left.values, right.values))[order],
        np.concatenate((left.statuses, right.statuses))[order],
        np.concatenate((left.classes, right.classes))[order].astype(np.int8),
    )
