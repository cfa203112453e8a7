"""Public holidays of a country, from the library `holidays`, which knows make-up working days too."""

from collections.abc import Container
from datetime import date
from functools import cache
from typing import Protocol

from cloud_api.notify.configuration.calendars import PublicHolidays


class _Days(Container[object], Protocol):
    def is_working_day(self, key: date, /) -> bool: ...


class Country:
    """A country's calendar."""

    def __init__(self, days: _Days) -> None:
        self._days = days

    def is_working_day(self, day: date, /) -> bool:
        """Say whether people work on this day."""
        # Being asked for the day makes the library work out its year; without that it knows no make-up day of it.
        is_holiday = day in self._days
        return not is_holiday and self._days.is_working_day(day)


@cache
def load_holidays(country: str, subdivision: str | None) -> PublicHolidays:
    """Load a country's calendar; ValueError when the library does not know it."""
    # 14 MB of other countries stay out of memory: the library loads the one that is asked for.
    import holidays

    try:
        return Country(holidays.country_holidays(country, subdiv=subdivision))
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {country!r} {subdivision or ''}".rstrip()) from error
