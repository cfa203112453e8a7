"""Regions of Part 13, 5.4.3.2: the stretches between samples and bounds, with their class and area (pure)."""

from dataclasses import dataclass

import numpy as np

from cloud_api.query.aggregates.bounds import Bounds
from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.aggregates.samples import (
    IS_BAD,
    IS_GOOD,
    IS_UNCERTAIN,
    Classes,
    Codes,
    Flags,
    Floats,
    Integers,
    Intervals,
    Samples,
    share_codes,
)

# The resolution of our clock: how long the last sample of all holds (5.4.2.4).
TICK_US = 1


@dataclass(frozen=True, slots=True)
class Regions:
    """Stretches in which the value runs in a line from `start` to `end`, by interval."""

    begins_us: Integers
    interval: Integers
    length_us: Integers
    start: Floats
    end: Floats
    classes: Classes
    count: int

    def only(self, chosen: Flags) -> "Regions":
        """Some of them."""
        return Regions(
            self.begins_us[chosen],
            self.interval[chosen],
            self.length_us[chosen],
            self.start[chosen],
            self.end[chosen],
            self.classes[chosen],
            self.count,
        )

    def with_others(self, others: "Regions") -> "Regions":
        """Those of both; their order does not matter."""
        return Regions(
            np.concatenate((self.begins_us, others.begins_us)),
            np.concatenate((self.interval, others.interval)),
            np.concatenate((self.length_us, others.length_us)),
            np.concatenate((self.start, others.start)),
            np.concatenate((self.end, others.end)),
            np.concatenate((self.classes, others.classes)),
            self.count,
        )

    def duration_us(self, which: Flags) -> Floats:
        """Sum the lengths of some regions in each interval; whole microseconds, exact up to 285 years."""
        return np.bincount(self.interval[which], self.length_us[which], self.count).astype(np.float64)

    def codes(self, configuration: Configuration) -> Codes:
        """The status by share of time (5.4.3.2.1); Uncertain regions count as Bad when samples would."""
        is_bad = self.classes >= (IS_UNCERTAIN if configuration.treat_uncertain_as_bad else IS_BAD)
        every = np.ones(len(self.interval), np.bool_)
        good, bad = self.duration_us(self.classes == IS_GOOD), self.duration_us(is_bad)
        return share_codes(good, bad, self.duration_us(every), configuration)

    def means(self) -> tuple[Floats, Floats]:
        """The mean over the regions that are not Bad, and how many seconds they last."""
        used = self.classes != IS_BAD
        interval, seconds = self.interval[used], self.length_us[used] / 1e6
        # Around a value of the interval itself, so that a large offset costs no digits.
        origin = np.zeros(self.count)
        ids, first = np.unique(interval, return_index=True)
        origin[ids] = self.start[used][first]
        middle = (self.start[used] - origin[interval]) / 2 + (self.end[used] - origin[interval]) / 2
        area = np.bincount(interval, middle * seconds, self.count)
        lasting = self.duration_us(used) / 1e6
        with np.errstate(invalid="ignore", divide="ignore"):
            return origin + area / lasting, lasting


def simple_regions(samples: Samples, intervals: Intervals, bounds: Bounds, *, stepped: bool) -> Regions:
    """Regions between simple bounds: a Bad sample begins a Bad region, and nothing follows the end of the data."""
    times, values, classes = _points(samples, intervals, bounds, np.ones(len(samples), np.bool_))
    begins, region_classes = times[:-1], classes[:-1].copy()
    start, end = values[:-1], values[1:].copy()
    if stepped:
        end = start
    else:
        end = np.where(classes[1:] == IS_BAD, start, end)
        touched = (region_classes == IS_GOOD) & (classes[1:] != IS_GOOD)
        region_classes[touched] = IS_UNCERTAIN
    length = np.diff(times)
    kept = np.zeros(len(begins), np.bool_)
    if len(samples):
        last_us = samples.times_us[-1]
        kept = begins <= last_us
        if samples.accepted[-1]:
            length = np.where(begins == last_us, TICK_US, length)
    interval = intervals.find(begins)
    made = Regions(begins, interval, length, start, end, region_classes, intervals.count)
    return made.only(kept)


def interpolated_regions(samples: Samples, intervals: Intervals, bounds: Bounds, *, stepped: bool) -> Regions:
    """Regions between interpolated bounds: Bad samples are skipped, which makes what spans them Uncertain."""
    times, values, classes = _points(samples, intervals, bounds, samples.accepted)
    begins, region_classes = times[:-1], classes[:-1].copy()
    bad_before = np.concatenate(([0], np.cumsum(~samples.accepted)))
    seen = bad_before[np.searchsorted(samples.times_us, times, side="left")]
    # The value is held from the skipped sample on; a line is doubtful all along.
    skipped = (seen[1:] > seen[:-1]) | ((classes[1:] != IS_GOOD) & (not stepped))
    region_classes[(region_classes == IS_GOOD) & skipped] = IS_UNCERTAIN
    if len(samples):
        region_classes[(region_classes == IS_GOOD) & (begins >= samples.times_us[-1])] = IS_UNCERTAIN
    end = values[:-1] if stepped else values[1:]
    interval = intervals.find(begins)
    return Regions(begins, interval, np.diff(times), values[:-1], end, region_classes, intervals.count)


def _points(samples: Samples, intervals: Intervals, bounds: Bounds, chosen: Flags) -> tuple[Integers, Floats, Classes]:
    """Samples between the edges, and the bounds at the edges, in the order of time."""
    edges = intervals.edges_us
    inside = chosen & (samples.times_us > edges[0]) & (samples.times_us < edges[-1])
    inside[inside] = ~np.isin(samples.times_us[inside], edges, assume_unique=True)
    times = np.concatenate((edges, samples.times_us[inside]))
    order = np.argsort(times, kind="stable")
    values = np.concatenate((bounds.values, samples.values[inside]))[order]
    classes = np.concatenate((bounds.classes, samples.classes[inside]))[order]
    return times[order], values, classes
