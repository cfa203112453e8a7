"""Bounding values of Part 13: simple (3.1.9) and interpolated (3.1.8) (pure)."""

from dataclasses import dataclass

import numpy as np

from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.aggregates.samples import (
    IS_BAD,
    IS_UNCERTAIN,
    Classes,
    Flags,
    Floats,
    Integers,
    Samples,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A value at each edge; `index` is the sample that lies there, -1 where the value was made from neighbours."""

    values: Floats
    classes: Classes
    index: Integers

    @property
    def is_raw(self) -> Flags:
        """Where a stored sample is the bound."""
        return self.index >= 0


def simple_bounds(samples: Samples, edges_us: Integers, configuration: Configuration) -> Bounds:
    """Bounds from the immediate neighbours, Bad where the one before is Bad or where the data have ended (3.1.9)."""
    if not len(samples):
        return _none(edges_us)
    count = len(samples)
    after = np.searchsorted(samples.times_us, edges_us, side="left").astype(np.int64)
    clipped = np.minimum(after, count - 1)
    is_raw = (after < count) & (samples.times_us[clipped] == edges_us)
    before = np.maximum(after - 1, 0)
    is_inside = (after > 0) & (after < count)
    values, classes = samples.values[before].copy(), samples.classes[before].copy()
    if not configuration.stepped:
        slopes = is_inside & samples.accepted[clipped] & (classes != IS_BAD)
        values[slopes] = _line(samples, before[slopes], clipped[slopes], edges_us[slopes])
        after_class = np.minimum(samples.classes[clipped], IS_UNCERTAIN)
        classes = np.where(classes == IS_BAD, IS_BAD, np.maximum(classes, after_class)).astype(np.int8)
    classes[~is_inside] = IS_BAD
    return _with_raw(samples, (values, classes), is_raw, clipped)


def interpolated_bounds(samples: Samples, edges_us: Integers, configuration: Configuration) -> Bounds:
    """Bounds from the nearest samples that are not Bad, Uncertain where a Bad one was skipped (3.1.8)."""
    kept = np.flatnonzero(samples.accepted).astype(np.int64)
    if not len(kept):
        return _none(edges_us)
    times = samples.times_us[kept]
    after = np.searchsorted(times, edges_us, side="left").astype(np.int64)
    clipped = np.minimum(after, len(kept) - 1)
    is_raw = (after < len(kept)) & (times[clipped] == edges_us)
    before = np.maximum(after - 1, 0)
    from_, to = kept[before], kept[clipped]
    values, classes = samples.values[from_].copy(), samples.classes[from_].copy()
    is_beyond = after >= len(kept)
    if configuration.stepped:
        # Beyond the next sample, which is Bad here, or beyond the last of all.
        last_seen = np.searchsorted(samples.times_us, edges_us, side="left") - 1
        doubtful = (last_seen > from_) | (edges_us > samples.times_us[-1])
    else:
        slopes = (after > 0) & ~is_beyond
        values[slopes] = _line(samples, from_[slopes], to[slopes], edges_us[slopes])
        classes = np.where(is_beyond, classes, np.maximum(classes, samples.classes[to])).astype(np.int8)
        doubtful = is_beyond | (to - from_ > 1)
        if configuration.sloped_extrapolation and len(kept) > 1:
            values[is_beyond] = _line(samples, kept[before[is_beyond] - 1], from_[is_beyond], edges_us[is_beyond])
    classes[doubtful] = IS_UNCERTAIN
    classes[after == 0] = IS_BAD
    return _with_raw(samples, (values, classes), is_raw, to)


def _line(samples: Samples, from_: Integers, to: Integers, at_us: Integers) -> Floats:
    span = samples.times_us[to] - samples.times_us[from_]
    share = (at_us - samples.times_us[from_]) / span
    start = samples.values[from_]
    return start + (samples.values[to] - start) * share


def _with_raw(samples: Samples, made: tuple[Floats, Classes], is_raw: Flags, at: Integers) -> Bounds:
    values = np.where(is_raw, samples.values[at], made[0])
    classes = np.where(is_raw, samples.classes[at], made[1]).astype(np.int8)
    return Bounds(values, classes, np.where(is_raw, at, -1))


def _none(edges_us: Integers) -> Bounds:
    count = len(edges_us)
    return Bounds(np.zeros(count), np.full(count, IS_BAD, np.int8), np.full(count, -1, np.int64))
