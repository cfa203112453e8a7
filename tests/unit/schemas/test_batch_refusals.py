"""Bytes that are no batch: never a crash, never much memory, always an answer that says what is wrong."""

import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import Batch, Column, decode, encode, encode_json, read_header, unpack
from schemas.columns import shuffle
from schemas.errors import BodyInvalid, HeaderInvalid, VersionUnknown, WireError
from schemas.framing import HEADER_BYTES, join_header
from schemas.header import FLAG_ZSTD
from schemas.limits import MAX_BODY_BYTES, MAX_SAMPLES, MAX_SEQ, MAX_TAGS, MAX_WIRE_BYTES
from schemas.sample import Kind
from tests.unit.schemas.strategies import batches

EPOCH = bytes(range(16))
COLUMN = Column(Kind.F64, [0, 1], [10, 20], [0, 0x80310000], [1.5, 2.5])
BATCH = Batch("agent-1", EPOCH, 7, 5, tags=("a/b", "a/c"), columns=(COLUMN,), until={"d": 20})
MEMORY_ALLOWED = 24 * 1024 * 1024


def published(body: object, flags: int = 0) -> bytes:
    packed = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
    return join_header(flags, EPOCH, 7, packed)


def body(**changes: object) -> dict[str, object]:
    plain = {"v": 1, "agent": "agent-1", "base": 0, "tags": ["a"], "cols": [], "until": [], "gaps": []} | changes
    return {key: value for key, value in plain.items() if value is not ...}


def column(**changes: object) -> dict[str, object]:
    plain = {"k": "i64", "i": bytes(4), "t": bytes(8), "s": None, "x": bytes(8)} | changes
    return {key: value for key, value in plain.items() if value is not ...}


def refusal(payload: bytes) -> BodyInvalid:
    with pytest.raises(BodyInvalid) as caught:
        decode(payload)
    assert (caught.value.header.epoch, caught.value.header.seq) == (EPOCH, 7)
    return caught.value


def peak_bytes(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("payload", [encode(BATCH), encode_json(BATCH)], ids=["binary", "json"])
def test_truncation_at_every_byte_is_refused(payload: bytes) -> None:
    for end in range(len(payload)):
        with pytest.raises((HeaderInvalid, BodyInvalid)):
            decode(payload[:end])


def test_a_flipped_bit_in_the_body_is_refused_and_answerable() -> None:
    payload = encode(BATCH)
    for position in range(HEADER_BYTES * 8, len(payload) * 8):
        flipped = bytearray(payload)
        flipped[position // 8] ^= 1 << position % 8
        assert refusal(bytes(flipped)).reason == "crc_mismatch"


def test_a_flipped_bit_in_the_header_never_crashes() -> None:
    payload = encode(BATCH)
    for position in range(HEADER_BYTES * 8):
        flipped = bytearray(payload)
        flipped[position // 8] ^= 1 << position % 8
        number = read_number(bytes(flipped))
        if position < 24:
            assert number is None
        elif 32 <= position < 224:
            assert number != (EPOCH, 7)


def answer(read: Callable[[bytes], object], payload: bytes) -> WireError | None:
    """Return how a reader refuses, or None; anything but a WireError is a crash."""
    try:
        read(payload)
    except WireError as error:
        return error
    return None


def read_number(payload: bytes) -> tuple[bytes, int] | None:
    try:
        batch = decode(payload)
    except HeaderInvalid:
        return None
    except (BodyInvalid, VersionUnknown) as error:
        return error.header.epoch, error.header.seq
    return batch.epoch, batch.seq


@given(st.binary(max_size=200))
def test_rubbish_never_crashes(rubbish: bytes) -> None:
    for payload in (rubbish, b"MS1" + rubbish, b"{" + rubbish, published(rubbish), published(rubbish, FLAG_ZSTD)):
        for read in (read_header, unpack, decode):
            assert answer(read, payload) is None or str(answer(read, payload))


@given(batches(), st.data())
def test_a_damaged_body_with_a_right_checksum_never_crashes(batch: Batch, data: st.DataObject) -> None:
    payload = encode(batch)
    plain = payload[HEADER_BYTES:]
    if read_header(payload).is_zstd:
        plain = zstandard.ZstdDecompressor().decompress(plain)
    damaged = bytearray(plain)
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    refused = answer(decode, published(bytes(damaged)))
    assert refused is None or isinstance(refused, BodyInvalid | VersionUnknown)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "magic_unknown"),
        (b"XX1" + bytes(40), "magic_unknown"),
        (b"MS2" + bytes(40), "magic_unknown"),
        (b"MS1" + bytes(10), "header_short"),
        (join_header(0, EPOCH, 0, b""), "seq_range"),
        (join_header(0, EPOCH, MAX_SEQ + 1, b""), "seq_range"),
        (b"{", "json_head_invalid"),
        (b'{"seq":1}', "json_head_invalid"),
        (b'{"epoch":"xyz","seq":1}', "json_head_invalid"),
        (json.dumps({"epoch": EPOCH.hex(), "seq": 0}).encode(), "seq_range"),
        (json.dumps({"epoch": EPOCH.hex(), "seq": -1}).encode(), "seq_range"),
        (b'{"epoch":"' + b"0" * 32 + b'","seq":1,"cols":' + b"[" * 100_000, "json_head_invalid"),
        (b'{"epoch":"' + b"0" * 32 + b'","seq":' + b"9" * 100_000, "json_head_invalid"),
        (b'{"a":"' + b"a" * MAX_WIRE_BYTES + b'"}', "wire_too_large"),
    ],
)
def test_without_a_header_nobody_can_be_answered(payload: bytes, reason: str) -> None:
    for read in (read_header, decode):
        with pytest.raises(HeaderInvalid) as caught:
            read(payload)
        assert caught.value.reason == reason


def test_body_of_another_length_is_refused() -> None:
    assert refusal(encode(BATCH) + b"x").reason == "length_mismatch"


def test_zstd_bomb_that_states_its_size_is_refused_before_it_is_unpacked() -> None:
    bomb = published(zstandard.ZstdCompressor().compress(bytes(1_000_000_000)), FLAG_ZSTD)
    assert len(bomb) < MAX_WIRE_BYTES
    assert refusal(bomb).reason == "body_too_large"
    assert peak_bytes(lambda: decode(bomb)) < 100_000


def test_zstd_bomb_that_hides_its_size_is_refused() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False)
    bomb = published(compressor.compress(bytes(100_000_000)), FLAG_ZSTD)
    assert refusal(bomb).reason == "frame_invalid"
    assert peak_bytes(lambda: decode(bomb)) < 2 * MAX_BODY_BYTES


def test_frame_that_hides_its_size_is_read() -> None:
    plain = msgspec.msgpack.encode(body())
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(plain)
    assert decode(published(frame, FLAG_ZSTD)).agent == "agent-1"


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"no frame",
        zstandard.ZstdCompressor().compress(bytes(1000))[:-3],
        zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(body())) + b"more",
        zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(body())) * 2,
    ],
    ids=["empty", "rubbish", "truncated", "trailing", "two frames"],
)
def test_broken_frame_is_refused(frame: bytes) -> None:
    assert refusal(published(frame, FLAG_ZSTD)).reason == "frame_invalid"


def test_ten_megabytes_are_refused_by_their_length_alone() -> None:
    payload = published(bytes(10_000_000))
    assert refusal(payload).reason == "wire_too_large"
    assert peak_bytes(lambda: decode(payload)) < 100_000


@pytest.mark.parametrize(
    "plain",
    [
        b"\x91" * 4_000_000,
        b"\x81\xa1v" + b"\x91" * 4_000_000,
        b"\xdd\xff\xff\xff\xff",
        msgspec.msgpack.encode(body())[:-1] + b"\xdd\xff\xff\xff\xff",
        msgspec.msgpack.encode(body(tags=["ab"] * 1_300_000)),
        msgspec.msgpack.encode(body(cols=[[]] * 4_000_000)),
        msgspec.msgpack.encode(body(cols=[column(k="str", x=["ab"] * 1_300_000)])),
        msgspec.msgpack.encode(body(cols=[column(k="str", x=["ab"] * 20_000)] * 60)),
        msgspec.msgpack.encode(body(gaps=[{"from": 0, "to": 1, "reason": "r", "tags": ["ab"] * 65_000}] * 20)),
        msgspec.msgpack.encode(body(until=[["d", 1]] * 500_000)),
    ],
    ids=[
        "nested",
        "nested v",
        "list of 4 billion",
        "gaps of 4 billion",
        "tags",
        "cols",
        "texts",
        "text columns",
        "gaps",
        "until",
    ],
)
def test_hostile_msgpack_is_refused_within_bounded_memory(plain: bytes) -> None:
    payload = published(zstandard.ZstdCompressor().compress(plain), FLAG_ZSTD)
    assert len(plain) <= MAX_BODY_BYTES
    assert refusal(payload).reason in {"body_malformed", "content_invalid"}
    assert peak_bytes(lambda: decode(payload)) < MEMORY_ALLOWED


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        (body(agent=...), "agent"),
        (body(agent="two words"), "two words"),
        (body(agent="a" * 65), "agent"),
        (body(base="x"), "base"),
        (body(base=2**63), "base"),
        (body(more=1), "more"),
        (body(v=0), "v: 0"),
        (body(v="1"), "$.v"),
        (body(tags="a"), "tags"),
        (body(tags=["a"] * (MAX_TAGS + 1)), "tags"),
        (body(tags=..., cols=[column()]), "tags"),
        (body(dict=bytes(8)), "dict"),
        (body(tags=..., dict=bytes(7)), "dict"),
        (body(cols=[column(k="f16")]), "f16"),
        (body(cols=[column(i=bytes(5))]), "column i64.i"),
        (body(cols=[column(t=bytes(16))]), "column i64.t"),
        (body(cols=[column(s=bytes(3))]), "column i64.s"),
        (body(cols=[column(x=bytes(7))]), "column i64.x"),
        (body(cols=[column(x=...)]), "column i64.x"),
        (body(cols=[column(k="none")]), "column none.x"),
        (body(cols=[column(k="bool", x=b"\x02")]), "column bool.x"),
        (body(cols=[column(k="str", x=[])]), "column str.x"),
        (body(cols=[column(k="str", x=b"abc")]), "column str.x"),
        (body(cols=[column(k="str", x=None)]), "column str.x"),
        (body(cols=[column(y=1)]), "y"),
        (body(cols=[column(i=struct.pack("<i", 1))]), "column i64.i"),
        (body(cols=[column(i=struct.pack("<i", -1))]), "negative"),
        (body(cols=[column(k="none", i=bytes(4 * n), t=bytes(8 * n), x=...) for n in (MAX_SAMPLES, 1)]), "samples"),
        (body(until=[["two words", 1]]), "two words"),
        (body(until=[["d"]]), "until"),
        (body(gaps=[{"from": 2, "to": 1, "reason": "r"}]), "gaps[0].to"),
        (body(gaps=[{"from": 1, "to": 2}]), "reason"),
        (body(gaps=[{"from": 1, "to": 2, "reason": "Two Words"}]), "Two Words"),
        (body(gaps=[{"from": 1, "to": 2, "reason": "r", "batches": [bytes(3), 1, 2]}]), "gaps[0].batches"),
        (body(gaps=[{"from": 1, "to": 2, "reason": "r", "batches": [EPOCH, 2, 1]}]), "gaps[0].batches"),
        (body(gaps=[{"from": 1, "to": 2, "reason": "r", "device": ""}]), "gaps[0].device"),
        ([], "object"),
    ],
)
def test_wrong_content_is_refused_by_name(plain: object, named: str) -> None:
    error = refusal(published(plain))
    assert error.reason in {"body_malformed", "content_invalid"}
    assert named in error.detail


def test_trailing_bytes_inside_the_body_are_refused() -> None:
    assert refusal(published(msgspec.msgpack.encode(body()) + b"\xc0")).reason == "body_malformed"


def test_text_that_is_no_utf8_is_refused() -> None:
    plain = msgspec.msgpack.encode(body(tags=["QQ"])).replace(b"QQ", b"\xff\xfe")
    assert refusal(published(plain)).reason == "body_malformed"


@pytest.mark.parametrize(
    "payload",
    [
        published(body(v=2)),
        published({"v": 2, "shape": "of tomorrow"}),
        published(body(), flags=0x02),
        json.dumps({"v": 2, "epoch": EPOCH.hex(), "seq": 7, "shape": "of tomorrow"}).encode(),
    ],
    ids=["same shape", "other shape", "flags", "json"],
)
def test_a_later_version_is_told_apart_from_rubbish(payload: bytes) -> None:
    with pytest.raises(VersionUnknown) as caught:
        decode(payload)
    assert (caught.value.header.epoch, caught.value.header.seq) == (EPOCH, 7)


def json_body(**changes: object) -> bytes:
    head = {"v": 1, "agent": "agent-1", "epoch": EPOCH.hex(), "seq": 7, "tags": ["a"]}
    return json.dumps(head | {"cols": [{"k": "i64", "i": [0], "t": [5], "x": [1]} | changes]}).encode()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"k": "i64", "x": [1.5]}, "column i64.x[0]"),
        ({"k": "i64", "x": [2**63]}, "column i64.x[0]"),
        ({"k": "i64", "x": ["12a"]}, "column i64.x[0]"),
        ({"k": "u64", "x": [-1]}, "column u64.x[0]"),
        ({"k": "f32", "x": [1e39]}, "column f32.x[0]"),
        ({"k": "f64", "x": ["nan"]}, "column f64.x[0]"),
        ({"k": "f64", "x": [None]}, "column f64.x[0]"),
        ({"k": "bool", "x": [2]}, "column bool.x[0]"),
        ({"k": "str", "x": [1]}, "column str.x[0]"),
        ({"k": "str", "x": [["a"]]}, "x[0]"),
        ({"i": [1]}, "column i64.i"),
        ({"i": [-1]}, "i[0]"),
        ({"t": [2**63]}, "t[0]"),
        ({"t": [1, 2]}, "column i64.t"),
        ({"s": [2**32]}, "s[0]"),
        ({"s": [0, 0]}, "column i64.s"),
        ({"y": 1}, "y"),
        ({"k": "none"}, "column none.x"),
    ],
)
def test_wrong_json_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    error = refusal(json_body(**changes))
    assert error.reason in {"body_malformed", "content_invalid"}
    assert named in error.detail


def test_json_takes_large_integers_as_strings() -> None:
    assert decode(json_body(k="u64", x=["18446744073709551615"])).columns[0].values == [2**64 - 1]


def test_times_wrap_as_fixed_width_arithmetic_does() -> None:
    deltas = shuffle(struct.pack("<2q", 2**63 - 1, 2), 8)
    plain = body(cols=[column(i=bytes(8), t=deltas, x=bytes(16))])
    assert decode(published(plain)).columns[0].times_us == [2**63 - 1, -(2**63) + 1]


def test_crc_is_that_of_the_bytes_on_the_wire() -> None:
    payload = encode(BATCH)
    assert read_header(payload).crc == zlib.crc32(payload[HEADER_BYTES:])
    assert read_header(encode_json(BATCH)).crc == zlib.crc32(encode_json(BATCH))
