"""Requests in pieces: limits that servers state, limits that they only show by refusing."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.limits import CHUNK, Limit, in_chunks, limit, request_count


class TooMuch(Exception):
    """What a server says that was asked for too much."""


def is_too_much(error: Exception) -> bool:
    return isinstance(error, TooMuch)


class Server:
    """Doubles numbers, at most so many at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    async def __call__(self, piece: Sequence[int]) -> list[int]:
        self.asked.append(len(piece))
        if len(piece) > self.most:
            raise TooMuch
        return [2 * number for number in piece]


@pytest.mark.parametrize(
    ("stated", "size"), [(5, 5), (0, CHUNK), (None, CHUNK), (10**6, CHUNK), (-1, CHUNK), ("7", CHUNK), (True, CHUNK)]
)
def test_a_limit_that_is_none_becomes_ours(stated: object, size: int) -> None:
    assert limit(stated).size == size


@given(st.integers(0, 300), st.integers(1, 50))
async def test_no_request_is_larger_than_the_limit(count: int, size: int) -> None:
    server = Server(10**6)
    assert await in_chunks(range(count), Limit(size), server, is_too_much) == [2 * number for number in range(count)]
    assert max(server.asked, default=0) <= size
    assert len(server.asked) == request_count(count, size) == math.ceil(count / size)


@given(st.integers(1, 300), st.integers(1, 50))
async def test_a_limit_is_learnt_from_refusals(count: int, most: int) -> None:
    server = Server(most)
    learnt = Limit(100)
    assert await in_chunks(range(count), learnt, server, is_too_much) == [2 * number for number in range(count)]
    server.asked.clear()
    await in_chunks(range(count), learnt, server, is_too_much)
    assert max(server.asked) <= most


async def test_a_single_item_that_is_too_much_is_an_error() -> None:
    with pytest.raises(TooMuch):
        await in_chunks([1, 2, 3], Limit(3), Server(0), is_too_much)


async def test_a_server_that_answers_less_than_asked_is_not_believed() -> None:
    async def short(piece: Sequence[int]) -> list[int]:
        return list(piece)[1:]

    with pytest.raises(ValueError, match="2 answers to 3 questions"):
        await in_chunks([1, 2, 3], Limit(5), short, is_too_much)
