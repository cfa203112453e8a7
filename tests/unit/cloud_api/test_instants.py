"""Instants: offsets accepted and needed, microseconds kept, everything out in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.instants import (
    format_column,
    format_interval,
    format_span,
    format_us,
    parse_instant,
    to_datetime,
    to_us,
)
from cloud_api.problems import Problem

INSTANTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 # the strategy wants naive bounds
    datetime(2261, 12, 31),  # noqa: DTZ001
)
OFFSETS = st.integers(-14 * 60, 14 * 60)


@given(INSTANTS, OFFSETS)
def test_any_offset_reads_as_the_same_instant(naive: datetime, minutes: int):
    at = naive.replace(tzinfo=UTC)
    if not datetime(1900, 1, 2, tzinfo=UTC) < at:
        at += timedelta(days=2)
    local = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert to_datetime(parse_instant(local.isoformat(), "from")) == at


@given(INSTANTS)
def test_written_instants_read_back(naive: datetime):
    time_us = to_us(naive.replace(tzinfo=UTC))
    assert parse_instant(format_us(time_us), "from") == time_us
    assert format_column(np.array([time_us])) == [format_us(time_us)]


def test_every_digit_and_the_zone_are_written():
    assert format_us(0) == "1970-01-01T00:00:00.000000Z"
    assert format_us(-1) == "1969-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.000001z", 1),
        ("1970-01-01T08:00:00.5+08:00", 500_000),
        ("1970-01-01T00:00:00.100000000Z", 100_000),
    ],
)
def test_reads(text: str, time_us: int):
    assert parse_instant(text, "from") == time_us


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1970-01-01T00:00:00", "no offset"),
        ("1970-01-01", "not an RFC 3339"),
        ("now", "not an RFC 3339"),
        ("0", "not an RFC 3339"),
        ("1970-01-01T08:00:00 08:00", "%2B"),
        ("1970-13-01T00:00:00Z", "not an instant"),
        ("1970-01-01T24:00:00Z", "not an instant"),
        ("1970-01-01T00:00:00.0000001Z", "finer than a microsecond"),
        ("1899-12-31T00:00:00Z", "out of range"),
        ("٢٠٢٦-01-01T00:00:00Z", "not an RFC 3339"),
    ],
)
def test_refuses_with_a_reason(text: str, reason: str):
    with pytest.raises(Problem) as caught:
        parse_instant(text, "from")
    assert reason in caught.value.detail
    assert caught.value.fields[0].field == "from"


@pytest.mark.parametrize(("text", "interval_us"), [("100ms", 100_000), ("1m", 60_000_000), ("1d", 86_400_000_000)])
def test_intervals_are_written_in_their_largest_unit(text: str, interval_us: int):
    assert format_interval(interval_us) == text


def test_uneven_intervals_are_written_in_microseconds():
    assert format_interval(1_234_567) == "1234567us"


def test_spans_are_written_for_people():
    assert format_span(90_000_000) == "1.5 m"


@given(st.lists(INSTANTS, min_size=1, max_size=40))
def test_long_columns_are_written_as_single_instants_are(naive: list[datetime]):
    times = np.array([to_us(each.replace(tzinfo=UTC)) for each in naive], np.int64)
    # Long enough for the fast way.
    column = np.resize(times, 80)
    assert format_column(column) == [format_us(each) for each in column.tolist()]
