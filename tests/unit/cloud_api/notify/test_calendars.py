"""Calendars: shifts over midnight, zones whose clocks change, holidays and make-up days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.notify.configuration.calendars import WEEKDAYS, Calendar, Day, Shift
from cloud_api.notify.configuration.holidays import load_holidays

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ALL = frozenset(WEEKDAYS)


def calendar(zone: ZoneInfo, days: frozenset[Day], start: str, end: str, **more: object) -> Calendar:
    shift = Shift(days, time.fromisoformat(start), time.fromisoformat(end))
    return Calendar(zone, (shift,), **more)  # pyright: ignore[reportArgumentType]


def local(zone: ZoneInfo, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-02T19:59:59", False),
        ("2026-03-02T20:00:00", True),
        ("2026-03-03T07:59:59", True),
        ("2026-03-03T08:00:00", False),
        # The night of Saturday belongs to Saturday, which is not chosen.
        ("2026-03-08T02:00:00", False),
        # That of Friday goes on into Saturday.
        ("2026-03-07T02:00:00", True),
    ],
)
def test_a_night_shift_belongs_to_the_day_on_which_it_begins(at: str, is_open: bool):
    weekdays = frozenset(WEEKDAYS[:5])
    assert calendar(SHANGHAI, weekdays, "20:00", "08:00").is_open(local(SHANGHAI, at)) is is_open


def test_a_shift_of_equal_times_is_the_whole_day():
    whole = calendar(SHANGHAI, frozenset({Day.SUNDAY}), "00:00", "00:00")
    assert whole.is_open(local(SHANGHAI, "2026-03-08T00:00:00"))
    assert whole.is_open(local(SHANGHAI, "2026-03-08T23:59:59"))
    assert not whole.is_open(local(SHANGHAI, "2026-03-09T00:00:00"))


def test_a_changed_clock_makes_a_night_shorter_or_longer():
    night = calendar(BERLIN, ALL, "22:00", "06:00")
    # 2026-03-29: from 02:00 to 03:00 at once; 06:00 is 04:00 UTC.
    assert night.is_open(datetime(2026, 3, 29, 3, 59, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 3, 29, 4, 0, tzinfo=UTC))
    # 2026-10-25: back from 03:00 to 02:00; 06:00 is 05:00 UTC.
    assert night.is_open(datetime(2026, 10, 25, 4, 59, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 10, 25, 5, 0, tzinfo=UTC))


def test_public_holidays_and_make_up_days():
    days = calendar(SHANGHAI, frozenset({Day.WORKDAY}), "08:00", "17:00", public=load_holidays("CN", None))
    assert not days.is_open(local(SHANGHAI, "2025-10-01T09:00:00"))  # National Day, a Wednesday
    assert days.is_open(local(SHANGHAI, "2025-09-28T09:00:00"))  # a Sunday that is made up for
    assert days.is_open(local(SHANGHAI, "2025-09-29T09:00:00"))
    free = calendar(SHANGHAI, frozenset({Day.FREE_DAY}), "08:00", "17:00", public=load_holidays("CN", None))
    assert free.is_open(local(SHANGHAI, "2025-10-01T09:00:00"))


def test_a_make_up_day_is_known_before_any_other_day_was_asked_for():
    load_holidays.cache_clear()
    assert load_holidays("CN", None).is_working_day(date(2025, 9, 28))
    assert not load_holidays("CN", None).is_working_day(date(2025, 9, 27))


def test_own_days_go_before_the_country():
    own = calendar(
        SHANGHAI,
        frozenset({Day.WORKDAY}),
        "08:00",
        "17:00",
        public=load_holidays("CN", None),
        holidays=frozenset({date(2025, 9, 29)}),
        workdays=frozenset({date(2025, 10, 1)}),
    )
    assert own.is_open(local(SHANGHAI, "2025-10-01T09:00:00"))
    assert not own.is_open(local(SHANGHAI, "2025-09-29T09:00:00"))


def test_an_unknown_country_is_refused():
    with pytest.raises(ValueError, match="no holidays are known for 'XX'"):
        load_holidays("XX", None)


instants = st.integers(0, 2 * 365 * 1440).map(lambda n: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))


@given(instants, clocks, clocks, st.sets(st.sampled_from(WEEKDAYS), min_size=1), st.sampled_from([SHANGHAI, BERLIN]))
def test_the_next_opening_is_open_and_none_is_before_it(
    at: datetime, start: time, end: time, days: set[Day], zone: ZoneInfo
):
    shifts = Calendar(zone, (Shift(frozenset(days), start, end),))
    found = shifts.next_open(at)
    assert found is not None
    assert found >= at
    assert shifts.is_open(found)
    if found != at:
        assert not shifts.is_open(at + (found - at) / 2)
