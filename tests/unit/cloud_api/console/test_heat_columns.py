"""Columns of the heat map on days like every other, and on those on which the clock is put forward or back."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.console.pages.quality.columns import DAY, HOUR, Column, days, hours

ZONES = ("UTC", "Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe")
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis


def lengths(columns: list[Column]) -> set[timedelta]:
    return {column.end - column.begin for column in columns[:-1]}


@given(INSTANTS, st.sampled_from(ZONES))
def test_hours_are_whole_and_reach_up_to_now(now: datetime, zone: str):
    columns = hours(now, 24, ZoneInfo(zone))
    assert lengths(columns) == {HOUR}
    assert columns[-1].end == now
    assert all(before.end == after.begin for before, after in itertools.pairwise(columns))
    assert len(columns) in {23, 24}  # The present hour has only just begun.


@given(INSTANTS, st.sampled_from(ZONES), st.sampled_from([7, 30]))
def test_days_follow_each_other_up_to_now(now: datetime, zone: str, count: int):
    columns = days(now, count, ZoneInfo(zone))
    assert all(abs(length - DAY) <= HOUR for length in lengths(columns))
    assert columns[-1].end == now
    assert all(before.end == after.begin for before, after in itertools.pairwise(columns))
    assert len({column.label for column in columns}) == len(columns)


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        # Two o'clock does not exist on this day, and comes twice on that one.
        ("2027-03-28T02:30:00Z", ["00:00", "01:00", "03:00", "04:00"]),
        ("2027-10-31T02:30:00Z", ["01:00", "02:00", "02:00", "03:00"]),
    ],
)
def test_an_hour_that_is_left_out_is_no_column_and_one_that_comes_twice_is_two(now: str, shown: list[str]):
    columns = hours(datetime.fromisoformat(now), 4, ZoneInfo("Europe/Berlin"))
    assert [column.label for column in columns] == shown


def test_days_begin_where_the_clock_of_the_place_says_so():
    columns = days(datetime.fromisoformat("2027-03-29T10:00:00Z"), 3, ZoneInfo("Europe/Berlin"))
    assert [(column.label, (column.end - column.begin) / HOUR) for column in columns] == [
        ("03-27", 24),
        ("03-28", 23),
        ("03-29", 12),
    ]
