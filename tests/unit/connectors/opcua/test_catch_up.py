"""Which messages are asked for again, although their numbers go round."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.catch_up import LAST_SEQUENCE_NUMBER, in_order, is_behind, number_after
from connectors.opcua.messages import Message

LAST = LAST_SEQUENCE_NUMBER


@pytest.mark.parametrize(
    ("numbers", "expected_next", "wanted"),
    [
        ((), 5, []),
        ((7, 5, 6), 5, [5, 6, 7]),
        ((3, 4, 5, 6), 5, [5, 6]),  # those before were delivered
        ((9, 8), 5, [8, 9]),  # the server has dropped some
        ((1, LAST, 2, LAST - 1), LAST, [LAST, 1, 2]),
        ((1, LAST, 2, LAST - 1), None, [LAST - 1, LAST, 1, 2]),
        ((6, 4, 5), None, [4, 5, 6]),
    ],
)
def test_asks_for_what_was_not_delivered(numbers: Sequence[int], expected_next: int | None, wanted: list[int]) -> None:
    assert in_order(numbers, expected_next) == wanted


@given(first=st.integers(1, LAST), count=st.integers(0, 20), shuffle=st.randoms())
def test_any_run_of_numbers_comes_in_order(first: int, count: int, shuffle: Random) -> None:
    run = [first]
    for _ in range(count):
        run.append(number_after(run[-1]))
    assert 0 not in run
    mixed = list(run)
    shuffle.shuffle(mixed)
    assert in_order(mixed, first) == run
    assert in_order(mixed, None) == run


@pytest.mark.parametrize(
    ("expected_next", "number", "after_data", "after_keep_alive"),
    [
        (None, 7, False, False),  # nobody knows where the numbers stand
        (5, 5, False, False),
        (5, 6, True, True),
        (LAST, 1, True, True),
        (5, 4, True, False),  # a keep-alive that tells the last number instead of the next one
        (5, 0, True, False),
        (1, LAST, True, False),
    ],
)
def test_a_lost_message_shows_in_the_next_one_and_in_a_keep_alive(
    expected_next: int | None, number: int, after_data: bool, after_keep_alive: bool
) -> None:
    assert is_behind(expected_next, Message(1, number, None, False, ("a change",))) is after_data
    assert is_behind(expected_next, Message(1, number, None, False, ())) is after_keep_alive
