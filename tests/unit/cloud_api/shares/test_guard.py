"""What may be asked of a share: whole intervals of the floor on the clock, ended, settled, in the window."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.instants import to_datetime, to_us
from cloud_api.problems import Problem
from cloud_api.query.buckets import Window
from cloud_api.shares.guard import floor_buckets, open_window, read_buckets
from cloud_api.shares.terms import Floor, Terms, check_terms

NOW = datetime(2026, 7, 15, 12, 34, 56, 789, tzinfo=UTC)
NOW_US = to_us(NOW)
MOST = 100_000
ZONES = st.sampled_from([None, "UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])
INTERVALS = st.sampled_from(
    ["1s", "1m", "7m", "15m", "20m", "30m", "45m", "1h", "90m", "2h", "3h", "8h", "12h", "1d", "2d", "1w", "1mo", "1y"]
)


def terms_of(**changes: Any) -> Terms:
    given_terms = {
        "provider": "p",
        "recipient": "r",
        "purpose_en": "e",
        "purpose_zh": "z",
        "assets": [{"path": "a/*", "alias": "m-{n}"}],
        "tags": [{"path": "t", "alias": "t", "aggregates": ["average"]}],
        "window": {"last_days": 90},
        "expires_at": "2030-01-01T00:00:00Z",
    }
    return Terms.model_validate(given_terms | changes)


def asked(terms: Terms, first: datetime, last: datetime, interval: str | None = None) -> np.ndarray:
    return read_buckets(terms, Window(to_us(first), to_us(last)), interval, NOW_US, MOST).whole_edges_us()


@given(
    st.sampled_from(list(Floor)),
    ZONES,
    INTERVALS,
    st.integers(0, 80 * 24 * 4),
    st.integers(1, 40 * 24 * 4),
    st.sampled_from([0, 0, 0, 1, 900_000_000 // 2, 60_000_000]),
)
def test_what_is_let_through_has_no_edge_beside_the_floor(
    floor: Floor, zone: str | None, interval: str, begin: int, length: int, moved_us: int
):
    terms = terms_of(floor=floor, time_zone=zone)
    start = datetime(2026, 4, 20, tzinfo=UTC) + timedelta(minutes=15) * begin + timedelta(microseconds=moved_us)
    window = Window(to_us(start), to_us(start + timedelta(minutes=15) * length))
    try:
        edges = read_buckets(terms, window, interval, NOW_US, MOST).whole_edges_us()
    except Problem:
        return
    opened = open_window(terms, NOW_US)
    assert opened.from_us <= edges[0] == window.from_us
    assert edges[-1] == window.to_us <= opened.to_us <= NOW_US
    wide = Window(window.from_us - 40 * 86_400_000_000, window.to_us + 40 * 86_400_000_000)
    assert np.isin(edges, floor_buckets(terms, wide).whole_edges_us()).all()


def test_the_window_opens_and_ends_on_whole_intervals():
    opened = open_window(terms_of(floor="1h", settle_minutes=40), NOW_US)
    assert to_datetime(opened.from_us) == datetime(2026, 4, 16, 13, tzinfo=UTC)
    assert to_datetime(opened.to_us) == datetime(2026, 7, 15, 11, tzinfo=UTC)
    opened = open_window(terms_of(floor="1d", time_zone="Asia/Shanghai"), NOW_US)
    assert to_datetime(opened.to_us) == datetime(2026, 7, 14, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2026-07-15T12:00:00Z"},
        {"from": "2027-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:20:00Z", "to": "2026-01-01T00:40:00Z"},
        {"last_days": 1, "to": "2026-07-10T00:00:00Z"},
    ],
)
def test_a_window_without_a_whole_interval_is_shut(window: dict[str, Any]):
    terms = terms_of(window=window)
    assert open_window(terms, NOW_US).is_empty
    with pytest.raises(Problem, match="shared"):
        asked(terms, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC))


def test_what_both_windows_mean():
    terms = terms_of(window={"from": "2026-07-01T00:00:00Z", "last_days": 90, "to": "2026-07-10T00:00:00Z"})
    opened = open_window(terms, NOW_US)
    assert to_datetime(opened.from_us) == datetime(2026, 7, 1, tzinfo=UTC)
    assert to_datetime(opened.to_us) == datetime(2026, 7, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expires_at": "2020-01-01T00:00:00Z"}, "has passed"),
        ({"window": {}}, "and so is last_days"),
        ({"window": {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}, "is not after"),
        ({"tags": []}, "there are no alarms"),
        ({"time_zone": "Mars/Base"}, "is not a time zone"),
        ({"assets": [{"path": "a/*", "alias": "press"}]}, "what may be many"),
        ({"assets": [{"path": "a//b", "alias": "press"}]}, "empty level"),
        ({"assets": [{"path": "a/b", "alias": "pre*s"}]}, "no name has"),
        ({"assets": [{"path": "a/b", "alias": "{m}"}]}, "no name has"),
        ({"tags": [{"path": "t", "alias": "t"}]}, "there are no classes"),
        ({"tags": [{"path": "t", "alias": "t", "aggregates": ["start"]}]}, "single samples"),
        ({"tags": [{"path": "t", "alias": "t", "aggregates": ["maximum_actual_time"]}]}, "single samples"),
        ({"tags": [{"path": "t", "alias": "t", "classes": [1, 1]}]}, "does not ascend"),
    ],
)
def test_terms_that_contradict_themselves(changes: dict[str, Any], said: str):
    with pytest.raises(Problem, match=said):
        check_terms(terms_of(**changes), NOW)
