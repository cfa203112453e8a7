"""Bytes that arrive: rubbish in any framing is never a value and never an error, true frames are found in any cut."""

import asyncio
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerAscii, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU

from connectors.errors import DeviceUnreachable, ReadTimeout
from connectors.modbus.line import Caller, Line
from connectors.modbus.link import Link, Quirks, parse_url
from connectors.modbus.pdu import read_request
from connectors.modbus.read_plan import Area

URLS = {"tcp": "tcp://a", "rtu": "rtu+tcp://a", "ascii": "ascii+tcp://a"}
FRAMERS = {"tcp": FramerSocket, "rtu": FramerRTU, "ascii": FramerAscii}
REQUEST = read_request(Area.HOLDING, 0, 2)
ANSWER = bytes.fromhex("0304deadbeef")


class Clock:
    """A clock that stands still."""

    def now_us(self) -> int:
        return 1

    def monotonic(self) -> float:
        return 1.0


class Silent(asyncio.Transport):
    """A transport that swallows what is sent."""

    def write(self, data: bytes) -> None:
        """Nobody reads it."""

    def close(self) -> None:
        """Nothing was open."""


async def heard(framing: str, pieces: list[bytes], outstanding: int = 1) -> list[bytes | None]:
    """What the questions were answered with, where these pieces arrive; None for none."""
    line = Line(Link(parse_url(URLS[framing]), quirks=Quirks(outstanding=outstanding)), Clock())
    line.connection_made(Silent())
    line.is_usable = True
    caller = Caller(1, 0.0, Counter())
    asked = [asyncio.ensure_future(line.exchange(caller, REQUEST, 60)) for _ in range(outstanding)]
    await asyncio.sleep(0)
    for piece in pieces:
        line.data_received(piece)
    for task in asked:
        await asyncio.sleep(0)
        if not task.done():
            task.cancel()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        assert not isinstance(outcome, Exception) or isinstance(outcome, DeviceUnreachable), outcome
        assert not isinstance(outcome, ReadTimeout)
    return [None if isinstance(outcome, BaseException) else outcome.pdu for outcome in outcomes]


@pytest.mark.parametrize("framing", URLS)
@given(pieces=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
def test_rubbish_is_never_a_value_and_never_an_error(framing: str, pieces: list[bytes]):
    assert asyncio.run(heard(framing, pieces)) == [None]


@pytest.mark.parametrize("framing", URLS)
@given(cuts=st.sets(st.integers(1, 20)))
def test_a_frame_is_found_in_any_cut(framing: str, cuts: set[int]):
    frame = FRAMERS[framing](DecodePDU(is_server=False)).encode(ANSWER, 1, 1)
    edges = [0, *sorted(cut for cut in cuts if cut < len(frame)), len(frame)]
    pieces = [frame[start:end] for start, end in itertools.pairwise(edges)]
    assert asyncio.run(heard(framing, pieces)) == [ANSWER]


@given(order=st.permutations(range(1, 9)), size=st.integers(1, 120))
def test_several_answers_in_any_order_and_cut(order: list[int], size: int):
    framer = FramerSocket(DecodePDU(is_server=False))
    stream = b"".join(framer.encode(ANSWER[:2] + bytes([0, 0, 0, number]), 1, number) for number in order)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = asyncio.run(heard("tcp", pieces, outstanding=8))
    assert [answer and answer[-1] for answer in found] == list(range(1, 9))
