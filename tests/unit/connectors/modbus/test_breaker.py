"""A thing that does not answer is left alone for ever longer, tried briefly at first, and forgiven at once."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.modbus.breaker import FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker


def test_pauses_double_up_to_the_longest():
    breaker, now, pauses = Breaker(), 100.0, []
    for _ in range(9):
        breaker.fail(now, "silent")
        pauses.append(breaker.remaining_s(now))
        now += pauses[-1]
        assert breaker.remaining_s(now) == 0
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_probes_are_short_at_first_and_full_in_the_end():
    breaker, allowances = Breaker(), [Breaker().allowance_s(2.0)]
    for _ in range(5):
        breaker.fail(0.0, "silent")
        allowances.append(breaker.allowance_s(2.0))
    assert allowances == [2.0, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_one_answer_makes_good():
    breaker = Breaker()
    breaker.fail(0.0, "silent")
    breaker.succeed()
    assert breaker.remaining_s(0.0) == 0
    assert breaker.allowance_s(2.0) == 2.0
    breaker.fail(10.0, "silent")
    assert breaker.remaining_s(10.0) == FIRST_PAUSE_S


@given(st.integers(0, 5000), st.floats(0.01, 60))
def test_stays_within_bounds_for_ever(failures: int, timeout_s: float):
    breaker = Breaker()
    for _ in range(failures):
        breaker.fail(0.0, "silent")
    assert 0 <= breaker.remaining_s(0.0) <= LONGEST_PAUSE_S
    assert 0 < breaker.allowance_s(timeout_s) <= timeout_s
