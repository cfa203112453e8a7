"""Which stretches of a window are read from which rollup, and which from raw samples (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.completeness.expectation import Expectation, Promise
from cloud_api.completeness.stretches import Stretch
from cloud_api.storage.rollup_rows import Resolution


@dataclass(frozen=True, slots=True)
class Rolled:
    """From when to when rollup rows can be taken; `raw_from_us` is where raw samples begin (None: nothing dropped)."""

    until_us: int | None
    raw_from_us: int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One stretch, and what it is read from (None: raw samples)."""

    stretch: Stretch
    resolution: Resolution | None


def resolution_for(expectation: Expectation) -> Resolution | None:
    """The coarsest rollup that shows every silence of such a series.

    Where every scan gives a sample, a bucket with too few betrays a silence inside, so the coarse one will do. Behind
    a deadband any number may come, so buckets must not be longer than the series may be silent.
    """
    if expectation.promise is not Promise.MAX_SILENCE or expectation.limit_us is None:
        return Resolution.QUARTER
    fitting = [each for each in (Resolution.QUARTER, Resolution.MINUTE) if each.width_us <= expectation.limit_us]
    return fitting[0] if fitting else None


def plan(
    scan: Stretch, from_us: int, resolution: Resolution | None, rolled: Rolled, dirty: Sequence[Stretch]
) -> list[Leg]:
    """Cut what is looked at into legs: whole buckets that are rolled and not dirty, and raw around them.

    What is looked at begins before `from_us`, where nothing is counted. Where raw samples are gone already, a bucket
    that the window cuts is taken whole.
    """
    if resolution is None or rolled.until_us is None:
        return [Leg(scan, None)]
    width = resolution.width_us
    is_raw_gone = rolled.raw_from_us is not None and from_us < rolled.raw_from_us
    low = from_us // width * width if is_raw_gone else -(-from_us // width) * width
    high = min(scan[1], rolled.until_us) // width * width
    cuts = [(each[0] // width * width, -(-each[1] // width) * width) for each in dirty]
    legs: list[Leg] = []
    at = scan[0]
    for piece in _without(low, high, cuts):
        if at < piece[0]:
            legs.append(Leg((at, piece[0]), None))
        legs.append(Leg(piece, resolution))
        at = piece[1]
    if at < scan[1]:
        legs.append(Leg((at, scan[1]), None))
    return legs


def _without(low: int, high: int, cuts: Sequence[Stretch]) -> list[Stretch]:
    pieces: list[Stretch] = []
    for cut in sorted(cuts):
        if low < min(cut[0], high):
            pieces.append((low, min(cut[0], high)))
        low = max(low, cut[1])
    return [*pieces, (low, high)] if low < high else pieces
