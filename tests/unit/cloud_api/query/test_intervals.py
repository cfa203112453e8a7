"""Intervals as people name them: calendar days, weeks, months and shifts of a named time zone, across changes of it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.instants import to_datetime, to_us
from cloud_api.problems import Problem
from cloud_api.query.buckets import Align, Buckets, Window
from cloud_api.query.intervals import buckets_by_interval, read_zone
from cloud_api.wall_clocks import find_zone

ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe")
INSTANTS_US = st.integers(to_us(datetime(1985, 1, 1, tzinfo=UTC)), to_us(datetime(2040, 1, 1, tzinfo=UTC)))
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000


def window_of(from_: str, to: str) -> Window:
    return Window(to_us(datetime.fromisoformat(from_)), to_us(datetime.fromisoformat(to)))


def buckets_of(from_: str, to: str, text: str, zone: str | None, align: Align = Align.CLOCK) -> Buckets:
    return buckets_by_interval(window_of(from_, to), text, align, read_zone(zone))


def walls(buckets: Buckets, zone: str) -> list[str]:
    return [to_datetime(each).astimezone(ZoneInfo(zone)).isoformat() for each in buckets.whole_edges_us().tolist()]


@given(INSTANTS_US, st.sampled_from(ZONES))
def test_wall_clocks_are_those_of_the_time_zone_database(time_us: int, name: str):
    zone, at = find_zone(name), to_datetime(time_us)
    wall = at.astimezone(ZoneInfo(name)).replace(tzinfo=UTC)
    assert zone.to_local(np.array([time_us]))[0] == to_us(wall)
    first = wall.replace(tzinfo=ZoneInfo(name), fold=0)
    assert zone.to_utc(np.array([to_us(wall)]))[0] == to_us(first)
    again = to_us(wall.replace(tzinfo=ZoneInfo(name), fold=1))
    assert zone.to_utc_again(np.array([to_us(wall)])).tolist() == ([again] if again > to_us(first) else [])


@given(
    INSTANTS_US,
    st.integers(1, 400 * DAY_US),
    st.sampled_from(["1d", "3d", "1w", "2w", "1mo", "3mo", "1y", "6h", "1h", "30m", "06:00-14:00", "22:00-06:00"]),
    st.sampled_from(ZONES),
    st.sampled_from(Align),
)
def test_buckets_of_a_calendar_cover_the_window_once(from_us: int, span_us: int, text: str, name: str, align: Align):
    window = Window(from_us, from_us + span_us)
    buckets = buckets_by_interval(window, text, align, find_zone(name))
    whole, cut = buckets.whole_edges_us(), buckets.edges_us()
    assert (np.diff(whole) > 0).all()
    assert (np.diff(cut) > 0).all()
    assert whole[0] <= from_us < whole[1]
    assert whole[-2] < window.to_us <= whole[-1]
    assert (cut[0], cut[-1]) == (from_us, window.to_us)
    assert len(cut) == buckets.count + 1
    if align is Align.FROM and "-" not in text:
        assert whole[0] == from_us


@given(INSTANTS_US, st.integers(DAY_US, 60 * DAY_US), st.sampled_from(ZONES), st.sampled_from(["1d", "1w", "1mo"]))
def test_units_of_a_calendar_begin_at_midnight_of_their_zone(from_us: int, span_us: int, name: str, text: str):
    buckets = buckets_by_interval(Window(from_us, from_us + span_us), text, Align.CLOCK, find_zone(name))
    for start_us in buckets.starts_us().tolist():
        at = to_datetime(start_us).astimezone(ZoneInfo(name))
        before = (to_datetime(start_us - 1)).astimezone(ZoneInfo(name))
        assert before.date() < at.date()
        if text == "1w":
            assert at.isoweekday() == 1
        if text == "1mo":
            assert at.day == 1


def test_a_day_in_shanghai_begins_at_sixteen_utc():
    buckets = buckets_of("2026-01-31T08:00:00Z", "2026-02-02T08:00:00Z", "1d", "Asia/Shanghai")
    assert [each.hour for each in map(to_datetime, buckets.starts_us().tolist())] == [16, 16, 16]
    assert buckets.step_us == DAY_US
    assert buckets.cut().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("zone", "from_", "to", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00", [24, 23, 24]),
        ("Europe/Berlin", "2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00", [24, 25, 24]),
        ("America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-03T00:00:00-05:00", [25, 24]),
        ("America/Sao_Paulo", "2018-11-03T00:00:00-03:00", "2018-11-06T00:00:00-02:00", [24, 23, 24]),
    ],
)
def test_days_are_as_long_as_the_clock_makes_them(zone: str, from_: str, to: str, hours: list[int]):
    for align in Align:
        buckets = buckets_of(from_, to, "1d", zone, align)
        assert (np.diff(buckets.edges_us()) / HOUR_US).tolist() == hours
        assert buckets.partial_us() == []


def test_hours_that_come_twice_are_two_buckets():
    window = ("2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00")
    assert buckets_of(*window, "1h", "Europe/Berlin").count == 25
    quarters = buckets_of(*window, "6h", "Europe/Berlin")
    assert (np.diff(quarters.edges_us()) / HOUR_US).tolist() == [7, 6, 6, 6]
    assert buckets_of(*window, "2h", "Europe/Berlin").count == 12


def test_hours_that_are_left_out_are_no_bucket():
    buckets = buckets_of("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "1h", "Europe/Berlin")
    assert buckets.count == 23
    assert buckets.step_us == HOUR_US


def test_iso_weeks_begin_on_monday_of_their_zone():
    buckets = buckets_of("2026-01-01T00:00:00+08:00", "2026-01-13T00:00:00+08:00", "1w", "Asia/Shanghai")
    assert walls(buckets, "Asia/Shanghai") == [
        "2025-12-29T00:00:00+08:00",
        "2026-01-05T00:00:00+08:00",
        "2026-01-12T00:00:00+08:00",
        "2026-01-19T00:00:00+08:00",
    ]


def test_months_from_the_last_day_are_clamped():
    buckets = buckets_of("2026-01-31T08:00:00Z", "2026-05-01T00:00:00Z", "1mo", None, Align.FROM)
    days = [f"{to_datetime(each):%m-%d %H}" for each in buckets.starts_us().tolist()]
    assert days == ["01-31 08", "02-28 08", "03-31 08", "04-30 08"]


def test_quarters_and_years_begin_in_january():
    quarters = buckets_of("2026-02-10T00:00:00Z", "2026-08-01T00:00:00Z", "3mo", "UTC")
    assert [to_datetime(each).month for each in quarters.starts_us().tolist()] == [1, 4, 7]
    years = buckets_of("2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "1y", "Asia/Shanghai")
    assert walls(years, "Asia/Shanghai") == ["2026-01-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00"]


def test_shifts_leave_the_rest_of_the_day_out():
    buckets = buckets_of("2026-01-01T00:00:00+08:00", "2026-01-03T00:00:00+08:00", "06:00-14:00", "Asia/Shanghai")
    assert buckets.shown is not None
    shown = to_us_list(buckets)
    assert shown == ["2026-01-01T06:00:00+08:00", "2026-01-02T06:00:00+08:00"]
    assert buckets.partial_us() == []


def test_three_shifts_fill_the_day_and_the_night_ends_tomorrow():
    text = "22:00-06:00, 06:00-14:00,14:00-22:00"
    buckets = buckets_of("2026-01-01T22:00:00+08:00", "2026-01-02T22:00:00+08:00", text, "Asia/Shanghai")
    assert len(to_us_list(buckets)) == buckets.count == 3
    assert (np.diff(buckets.edges_us()) == 8 * HOUR_US).all()


def test_a_night_shift_over_a_change_of_the_clock_has_its_real_length():
    buckets = buckets_of("2026-03-28T20:00:00Z", "2026-03-29T12:00:00Z", "22:00-06:00", "Europe/Berlin")
    assert buckets.shown is not None
    assert (np.diff(buckets.edges_us())[buckets.shown] / HOUR_US).tolist() == [7]


def to_us_list(buckets: Buckets) -> list[str]:
    assert buckets.shown is not None
    starts = buckets.starts_us()[buckets.shown].tolist()
    return [to_datetime(each).astimezone(ZoneInfo("Asia/Shanghai")).isoformat() for each in starts]


@pytest.mark.parametrize(
    ("text", "zone", "field", "reason"),
    [
        ("0s", None, "interval", "is not an interval"),
        ("1", None, "interval", "is not an interval"),
        ("1M", None, "interval", "is not an interval"),
        ("1.5h", None, "interval", "is not an interval"),
        ("", None, "interval", "is not an interval"),
        ("9999999999w", None, "interval", "400 years"),
        ("9999999999y", None, "interval", "400 years"),
        ("7h", "Europe/Berlin", "interval", "does not divide a day"),
        ("1ms", "Europe/Berlin", "interval", "more than"),
        ("06:00-14:00", None, "time_zone", "is missing"),
        ("06:00-14:00,13:00-20:00", "UTC", "interval", "overlap"),
        ("22:00-06:00,05:00-07:00", "UTC", "interval", "overlap"),
        ("06:00-25:00", "UTC", "interval", "is no shift"),
        ("1d", "Mars/Olympus", "time_zone", "is not a time zone"),
        ("1d", "../../etc/passwd", "time_zone", "is not a time zone"),
    ],
)
def test_refuses_with_field_and_reason(text: str, zone: str | None, field: str, reason: str):
    with pytest.raises(Problem) as caught:
        buckets_of("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z", text, zone)
    assert caught.value.fields[0].field == field
    assert reason in caught.value.detail


def test_lengths_without_a_zone_are_lengths():
    day = timedelta(days=1) // timedelta(microseconds=1)
    buckets = buckets_of("2026-03-28T10:00:00Z", "2026-03-31T00:00:00Z", "1d", None, Align.FROM)
    assert (buckets.step_us, buckets.count) == (day, 3)
