"""Advice on limits: does a limit leave time to respond at the worst rate of change that was ever stored? (pure)."""

from dataclasses import dataclass

import numpy as np

from cloud_api.alarms.evaluation.plan import Kind, LevelPlan, Plan
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD

# Operator time and action time, and half as much again: standards.md calls for a margin and leaves its size open.
MARGIN = 1.5
US = 1_000_000


@dataclass(slots=True)
class WorstRates:
    """The steepest rise and fall of a series, in units a second, each over at least `over_us`."""

    over_us: int
    rise: float = 0.0
    rise_at_us: int | None = None
    fall: float = 0.0
    fall_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class LimitAdvice:
    """What one level should have: `time_left_s` from its limit to the consequence at the worst rate."""

    path: str
    level: str
    limit: float
    consequence: float
    worst_rate_per_s: float
    worst_rate_at_us: int | None
    time_left_s: float | None
    time_needed_s: float
    advised_limit: float
    is_enough: bool


def look_for_worst(worst: WorstRates, columns: SampleColumns) -> None:
    """Compare each Good sample with the first one at least `over_us` later: noise between neighbours is no trend."""
    is_good = (columns.statuses < BAD) & np.isfinite(columns.values)
    times, values = columns.times_us[is_good], columns.values[is_good]
    later = np.searchsorted(times, times + worst.over_us)
    first = np.flatnonzero(later < len(times))
    if not len(first):
        return
    later = later[first]
    rates = (values[later] - values[first]) / ((times[later] - times[first]) / US)
    highest, lowest = int(rates.argmax()), int(rates.argmin())
    if rates[highest] > worst.rise:
        worst.rise, worst.rise_at_us = float(rates[highest]), int(times[first[highest]])
    if -rates[lowest] > worst.fall:
        worst.fall, worst.fall_at_us = float(-rates[lowest]), int(times[first[lowest]])


def over_for(time_to_respond_s: float) -> int:
    """Rates are taken over a twentieth of the time to respond, and a second at least."""
    return int(max(1.0, time_to_respond_s / 20) * US)


def advise(
    plan: Plan, worst: WorstRates, time_to_respond_s: float, low: float | None, high: float | None
) -> list[LimitAdvice]:
    """Judge each level: its consequence is the next level outwards, for the outermost the end of the series' range."""
    if plan.kind is not Kind.LIMIT:
        return []
    found: list[LimitAdvice] = []
    for is_high, end in ((True, high), (False, low)):
        outer = end
        for level in (each for each in plan.levels if each.is_high == is_high):
            if outer is not None:
                found.append(_judge(plan.instance, level, outer, worst, time_to_respond_s))
            outer = level.limit
    return found


def _judge(path: str, level: LevelPlan, consequence: float, worst: WorstRates, time_to_respond_s: float) -> LimitAdvice:
    rate, at_us = (worst.rise, worst.rise_at_us) if level.is_high else (worst.fall, worst.fall_at_us)
    needed_s = time_to_respond_s * MARGIN + level.on_delay_us / US
    distance = consequence - level.limit if level.is_high else level.limit - consequence
    left_s = distance / rate if rate > 0 else None
    advised = consequence - rate * needed_s if level.is_high else consequence + rate * needed_s
    return LimitAdvice(
        path,
        level.name or "",
        level.limit,
        consequence,
        rate,
        at_us,
        left_s,
        needed_s,
        advised,
        left_s is None or left_s >= needed_s,
    )
