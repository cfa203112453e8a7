"""Samples of one series with those that bound the window, and the statuses of results (pure)."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.aggregates.names import Configuration
from schemas.status import BAD, BAD_NO_DATA, GOOD, UNCERTAIN

UNCERTAIN_DATA_SUB_NORMAL = 0x40A40000
# Part 4, 7.39: InfoType DataValue with the aggregate bits of Part 13, 5.3.3.
INFO = 0x400
RAW, CALCULATED, INTERPOLATED, PARTIAL, MULTIPLE_VALUES = 0x00, 0x01, 0x02, 0x04, 0x10
# Classes of samples, bounds and regions.
IS_GOOD, IS_UNCERTAIN, IS_BAD = 0, 1, 2

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Classes = NDArray[np.int8]
Codes = NDArray[np.uint32]
Flags = NDArray[np.bool_]


class Form(Enum):
    """What the values of a result are."""

    NUMBER = auto()
    INTEGER = auto()
    INSTANT = auto()
    SAMPLE = auto()  # the index of a sample: its value is shown exactly as it was read


@dataclass(frozen=True, slots=True)
class Result:
    """One aggregate: a value and a StatusCode for each interval; where the code is Bad there is no value."""

    form: Form
    values: Floats | Integers
    codes: Codes


@dataclass(frozen=True, slots=True)
class Samples:
    """Ascending samples; `classes` says which may be used: TreatUncertainAsBad is already applied."""

    times_us: Integers
    values: Floats
    statuses: Codes
    classes: Classes

    def __len__(self) -> int:
        return len(self.times_us)

    @property
    def accepted(self) -> Flags:
        """Which samples are not Bad."""
        return self.classes != IS_BAD


def make_samples(
    times_us: Integers, values: Floats, statuses: Codes, configuration: Configuration, *, is_text: bool = False
) -> Samples:
    """Classify samples; a number that is not finite counts as Bad, a text has no number but may be Good."""
    classes = np.minimum(statuses >> np.uint32(30), IS_BAD).astype(np.int8)
    if configuration.treat_uncertain_as_bad:
        classes[classes == IS_UNCERTAIN] = IS_BAD
    if not is_text:
        classes[~np.isfinite(values)] = IS_BAD
    usable = values if not is_text else np.zeros(len(values))
    return Samples(times_us, np.where(classes == IS_BAD, 0.0, usable), statuses, classes)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Half-open intervals that follow each other; `cut` are shorter than asked for."""

    edges_us: Integers
    cut: Flags

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.edges_us) - 1

    @property
    def starts_us(self) -> Integers:
        """Where each begins."""
        return self.edges_us[:-1]

    @property
    def ends_us(self) -> Integers:
        """Where each ends; not a part of it."""
        return self.edges_us[1:]

    def find(self, times_us: Integers) -> Integers:
        """Tell which interval each instant falls into."""
        return np.searchsorted(self.edges_us, times_us, side="right").astype(np.int64) - 1


@dataclass(frozen=True, slots=True)
class Extent:
    """How intervals lie to the data: those without any, those that hold its start, and those that hold its end."""

    empty: Flags
    holds_start: Flags
    holds_end: Flags


def extent_of(samples: Samples, intervals: Intervals) -> Extent:
    """Part 13, 5.3.3.2: an interval is Partial where the data begin or end in it; beyond is Bad_NoData."""
    if not len(samples):
        nothing = np.zeros(intervals.count, np.bool_)
        return Extent(~nothing, nothing, nothing)
    first_us, last_us = samples.times_us[0], samples.times_us[-1]
    starts, ends = intervals.starts_us, intervals.ends_us
    return Extent(
        empty=(ends <= first_us) | (starts > last_us),
        holds_start=(starts < first_us) & (first_us < ends),
        holds_end=(starts <= last_us) & (last_us < ends),
    )


def share_codes(good: Floats, bad: Floats, total: Floats, configuration: Configuration) -> Codes:
    """Part 13, 5.4.3.2: Bad from PercentDataBad on, Good from PercentDataGood on, else Uncertain_DataSubNormal."""
    is_bad = (bad > 0) & (bad * 100 >= configuration.percent_data_bad * total)
    is_good = good * 100 >= configuration.percent_data_good * total
    codes = np.where(is_bad, BAD, np.where(is_good, GOOD, UNCERTAIN_DATA_SUB_NORMAL))
    return np.where(total > 0, codes, BAD_NO_DATA).astype(np.uint32)


def class_codes(classes: Classes) -> Codes:
    """The code of a bound or of a result that takes its class from what it was made of."""
    codes = np.array([GOOD, UNCERTAIN_DATA_SUB_NORMAL, BAD_NO_DATA], np.uint32)
    return codes[classes]


def with_bits(codes: Codes, bits: Integers | int) -> Codes:
    """Add aggregate bits; Bad results carry none, a raw value without any other bit stays as it is."""
    wide = np.broadcast_to(np.asarray(bits, np.uint32), codes.shape)
    has_bits = (codes < BAD) & (wide != 0)
    return np.where(has_bits, codes | np.uint32(INFO) | wide, codes).astype(np.uint32)


def with_partial(codes: Codes, partial: Flags, *, even_bad: bool = False) -> Codes:
    """Set the Partial bit where the interval is not complete."""
    marked = partial if even_bad else partial & (codes < BAD)
    return np.where(marked, codes | np.uint32(INFO | PARTIAL), codes).astype(np.uint32)


def is_uncertain(codes: Codes) -> Flags:
    """Which codes are Uncertain."""
    return (codes >= UNCERTAIN) & (codes < BAD)
