"""Requests in pieces: limits that servers state, limits that they only show by refusing."""

import asyncio
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opcua.limits import CHUNK, Limit, limit, request_count
from connectors.opcua.pieces import in_chunks


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


class Slow(Server):
    """Answers when it is told to, the last one asked first."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.waiting: list[asyncio.Future[None]] = []
        self.most_waiting = 0

    async def __call__(self, piece: Sequence[int]) -> list[int]:
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append(answer)
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        await answer
        return await super().__call__(piece)

    async def answer_all(self) -> None:
        while True:
            await asyncio.sleep(0)
            if self.waiting:
                self.waiting.pop().set_result(None)


@given(st.integers(0, 100), st.integers(1, 50), st.integers(1, 4))
async def test_answers_are_in_order_however_many_requests_are_on_the_way(count: int, most: int, at_once: int) -> None:
    server = Slow(most)
    answering = asyncio.create_task(server.answer_all())
    learnt = Limit(20)
    try:
        answers = await in_chunks(range(count), learnt, server, is_too_much, at_once)
    finally:
        answering.cancel()
    assert answers == [2 * number for number in range(count)]
    assert server.most_waiting == min(at_once, request_count(count, 20))
    served = [size for size in server.asked if size <= most]
    assert sum(served) == count


async def test_a_request_that_fails_ends_the_others() -> None:
    ended: list[int] = []

    async def refusing(piece: Sequence[int]) -> list[int]:
        if piece[0] == 0:
            raise ConnectionError("gone")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(piece[0])
        return []

    with pytest.raises(ConnectionError):
        await in_chunks(range(6), Limit(2), refusing, is_too_much, 3)
    assert ended == [2, 4]
