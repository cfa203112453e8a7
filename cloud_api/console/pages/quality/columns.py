"""The columns of the heat map: hours and days of a reader's clock, also where it is put forward or back (pure)."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Column:
    """One stretch of the map, its ends in UTC; never empty."""

    begin: datetime
    end: datetime
    label: str


def hours(now: datetime, count: int, zone: tzinfo) -> list[Column]:
    """The last hours, the present one up to now: each as long as the others, whatever the clock has done."""
    whole = now.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    # Where a clock was put back by half an hour, its hour may have begun more than an hour ago.
    last = whole + (now - whole) // HOUR * HOUR
    edges = [last - HOUR * back for back in reversed(range(count))]
    return list(_columns([*edges, last + HOUR], now, zone, "%H:%M"))


def days(now: datetime, count: int, zone: tzinfo) -> list[Column]:
    """The last days, today up to now: one on which the clock changes is shorter or longer."""
    today = now.astimezone(zone).date()
    midnights = [datetime.combine(today - DAY * back, time(), zone) for back in reversed(range(-1, count))]
    return list(_columns([each.astimezone(UTC) for each in midnights], now, zone, "%m-%d"))


def _columns(edges: list[datetime], now: datetime, zone: tzinfo, label: str) -> Iterator[Column]:
    for begin, end in itertools.pairwise(edges):
        if begin < min(end, now):
            yield Column(begin, min(end, now), begin.astimezone(zone).strftime(label))
