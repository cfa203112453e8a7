"""Calendars: shifts of a time zone, on weekdays, working days or free days (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

# A calendar that opens on one day of the year is found within this many days.
LOOK_AHEAD_DAYS = 400


class Day(StrEnum):
    """On which days a shift begins: weekdays by name, or what the calendar makes of the day."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"
    WORKDAY = "workday"
    FREE_DAY = "free_day"


WEEKDAYS = tuple(Day)[:7]


class PublicHolidays(Protocol):
    """What a country says of a day."""

    def is_working_day(self, day: date, /) -> bool:
        """Say whether people work: weekends and holidays taken out, make-up days put in."""
        ...


@dataclass(frozen=True, slots=True)
class Shift:
    """Every chosen day from one time of the clock to another; over midnight when it ends before it begins."""

    days: frozenset[Day]
    from_time: time
    to_time: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """Shifts in a zone; own holidays and working days go before what the country says."""

    zone: ZoneInfo
    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    public: PublicHolidays | None = None

    def is_open(self, at: datetime) -> bool:
        """Say whether an instant lies in a shift."""
        day = at.astimezone(self.zone).date()
        return any(start <= at < end for start, end in self._stretches(day - timedelta(days=1), 2))

    def next_open(self, at: datetime) -> datetime | None:
        """Find the first instant at or after `at` that lies in a shift; None when there is none for a year."""
        if self.is_open(at):
            return at
        day = at.astimezone(self.zone).date()
        for ahead in range(LOOK_AHEAD_DAYS):
            starts = [start for start, _ in self._stretches(day + timedelta(days=ahead), 1) if start >= at]
            if starts:
                return min(starts)
        return None

    def is_workday(self, day: date) -> bool:
        """Say whether people work on this day."""
        if day in self.workdays:
            return True
        if day in self.holidays:
            return False
        return self.public.is_working_day(day) if self.public is not None else day.weekday() < 5

    def _stretches(self, first: date, count: int) -> Iterator[tuple[datetime, datetime]]:
        """List the shifts that begin on these days, as instants: a change of the clock makes one shorter or longer."""
        for day in (first + timedelta(days=n) for n in range(count)):
            names = {WEEKDAYS[day.weekday()], Day.WORKDAY if self.is_workday(day) else Day.FREE_DAY}
            for shift in self.shifts:
                if shift.days & names:
                    last = day if shift.to_time > shift.from_time else day + timedelta(days=1)
                    yield self._instant(day, shift.from_time), self._instant(last, shift.to_time)

    def _instant(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)
