"""Report by exception: the first, the news, the overdue, and nothing else."""

import math

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.deadband import Deadband, LastReported, is_change
from schemas import status as codes

numbers = st.one_of(st.floats(), st.integers(-(2**63), 2**64 - 1))
values = st.one_of(numbers, st.booleans(), st.text(max_size=5), st.none())


@given(values, st.integers(0, codes.MAX_STATUS), st.integers(0, 2**60))
def test_first_sample_is_always_reported(value: float, status: int, time_us: int) -> None:
    assert LastReported().admits(Deadband(1e9, 10**15), value, status, time_us)


@given(values, values, st.integers(0, codes.MAX_STATUS), st.integers(1, codes.MAX_STATUS))
def test_other_status_is_always_reported(before: float, now: float, status: int, change: int) -> None:
    last = LastReported()
    last.admits(Deadband(math.inf, 10**15), before, status, 0)
    assert last.admits(Deadband(math.inf, 10**15), now, status ^ change, 1)


@given(values)
def test_unchanged_value_waits_for_max_silence(value: float) -> None:
    last, rule = LastReported(), Deadband(0.0, 1_000)
    assert last.admits(rule, value, codes.GOOD, 5_000)
    assert not last.admits(rule, value, codes.GOOD, 5_999)
    assert last.admits(rule, value, codes.GOOD, 6_000)
    assert not last.admits(rule, value, codes.GOOD, 6_999)


def test_clock_that_was_set_back_does_not_silence() -> None:
    last, rule = LastReported(), Deadband(0.0, 10**12)
    assert last.admits(rule, 1.0, codes.GOOD, 5_000)
    assert last.admits(rule, 1.0, codes.GOOD, 4_999)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1e3))
def test_every_dropped_sample_is_within_the_deadband_of_the_last_reported(series: list[float], width: float) -> None:
    last, rule = LastReported(), Deadband(width, 10**15)
    reported = series[0]
    for time_us, value in enumerate(series):
        if last.admits(rule, value, codes.GOOD, time_us):
            reported = value
        else:
            assert abs(value - reported) <= width


@given(numbers, st.floats(0, 1e9))
def test_equal_numbers_are_never_a_change(value: float, width: float) -> None:
    assert not is_change(value, value, width)


def test_what_is_a_change_without_arithmetic() -> None:
    assert not is_change(math.nan, math.nan, 0.0)
    assert is_change(math.nan, 1.0, 1e9)
    assert is_change(1.0, math.nan, 1e9)
    assert is_change(-math.inf, math.inf, 1e300)
    assert not is_change(math.inf, math.inf, 0.0)
    assert is_change(True, False, 5.0)
    assert is_change("a", "b", 5.0)
    assert is_change(None, 0, 5.0)
    assert is_change(2**63 - 1, 2**63 - 2, 0)
    assert not is_change(10.0, 10.5, 0.5)
    assert is_change(10.0, 10.51, 0.5)
