"""Samples of several series on one axis of time; what stands where there is no sample says so in its code (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.fills import BETWEEN, HELD, Fill
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD, BAD_NO_DATA


@dataclass(frozen=True, slots=True)
class Joined:
    """One series on the common axis; `index` is its sample at each time, -1 where `values` was made or is missing."""

    values: NDArray[np.float64]
    codes: NDArray[np.uint32]
    index: NDArray[np.int64]


def union_of(samples: Sequence[SampleColumns]) -> NDArray[np.int64]:
    """Every time at which any of them has a sample."""
    return np.unique(np.concatenate([each.times_us for each in samples]))


def common_to(samples: Sequence[SampleColumns]) -> NDArray[np.int64]:
    """The times at which all of them have a sample."""
    times = samples[0].times_us
    for each in samples[1:]:
        times = np.intersect1d(times, each.times_us, assume_unique=True)
    return times


def place(samples: SampleColumns, times_us: NDArray[np.int64], fill: Fill, *, stepped: bool) -> Joined:
    """Put a series on an axis; a Bad sample is never bridged, and no line leads past the last sample."""
    size = len(samples)
    if not size:
        nothing = np.full(len(times_us), -1, np.int64)
        return Joined(np.full(len(times_us), np.nan), np.full(len(times_us), BAD_NO_DATA, np.uint32), nothing)
    before = np.searchsorted(samples.times_us, times_us, side="right").astype(np.int64) - 1
    at = np.maximum(before, 0)
    is_there = (before >= 0) & (samples.times_us[at] == times_us)
    values = np.where(is_there, samples.values[at], np.nan)
    codes = np.where(is_there, samples.statuses[at], BAD_NO_DATA).astype(np.uint32)
    index = np.where(is_there, at, -1)
    if fill is Fill.PREVIOUS or (fill is Fill.LINEAR and stepped):
        _hold(samples, (values, codes, index), ~is_there & (before >= 0), at)
    elif fill is Fill.LINEAR:
        between = ~is_there & (before >= 0) & (before + 1 < size)
        _draw(samples, (values, codes), times_us, (between, at))
    return Joined(values, codes, index)


def _hold(
    samples: SampleColumns,
    made: tuple[NDArray[np.float64], NDArray[np.uint32], NDArray[np.int64]],
    where: NDArray[np.bool_],
    at: NDArray[np.int64],
) -> None:
    values, codes, index = made
    held = samples.statuses[at[where]]
    values[where] = samples.values[at[where]]
    codes[where] = np.where(held < BAD, np.uint32(HELD), held)
    index[where] = at[where]


def _draw(
    samples: SampleColumns,
    made: tuple[NDArray[np.float64], NDArray[np.uint32]],
    times_us: NDArray[np.int64],
    between: tuple[NDArray[np.bool_], NDArray[np.int64]],
) -> None:
    values, codes = made
    where, at = between
    left, right = at[where], at[where] + 1
    share = (times_us[where] - samples.times_us[left]) / (samples.times_us[right] - samples.times_us[left])
    line = samples.values[left] + (samples.values[right] - samples.values[left]) * share
    usable = (samples.statuses[left] < BAD) & (samples.statuses[right] < BAD) & np.isfinite(line)
    values[where] = np.where(usable, line, np.nan)
    codes[where] = np.where(usable, np.uint32(BETWEEN), np.uint32(BAD_NO_DATA))
