"""Rates of many series at once: the same arithmetic as one sample at a time, in arrays (pure)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class RateRuns(NamedTuple):
    """For each run: the entry, whether a rate leaves its band, and the reference afterwards."""

    places: Ints
    is_loud: NDArray[np.bool_]
    reference_us: Ints
    reference: Floats

    def quiet(self) -> "RateRuns":
        """Only the runs that change nothing but their reference."""
        chosen = ~self.is_loud
        return RateRuns(self.places[chosen], self.is_loud[chosen], self.reference_us[chosen], self.reference[chosen])


def rate_runs(
    times_us: Ints,
    values: Floats,
    bounds: tuple[Ints, Ints],
    plans: tuple[Ints, Ints, Floats],
    references: tuple[Ints, Floats],
    bands: tuple[Floats, Floats],
) -> RateRuns:
    """Compute the rates of usable samples; `bounds` are rows of each run, `plans` index, over and per in microseconds.

    A reference with a NaN value is none: the first sample becomes it.
    """
    (lows, highs), (index, over_us, per_us) = bounds, plans
    lengths = highs - lows
    run = np.repeat(np.arange(len(lows)), lengths)
    heads = np.cumsum(lengths) - lengths
    row = lows[run] + np.arange(len(run)) - heads[run]
    block = times_us[row] // over_us[run]
    first_block = references[0] // over_us
    before = np.empty(len(row), dtype=np.int64)
    before[1:] = block[:-1]
    has_reference = ~np.isnan(references[1])
    before[heads] = np.where(has_reference, first_block, block[heads] - 1)
    begins = block > before
    # The row that begins the newest block up to each row; before the first of a run stands its reference.
    newest = np.where(begins, np.arange(len(row)), -1)
    previous = np.empty(len(row), dtype=np.int64)
    previous[1:] = np.maximum.accumulate(newest)[:-1]
    previous[0] = -1
    is_own = previous >= heads[run]
    source = row[np.where(is_own, previous, 0)]
    from_us = np.where(is_own, times_us[source], references[0][run])
    from_value = np.where(is_own, values[source], references[1][run])
    with np.errstate(invalid="ignore", over="ignore"):
        rate = (values[row] - from_value) * per_us[run] / np.maximum(times_us[row] - from_us, 1)
        is_outside = begins & ~np.isnan(from_value) & ~((rate >= bands[0][run]) & (rate <= bands[1][run]))
    is_loud = np.logical_or.reduceat(is_outside, heads)
    last = np.maximum.accumulate(newest)[heads + lengths - 1]
    has_begun = last >= heads
    chosen = row[np.where(has_begun, last, 0)]
    reference_us = np.where(has_begun, times_us[chosen], references[0])
    reference = np.where(has_begun, values[chosen], references[1])
    return RateRuns(index, is_loud, reference_us, reference)
