"""From samples, intervals and a configuration to the aggregates asked for (pure)."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cloud_api.query.aggregates.counted import compute_counted, count_in, worst_quality
from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.samples import Extent, Intervals, Result, Samples, extent_of, with_partial
from cloud_api.query.aggregates.timed import Timed, bound_codes, compute_timed
from schemas.status import BAD_NO_DATA

_NEVER_PARTIAL = frozenset({Aggregate.INTERPOLATIVE, Aggregate.START, Aggregate.END})
_EXTRAPOLATED = frozenset({Aggregate.TIME_AVERAGE, Aggregate.TOTAL})
_BOUND = frozenset({Aggregate.START_BOUND, Aggregate.END_BOUND})
_PAST_THE_END = frozenset({Aggregate.INTERPOLATIVE}) | _EXTRAPOLATED


def compute(
    aggregates: Iterable[Aggregate], samples: Samples, intervals: Intervals, configuration: Configuration
) -> dict[Aggregate, Result]:
    """Compute aggregates; `samples` hold the nearest ones outside the intervals as well (see Part 13, 3.1.7)."""
    counted = count_in(samples, intervals, configuration)
    timed = Timed(samples, intervals, configuration)
    extent = extent_of(samples, intervals)
    results: dict[Aggregate, Result] = {}
    for aggregate in aggregates:
        if aggregate is Aggregate.WORST_QUALITY2:
            result = worst_quality(counted, bound_codes(samples, timed.simple)[:-1])
        else:
            result = compute_counted(aggregate, counted) or compute_timed(aggregate, timed)
        results[aggregate] = finish(aggregate, result, intervals, extent)
    return results


def finish(aggregate: Aggregate, result: Result, intervals: Intervals, extent: Extent) -> Result:
    """Bad_NoData where the data do not reach, Partial where they begin, end, or where the window cuts."""
    codes = result.codes
    if aggregate not in _PAST_THE_END:
        codes = np.where(extent.empty, np.uint32(BAD_NO_DATA), codes).astype(np.uint32)
    if aggregate not in _NEVER_PARTIAL:
        ends = np.zeros_like(extent.holds_end) if aggregate in _EXTRAPOLATED else extent.holds_end
        partial = (extent.holds_start | ends | intervals.cut) & ~extent.empty
        codes = with_partial(codes, partial, even_bad=aggregate in _BOUND)
    return replace(result, codes=codes)
