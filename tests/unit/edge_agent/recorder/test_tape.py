"""A recording comes back as it was, and nothing else is taken for one."""

import struct
import zlib

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Exchange, Trouble
from edge_agent.recorder import tape

HEAD = tape.Head("gw-1", "pump", "modbus")
TIMES = st.integers(0, 2**62)
EXCHANGES = st.builds(
    Exchange,
    TIMES,
    st.integers(0, 2**40),
    st.binary(max_size=300),
    st.none() | st.binary(max_size=300),
    st.none() | st.sampled_from(Trouble),
)


def recorded(exchanges: list[Exchange]) -> bytes:
    records = bytearray()
    for exchange in exchanges:
        tape.append(exchange, records)
    return tape.opening(HEAD) + tape.block(records, len(exchanges))


def framed(plain: bytes) -> bytes:
    frame = zstandard.compress(plain)
    return struct.pack("<II", len(frame), zlib.crc32(frame)) + frame


@given(st.lists(st.lists(EXCHANGES, max_size=5), min_size=1, max_size=3))
def test_parts_come_back_as_one_in_the_order_of_time(parts: list[list[Exchange]]) -> None:
    whole = tape.read(tape.joined([recorded(part) for part in parts]))
    assert whole.head == HEAD
    assert whole.exchanges == tuple(sorted((each for part in parts for each in part), key=lambda each: each.asked_us))
    assert whole.lost == 0


def test_what_had_no_room_is_counted() -> None:
    missing = bytearray()
    tape.append_lost(7, missing)
    assert tape.read(tape.opening(HEAD) + tape.block(missing, 1)).lost == 7


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(tape.TapeInvalid):
        tape.read(data)
    with pytest.raises(tape.TapeInvalid):
        tape.read(tape.START + data)


@given(st.lists(EXCHANGES, min_size=1, max_size=5), st.data())
def test_a_byte_that_changed_is_noticed(exchanges: list[Exchange], data: st.DataObject) -> None:
    whole = bytearray(recorded(exchanges))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(tape.TapeInvalid):
        tape.read(bytes(whole))


def test_a_cut_is_noticed_wherever_a_block_does_not_end() -> None:
    whole = recorded([Exchange(1, 2, b"q", b"a")])
    ends = {len(tape.opening(HEAD)), len(whole)}
    for length in range(len(whole)):
        if length not in ends:
            with pytest.raises(tape.TapeInvalid):
                tape.read(whole[:length])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04 a spreadsheet", "no recording"),
        (tape.MAGIC + b"\x02", "version 2; this program reads version 1"),
        (tape.START, "cut off"),
        (tape.START + framed(msgspec.msgpack.encode([1, 2])), "something else"),
        (tape.opening(HEAD) + framed(msgspec.msgpack.encode([[9, 1]])), "something else"),
        (tape.opening(HEAD) + framed(bytes(tape.MAX_PLAIN_BYTES + 1)), "larger than"),
        (tape.opening(HEAD) + struct.pack("<II", 2**31, 0), "cut off, or a length"),
        (tape.opening(HEAD) + struct.pack("<II", 3, zlib.crc32(b"abc")) + b"abc", "cannot be decompressed|larger than"),
    ],
)
def test_the_reason_is_told(data: bytes, reason: str) -> None:
    with pytest.raises(tape.TapeInvalid, match=reason):
        tape.read(data)
