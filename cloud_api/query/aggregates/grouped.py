"""Counts, means and extremes of many series at once: groups, one a series and interval, merged in numpy (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.samples import (
    CALCULATED,
    Codes,
    Floats,
    Form,
    Integers,
    Result,
    share_codes,
    with_bits,
)
from schemas.status import BAD_NO_DATA


@dataclass(frozen=True, slots=True)
class Groups:
    """Of each place: how many samples, how many count, and the mean, lowest and highest of those (0 without any)."""

    places: Integers
    totals: Floats
    accepted: Floats
    means: Floats
    lows: Floats
    highs: Floats


def group_samples(places: Integers, values: Floats) -> Groups:
    """Groups of samples in any order; NaN does not count."""
    if len(places) > 1 and (places[1:] < places[:-1]).any():
        order = np.argsort(places, kind="stable")
        places, values = places[order], values[order]
    counts = ~np.isnan(values)
    return merge_groups([Groups(places, np.ones(len(places)), counts.astype(np.float64), *([values] * 3))])


def merge_groups(parts: Sequence[Groups]) -> Groups:
    """One group a place, ascending. Means are merged as distances from one of them, so that no digit is lost."""
    whole = parts[0] if len(parts) == 1 else _joined(parts)
    places = whole.places
    if len(places) > 1 and (places[1:] < places[:-1]).any():
        whole = _taken(whole, np.argsort(places, kind="stable").astype(np.int64))
        places = whole.places
    starts = _starts(places)
    if not len(starts):
        return whole
    accepted = np.add.reduceat(whole.accepted, starts)
    means, lows, highs = np.zeros(len(starts)), np.zeros(len(starts)), np.zeros(len(starts))
    counting = _taken(whole, np.flatnonzero(whole.accepted > 0).astype(np.int64))
    firsts = _starts(counting.places)
    if len(firsts):
        has_some = accepted > 0
        sizes = np.diff(np.append(firsts, len(counting.places)))
        base = counting.means[firsts]
        with np.errstate(over="ignore", invalid="ignore"):
            away = np.add.reduceat((counting.means - np.repeat(base, sizes)) * counting.accepted, firsts)
        means[has_some] = base + away / accepted[has_some]
        lows[has_some] = np.minimum.reduceat(counting.lows, firsts)
        highs[has_some] = np.maximum.reduceat(counting.highs, firsts)
    return Groups(places[starts], np.add.reduceat(whole.totals, starts), accepted, means, lows, highs)


def compute_grouped(aggregate: Aggregate, groups: Groups, configuration: Configuration) -> Result:
    """Average, Minimum, Maximum or Count (5.4.3.5, 10, 11, 21), with the status by share of the count (5.4.3.2.1)."""
    if aggregate is Aggregate.COUNT:
        return Result(Form.INTEGER, groups.accepted.astype(np.int64), _codes(groups, configuration))
    return Result(Form.NUMBER, _VALUES[aggregate](groups), _codes(groups, configuration))


_VALUES: dict[Aggregate, Callable[[Groups], Floats]] = {
    Aggregate.AVERAGE: lambda groups: groups.means,
    Aggregate.MINIMUM: lambda groups: groups.lows,
    Aggregate.MAXIMUM: lambda groups: groups.highs,
}


def _codes(groups: Groups, configuration: Configuration) -> Codes:
    accepted, totals = groups.accepted, groups.totals
    codes = share_codes(accepted, totals - accepted, totals, configuration)
    return with_bits(np.where(accepted > 0, codes, BAD_NO_DATA).astype(np.uint32), CALCULATED)


def _starts(places: Integers) -> Integers:
    """Where each place begins in ascending places."""
    if not len(places):
        return np.empty(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1]))).astype(np.int64)


def _joined(parts: Sequence[Groups]) -> Groups:
    return Groups(
        np.concatenate([part.places for part in parts]).astype(np.int64),
        np.concatenate([part.totals for part in parts]),
        np.concatenate([part.accepted for part in parts]),
        np.concatenate([part.means for part in parts]),
        np.concatenate([part.lows for part in parts]),
        np.concatenate([part.highs for part in parts]),
    )


def _taken(groups: Groups, index: Integers) -> Groups:
    return Groups(
        groups.places[index],
        groups.totals[index],
        groups.accepted[index],
        groups.means[index],
        groups.lows[index],
        groups.highs[index],
    )
