"""What stands in a bucket without samples: nothing, or a value from its neighbours, and its status says so (pure)."""

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.aggregates.samples import INFO, INTERPOLATED, UNCERTAIN_DATA_SUB_NORMAL
from cloud_api.query.bucketed import Bucketed, Found
from cloud_api.query.values import Json
from schemas.status import BAD, UNCERTAIN_LAST_USABLE_VALUE


class Fill(StrEnum):
    """What stands for a bucket without samples: no row, a row of nulls, the value before, or a line to the next."""

    NONE = "none"
    NULL = "null"
    PREVIOUS = "previous"
    LINEAR = "linear"


# Part 4: the value is an older one. Part 13: it was interpolated.
HELD = UNCERTAIN_LAST_USABLE_VALUE | INFO | INTERPOLATED
BETWEEN = UNCERTAIN_DATA_SUB_NORMAL | INFO | INTERPOLATED
# Aggregates that are a level of the series; a count or a duration of nothing is nothing.
LEVELS = frozenset(
    {
        Aggregate.INTERPOLATIVE,
        Aggregate.AVERAGE,
        Aggregate.TIME_AVERAGE,
        Aggregate.TIME_AVERAGE2,
        Aggregate.MINIMUM,
        Aggregate.MINIMUM2,
        Aggregate.MAXIMUM,
        Aggregate.MAXIMUM2,
        Aggregate.START,
        Aggregate.END,
        Aggregate.START_BOUND,
        Aggregate.END_BOUND,
    }
)


def filled(bucketed: Bucketed, fill: Fill, starts_us: NDArray[np.int64], now_us: int, *, stepped: bool) -> Bucketed:
    """Fill the buckets without samples; those that begin after `now_us` stay empty, and no line ends in the future.

    `stepped` series have no line between two values: `linear` holds the one before, too.
    """
    if fill not in {Fill.PREVIOUS, Fill.LINEAR}:
        return bucketed
    is_open = ~bucketed.has_samples & (starts_us <= now_us)
    found: Mapping[Aggregate, Found] = {
        name: (
            each
            if name not in LEVELS
            else _held(each, is_open)
            if fill is Fill.PREVIOUS or stepped
            else _between(each, is_open, starts_us)
        )
        for name, each in bucketed.found.items()
    }
    return Bucketed(found, bucketed.has_samples)


def _held(found: Found, is_open: NDArray[np.bool_]) -> Found:
    known = found.codes < BAD
    places = np.flatnonzero(is_open & ~known)
    before = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))[places]
    return _put(found, places, [found.values[index] if index >= 0 else None for index in before.tolist()], HELD)


def _between(found: Found, is_open: NDArray[np.bool_], starts_us: NDArray[np.int64]) -> Found:
    known = np.array(
        [code < BAD and _is_number(value) for code, value in zip(found.codes.tolist(), found.values, strict=True)],
        np.bool_,
    )
    at = np.flatnonzero(known)
    places = np.flatnonzero(is_open & (found.codes >= BAD))
    if len(at) < 2:
        return found
    places = places[(places > at[0]) & (places < at[-1])]
    values = np.array([float(found.values[index]) for index in at.tolist()])  # pyright: ignore[reportArgumentType]
    origin_us = starts_us[0]
    made = np.interp(starts_us[places] - origin_us, starts_us[at] - origin_us, values)
    return _put(found, places, made.tolist(), BETWEEN)


def _put(found: Found, places: NDArray[np.int64], made: list[Json], code: int) -> Found:
    values, codes = list(found.values), found.codes.copy()
    for place, value in zip(places.tolist(), made, strict=True):
        if value is not None:
            values[place] = value
            codes[place] = code
    return Found(values, codes)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
