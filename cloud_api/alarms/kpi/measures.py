"""The figures of ISA-18.2 (clause 16, IEC 62682) and OPC UA AlarmMetricsType over one window and position (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.alarms.kpi.streams import (
    PRIORITIES,
    Hidden,
    JournalColumns,
    RowFlag,
    Stretches,
    find_stretches,
    has,
    priorities_of,
)

BUCKET_US = 600_000_000
DAY_US = 86_400_000_000
FLOOD_STARTS_OVER = 10
FLOOD_ENDS_UNDER = 5
CHATTER_COUNT = 3
CHATTER_US = 60_000_000
STALE_US = DAY_US
TOP = 10


@dataclass(frozen=True, slots=True)
class Window:
    """What is measured: [from, to), and the midnights of its calendar days, the first at or before `from`."""

    from_us: int
    to_us: int
    midnights_us: NDArray[np.int64]
    hidden: Hidden = Hidden.EXCLUDE
    fleeting_us: int = 10_000_000

    @property
    def span_us(self) -> int:
        """Length of the window."""
        return self.to_us - self.from_us


@dataclass(frozen=True, slots=True)
class Flood:
    """From the start of the 10 minutes with more than 10 alarms to the start of those with fewer than 5."""

    from_us: int
    to_us: int
    alarm_count: int
    peak: int
    is_open: bool  # it lasts beyond the window


@dataclass(frozen=True, slots=True)
class AlarmCount:
    """How often one alarm did something."""

    alarm: int
    count: int


@dataclass(frozen=True, slots=True)
class AlarmMetrics:
    """OPC UA Part 9 AlarmMetricsType: durations in microseconds, rates in alarms per 10 minutes."""

    alarm_count: int
    maximum_active_us: int
    maximum_unacknowledged_us: int
    current_rate: int
    maximum_rate: int
    maximum_realarm_count: int
    average_rate: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that is measured for one operator position."""

    annunciated: int
    alarm_count: int  # how many different alarms these were
    bucket_counts: NDArray[np.int64]
    floods: list[Flood]
    top: list[AlarmCount]
    chattering: list[AlarmCount]  # count: annunciations inside bursts
    fleeting: list[AlarmCount]
    stale_by_day: NDArray[np.int64]
    standing: list[int]  # alarms that are stale at the end of the window
    by_priority: dict[str, int]
    metrics: AlarmMetrics


def measure(rows: JournalColumns, window: Window) -> Measures:
    """Measure one position; rows of the window and those that say how each alarm entered it."""
    stretches = find_stretches(rows, window.to_us, window.hidden)
    is_inside = (rows.times_us >= window.from_us) & (rows.times_us < window.to_us)
    heard = np.flatnonzero(stretches.is_annunciated & is_inside)
    buckets = _count_buckets(rows.times_us[heard], window)
    places, counts = np.unique(priorities_of(rows.flags[heard]), return_counts=True)
    stale_by_day, standing = _measure_stale(rows, stretches, window)
    return Measures(
        annunciated=len(heard),
        alarm_count=len(np.unique(rows.alarms[heard])),
        bucket_counts=buckets,
        floods=find_floods(buckets, window),
        top=_count_alarms(rows.alarms[heard])[:TOP],
        chattering=_count_alarms(rows.alarms[heard][_find_chatter(rows, heard)]),
        fleeting=_count_alarms(rows.alarms[_find_fleeting(rows, stretches, is_inside, window)]),
        stale_by_day=stale_by_day,
        standing=standing,
        by_priority=dict.fromkeys(PRIORITIES, 0)
        | {PRIORITIES[place]: int(count) for place, count in zip(places.tolist(), counts.tolist(), strict=True)},
        metrics=_measure_metrics(rows, stretches, heard, window),
    )


def find_floods(buckets: NDArray[np.int64], window: Window) -> list[Flood]:
    """Walk through the buckets: more than 10 alarms begin a flood, fewer than 5 end it."""
    first_us = window.from_us // BUCKET_US * BUCKET_US
    highs, lows = np.flatnonzero(buckets > FLOOD_STARTS_OVER), np.flatnonzero(buckets < FLOOD_ENDS_UNDER)
    floods: list[Flood] = []
    position = 0
    while (place := int(np.searchsorted(highs, position))) < len(highs):
        start = int(highs[place])
        after = int(np.searchsorted(lows, start))
        is_open = after == len(lows)
        end = len(buckets) if is_open else int(lows[after])
        inside = buckets[start:end]
        from_us = max(first_us + start * BUCKET_US, window.from_us)
        to_us = min(first_us + end * BUCKET_US, window.to_us)
        floods.append(Flood(from_us, to_us, int(inside.sum()), int(inside.max()), is_open))
        position = end
    return floods


def _count_buckets(times_us: NDArray[np.int64], window: Window) -> NDArray[np.int64]:
    """Count in 600 s of the wall clock, empty ones included; leaving these out would flatter."""
    first = window.from_us // BUCKET_US
    last = -(-window.to_us // BUCKET_US)
    return np.bincount(times_us // BUCKET_US - first, minlength=last - first).astype(np.int64)


def _count_alarms(alarms: NDArray[np.int32]) -> list[AlarmCount]:
    """Most frequent first; equal ones by their number."""
    numbers, counts = np.unique(alarms, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [AlarmCount(int(numbers[place]), int(counts[place])) for place in order]


def _find_chatter(rows: JournalColumns, heard: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark each annunciation that belongs to three of the same alarm within 60 s, wherever these begin."""
    is_part = np.zeros(len(heard), np.bool_)
    reach = CHATTER_COUNT - 1
    if len(heard) > reach:
        times_us, alarms = rows.times_us[heard], rows.alarms[heard]
        is_burst = (alarms[reach:] == alarms[:-reach]) & (times_us[reach:] - times_us[:-reach] <= CHATTER_US)
        for offset in range(CHATTER_COUNT):
            is_part[offset : len(heard) - reach + offset] |= is_burst
    return is_part


def _find_fleeting(
    rows: JournalColumns, stretches: Stretches, is_inside: NDArray[np.bool_], window: Window
) -> NDArray[np.int64]:
    """Find the clears that came so soon that nobody could have acted."""
    clears = np.flatnonzero(has(rows.flags, RowFlag.CLEARED) & is_inside)
    clears = clears[clears > 0]
    before = clears - 1
    is_ended = (rows.alarms[before] == rows.alarms[clears]) & stretches.is_active[before]
    clears, raises = clears[is_ended], stretches.raise_rows[before[is_ended]]
    is_short = rows.times_us[clears] - rows.times_us[raises] < window.fleeting_us
    return clears[is_short & stretches.is_annunciated[raises] & is_inside[raises]]


def _measure_stale(rows: JournalColumns, stretches: Stretches, window: Window) -> tuple[NDArray[np.int64], list[int]]:
    """Count for each calendar day the alarms that stood in sight after more than 24 h of being active."""
    is_seen = stretches.is_active
    if window.hidden is Hidden.EXCLUDE:
        is_seen = is_seen & ~has(rows.flags, RowFlag.HIDDEN)
    starts_us = np.maximum(np.maximum(rows.times_us, stretches.raised_us + STALE_US), window.from_us)
    chosen = np.flatnonzero(is_seen & (starts_us < stretches.ends_us))
    alarms, starts_us, ends_us = rows.alarms[chosen], starts_us[chosen], stretches.ends_us[chosen]
    first = np.searchsorted(window.midnights_us, starts_us, side="right") - 1
    last = np.searchsorted(window.midnights_us, ends_us, side="left") - 1
    lengths = last - first + 1
    days = np.repeat(first, lengths) + np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    pairs = np.unique(np.stack([np.repeat(alarms, lengths), days]), axis=1)
    by_day = np.bincount(pairs[1].astype(np.int64), minlength=len(window.midnights_us) - 1).astype(np.int64)
    return by_day, np.unique(alarms[ends_us == window.to_us]).tolist()


def _measure_metrics(
    rows: JournalColumns, stretches: Stretches, heard: NDArray[np.int64], window: Window
) -> AlarmMetrics:
    times_us = np.sort(rows.times_us[heard])
    rates = np.arange(len(times_us)) + 1 - np.searchsorted(times_us, times_us - BUCKET_US, side="right")
    is_reaching_in = stretches.is_active & (stretches.ends_us > window.from_us)
    active_us = (stretches.ends_us - stretches.raised_us)[is_reaching_in]
    realarmed = _count_alarms(rows.alarms[heard[has(rows.flags[heard], RowFlag.REALARMED)]])
    return AlarmMetrics(
        alarm_count=len(heard),
        maximum_active_us=int(active_us.max(initial=0)),
        maximum_unacknowledged_us=_longest_unacknowledged(rows, stretches, window.from_us),
        current_rate=int((times_us >= window.to_us - BUCKET_US).sum()),
        maximum_rate=int(rates.max(initial=0)),
        maximum_realarm_count=realarmed[0].count if realarmed else 0,
        average_rate=len(heard) * BUCKET_US / window.span_us,
    )


def _longest_unacknowledged(rows: JournalColumns, stretches: Stretches, from_us: int) -> int:
    """Find the longest run of rows of one alarm after which it still waited for an acknowledgement."""
    is_waiting = has(rows.flags, RowFlag.UNACKNOWLEDGED)
    is_start = is_waiting.copy()
    is_start[1:] &= ~(is_waiting[:-1] & (rows.alarms[1:] == rows.alarms[:-1]))
    starts = np.maximum.accumulate(np.where(is_start, np.arange(len(rows)), 0)) if len(rows) else np.arange(0)
    lengths_us = (stretches.ends_us - rows.times_us[starts])[is_waiting & (stretches.ends_us > from_us)]
    return int(lengths_us.max(initial=0))
