"""Aggregates that weigh by time or look at bounds (pure)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from cloud_api.query.aggregates.bounds import Bounds, interpolated_bounds, simple_bounds
from cloud_api.query.aggregates.counted import first_lowest
from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.regions import Regions, interpolated_regions, simple_regions
from cloud_api.query.aggregates.samples import (
    CALCULATED,
    INTERPOLATED,
    IS_BAD,
    IS_GOOD,
    MULTIPLE_VALUES,
    UNCERTAIN_DATA_SUB_NORMAL,
    Classes,
    Codes,
    Flags,
    Floats,
    Form,
    Integers,
    Intervals,
    Result,
    Samples,
    class_codes,
    with_bits,
)
from schemas.status import BAD_NO_DATA, GOOD


@dataclass(frozen=True)
class Timed:
    """Bounds and regions of one series, each made once and only when an aggregate asks for it."""

    samples: Samples
    intervals: Intervals
    configuration: Configuration

    @cached_property
    def simple(self) -> Bounds:
        """Simple bounds at all edges."""
        return simple_bounds(self.samples, self.intervals.edges_us, self.configuration)

    @cached_property
    def interpolated(self) -> Bounds:
        """Interpolated bounds at all edges."""
        return interpolated_bounds(self.samples, self.intervals.edges_us, self.configuration)

    @cached_property
    def regions(self) -> Regions:
        """Regions between simple bounds, stepped or sloped as the variable is."""
        return simple_regions(self.samples, self.intervals, self.simple, stepped=self.configuration.stepped)

    @cached_property
    def held(self) -> Regions:
        """Regions between simple bounds in which the value and its class hold until the next sample."""
        return simple_regions(self.samples, self.intervals, self.simple, stepped=True)

    @cached_property
    def spans(self) -> Regions:
        """Regions between interpolated bounds, in which Bad samples are skipped."""
        stepped = self.configuration.stepped
        return interpolated_regions(self.samples, self.intervals, self.interpolated, stepped=stepped)

    def is_repeated(self, _values: Floats, _sign: int) -> Flags:
        """Where an interval has more samples of its lowest or highest value than `samples` show: nowhere, in raw."""
        return np.zeros(self.intervals.count, np.bool_)


def time_average(timed: Timed, *, is_total: bool) -> Result:
    """TimeAverage and Total (5.4.3.6, 8): with interpolated bounds, Uncertain where anything was skipped."""
    means, seconds = timed.spans.means()
    doubtful = timed.spans.duration_us(timed.spans.classes != IS_GOOD) > 0
    codes = np.where(seconds > 0, np.where(doubtful, UNCERTAIN_DATA_SUB_NORMAL, GOOD), BAD_NO_DATA)
    return _mean_or_total((means, seconds), codes.astype(np.uint32), is_total=is_total)


def time_average2(timed: Timed, *, is_total: bool) -> Result:
    """TimeAverage2 and Total2 (5.4.3.7, 9): with simple bounds, Bad regions left out of area and length."""
    means, seconds = timed.regions.means()
    codes = np.where(seconds > 0, timed.regions.codes(timed.configuration), BAD_NO_DATA).astype(np.uint32)
    return _mean_or_total((means, seconds), codes, is_total=is_total)


def _mean_or_total(made: tuple[Floats, Floats], codes: Codes, *, is_total: bool) -> Result:
    means, seconds = made
    values = np.where(seconds > 0, means, 0.0)
    return Result(Form.NUMBER, values * seconds if is_total else values, with_bits(codes, CALCULATED))


def interpolative(timed: Timed) -> Result:
    """Interpolative (5.4.3.4): the interpolated bound at the start of the interval."""
    return _bound(timed, timed.interpolated, 0)


def start_bound(timed: Timed) -> Result:
    """StartBound (5.4.3.28): the simple bound at the start."""
    return _bound(timed, timed.simple, 0)


def end_bound(timed: Timed) -> Result:
    """EndBound (5.4.3.29): the simple bound at the end; always Calculated."""
    bound = _bound(timed, timed.simple, 1)
    code_bits = np.uint32(0xFFFF0000)
    return Result(Form.NUMBER, bound.values, with_bits(bound.codes & code_bits, CALCULATED))


def delta_bounds(timed: Timed) -> Result:
    """DeltaBounds (5.4.3.30): EndBound less StartBound, with the worse of their classes."""
    values, classes = timed.simple.values, timed.simple.classes
    codes = class_codes(np.maximum(classes[:-1], classes[1:]))
    return Result(Form.NUMBER, values[1:] - values[:-1], with_bits(codes, CALCULATED))


def _bound(timed: Timed, bounds: Bounds, shift: int) -> Result:
    size = timed.intervals.count
    values, index = bounds.values[shift : shift + size], bounds.index[shift : shift + size]
    codes = bound_codes(timed.samples, bounds)[shift : shift + size]
    return Result(Form.NUMBER, values, with_bits(codes, np.where(index < 0, INTERPOLATED, 0)))


def bound_codes(samples: Samples, bounds: Bounds) -> Codes:
    """A stored sample keeps its status unless it is Bad; what was made has the code of its class."""
    codes = class_codes(bounds.classes)
    kept = bounds.is_raw & (bounds.classes != IS_BAD)
    codes[kept] = samples.statuses[bounds.index[kept]]
    return codes


@dataclass(frozen=True, slots=True)
class _Candidates:
    times_us: Integers
    values: Floats
    bits: Integers
    interval: Integers


def extreme2(timed: Timed, sign: int, *, is_time: bool) -> Result:
    """Minimum2, Maximum2 and when they were (5.4.3.15 to 18): simple bounds count, the end bound if it is sloped."""
    found = _candidates(timed)
    chosen, is_multiple = first_lowest(found.interval, found.values * sign, timed.intervals.count)
    at = np.maximum(chosen, 0)
    if not len(found.values):
        nothing = np.zeros(timed.intervals.count)
        return Result(Form.NUMBER, nothing, np.full(timed.intervals.count, BAD_NO_DATA, np.uint32))
    is_multiple |= timed.is_repeated(found.values[at], sign)
    bits = np.where(is_multiple, found.bits[at] | MULTIPLE_VALUES, found.bits[at])
    if is_time:
        bits = bits & ~CALCULATED
    codes = with_bits(_extreme_codes(timed, chosen), bits)
    return Result(Form.INSTANT, found.times_us[at], codes) if is_time else Result(Form.NUMBER, found.values[at], codes)


def range2(timed: Timed) -> Result:
    """Range2 (5.4.3.19): Maximum2 less Minimum2."""
    lowest, highest = extreme2(timed, 1, is_time=False), extreme2(timed, -1, is_time=False)
    codes = lowest.codes & np.uint32(0xFFFF0000)
    return Result(Form.NUMBER, highest.values - lowest.values, with_bits(codes, CALCULATED))


def _extreme_codes(timed: Timed, chosen: Integers) -> Codes:
    return np.where(chosen >= 0, timed.regions.codes(timed.configuration), BAD_NO_DATA).astype(np.uint32)


def _candidates(timed: Timed) -> _Candidates:
    """Bounds and accepted samples of every interval in the order of time; the end bound is Interpolated (A.16)."""
    samples, intervals, bounds = timed.samples, timed.intervals, timed.simple
    size = intervals.count
    ids = np.arange(size, dtype=np.int64)
    made = np.where(bounds.is_raw, 0, INTERPOLATED)
    starts = ids[bounds.classes[:-1] != IS_BAD]
    is_last = (bounds.classes[1:] != IS_BAD) & (not timed.configuration.stepped)
    ends = ids[is_last]
    inside = samples.accepted & (samples.times_us > intervals.edges_us[0])
    inside &= samples.times_us < intervals.edges_us[-1]
    inside[inside] = ~np.isin(samples.times_us[inside], intervals.edges_us, assume_unique=True)
    times = samples.times_us[inside]
    found = _Candidates(
        np.concatenate((intervals.starts_us[starts], times, intervals.ends_us[ends] - 1)),
        np.concatenate((bounds.values[:-1][starts], samples.values[inside], bounds.values[1:][ends])),
        np.concatenate((made[:-1][starts], np.full(len(times), CALCULATED), np.full(len(ends), INTERPOLATED))),
        np.concatenate((starts, intervals.find(times), ends)),
    )
    rank = np.concatenate((np.zeros(len(starts)), np.ones(len(times)), np.full(len(ends), 2)))
    order = np.lexsort((found.times_us, rank, found.interval))
    return _Candidates(found.times_us[order], found.values[order], found.bits[order], found.interval[order])


def duration(timed: Timed, which: Flags, *, is_percent: bool) -> Result:
    """How long some regions last (5.4.3.31 to 34): always Good; in milliseconds or percent."""
    held = timed.held
    total = held.duration_us(np.ones(len(held.interval), np.bool_))
    length = held.duration_us(which)
    values = length / np.maximum(total, 1) * 100 if is_percent else length / 1000
    codes = np.where(total > 0, GOOD, BAD_NO_DATA).astype(np.uint32)
    return Result(Form.NUMBER, values, with_bits(codes, CALCULATED))


def duration_in_state(timed: Timed, *, is_zero: bool) -> Result:
    """DurationInStateZero and NonZero (5.4.3.22, 23): milliseconds of what is not Bad."""
    held = timed.held
    in_state = (held.classes != IS_BAD) & ((held.start == 0) == is_zero)
    codes = held.codes(timed.configuration)
    return Result(Form.NUMBER, held.duration_us(in_state) / 1000, with_bits(codes, CALCULATED))


def duration_of(timed: Timed, *, is_good: bool, is_percent: bool) -> Result:
    """DurationGood, DurationBad and their percentages; Uncertain regions are Bad where Uncertain samples are."""
    classes: Classes = timed.held.classes
    if is_good:
        return duration(timed, classes == IS_GOOD, is_percent=is_percent)
    is_bad = classes != IS_GOOD if timed.configuration.treat_uncertain_as_bad else classes == IS_BAD
    return duration(timed, is_bad, is_percent=is_percent)


_MADE: dict[Aggregate, Callable[[Timed], Result]] = {
    Aggregate.INTERPOLATIVE: interpolative,
    Aggregate.TIME_AVERAGE: partial(time_average, is_total=False),
    Aggregate.TOTAL: partial(time_average, is_total=True),
    Aggregate.TIME_AVERAGE2: partial(time_average2, is_total=False),
    Aggregate.TOTAL2: partial(time_average2, is_total=True),
    Aggregate.START_BOUND: start_bound,
    Aggregate.END_BOUND: end_bound,
    Aggregate.DELTA_BOUNDS: delta_bounds,
    Aggregate.MINIMUM2: partial(extreme2, sign=1, is_time=False),
    Aggregate.MAXIMUM2: partial(extreme2, sign=-1, is_time=False),
    Aggregate.MINIMUM_ACTUAL_TIME2: partial(extreme2, sign=1, is_time=True),
    Aggregate.MAXIMUM_ACTUAL_TIME2: partial(extreme2, sign=-1, is_time=True),
    Aggregate.RANGE2: range2,
    Aggregate.DURATION_GOOD: partial(duration_of, is_good=True, is_percent=False),
    Aggregate.DURATION_BAD: partial(duration_of, is_good=False, is_percent=False),
    Aggregate.PERCENT_GOOD: partial(duration_of, is_good=True, is_percent=True),
    Aggregate.PERCENT_BAD: partial(duration_of, is_good=False, is_percent=True),
    Aggregate.DURATION_IN_STATE_ZERO: partial(duration_in_state, is_zero=True),
    Aggregate.DURATION_IN_STATE_NON_ZERO: partial(duration_in_state, is_zero=False),
}


def compute_timed(aggregate: Aggregate, timed: Timed) -> Result:
    """Compute an aggregate that weighs by time or looks at bounds."""
    return _MADE[aggregate](timed)
