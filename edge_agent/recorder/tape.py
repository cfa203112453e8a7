"""The form of a recording: a magic, a version, then blocks of compressed MessagePack, each with its checksum (pure).

file   = "MILLREC" version:u8 block*        numbers of the frame are little-endian
block  = length:u32 crc32:u32 zstd-frame    the checksum is the frame's, the frame states its size
first  = {"agent", "device", "kind"}
others = [record …]
record = [0, asked_us, took_us, question, answer or nil, trouble or nil] | [1, count of records that had no room]
       | [2, …], like 0, for what opened a conversation and may be much older than the rest
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import zstandard

from connectors.contract import Exchange, Trouble

MAGIC = b"MILLREC"
VERSION = 1
START = MAGIC + bytes((VERSION,))
MAX_BLOCK_BYTES = 1 << 20
MAX_PLAIN_BYTES = 4 << 20
MAX_FILE_BYTES = 1 << 30
_FRAME = struct.Struct("<II")
_EXCHANGE, _LOST, _OPENING = 0, 1, 2
_encoder = msgspec.msgpack.Encoder()


class TapeInvalid(ValueError):
    """This is no recording, or a damaged one."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose recording it is."""

    agent: str
    device: str
    kind: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording, in the order of time."""

    head: Head
    exchanges: tuple[Exchange, ...]
    lost: int
    """Records that had no room."""
    begins_us: int = 0
    """When the first of them was asked that is no part of an opening."""


class _Noted(msgspec.Struct, frozen=True, array_like=True, tag=_EXCHANGE, forbid_unknown_fields=True):
    asked_us: int
    took_us: int
    question: bytes
    answer: bytes | None
    trouble: Trouble | None


class _Opened(msgspec.Struct, frozen=True, array_like=True, tag=_OPENING, forbid_unknown_fields=True):
    asked_us: int
    took_us: int
    question: bytes
    answer: bytes | None
    trouble: Trouble | None


class _Missing(msgspec.Struct, frozen=True, array_like=True, tag=_LOST, forbid_unknown_fields=True):
    count: int


_heads = msgspec.msgpack.Decoder(Head)
_records = msgspec.msgpack.Decoder(list[_Noted | _Opened | _Missing])


def append(exchange: Exchange, records: bytearray, *, is_opening: bool = False) -> None:
    """Add one record to those of a block to come."""
    kind = _OPENING if is_opening else _EXCHANGE
    record = (kind, exchange.asked_us, exchange.took_us, exchange.question, exchange.answer, exchange.trouble)
    _encoder.encode_into(record, records, -1)


def append_lost(count: int, records: bytearray) -> None:
    """Say how many records are missing before what follows."""
    _encoder.encode_into((_LOST, count), records, -1)


def opening(head: Head) -> bytes:
    """What a recording begins with."""
    return START + _block(_encoder.encode(head))


def block(records: bytearray, count: int) -> bytes:
    """The block of these `count` records."""
    return _block(b"\xdd" + count.to_bytes(4, "big") + records)


def read(data: bytes) -> Recording:
    """Read a recording; raises TapeInvalid with the reason."""
    plain = _plain_blocks(data)
    try:
        head = _heads.decode(next(plain, b""))
        records = [record for block in plain for record in _records.decode(block)]
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise TapeInvalid(f"a block holds something else than a recording: {error}") from error
    told = [record for record in records if not isinstance(record, _Missing)]
    noted = sorted(told, key=lambda record: record.asked_us)
    return Recording(
        head,
        tuple(Exchange(each.asked_us, each.took_us, each.question, each.answer, each.trouble) for each in noted),
        sum(record.count for record in records if isinstance(record, _Missing)),
        next((record.asked_us for record in noted if isinstance(record, _Noted)), 0),
    )


def joined(parts: Iterable[bytes]) -> bytes:
    """One recording of several, which are checked; raises TapeInvalid. The first one's head is kept."""
    whole = bytearray()
    for part in parts:
        first_end = _blocks(part)[0][1]
        whole += part[first_end:] if whole else part
    return bytes(whole)


def _block(plain: bytes | bytearray) -> bytes:
    frame = zstandard.ZstdCompressor(level=3).compress(plain)
    return _FRAME.pack(len(frame), zlib.crc32(frame)) + frame


def _blocks(data: bytes) -> list[tuple[int, int]]:
    """Where each frame begins and ends; raises TapeInvalid."""
    if not data.startswith(MAGIC) or len(data) <= len(MAGIC):
        raise TapeInvalid("this is no recording of millstream")
    if data[len(MAGIC)] != VERSION:
        raise TapeInvalid(f"recording of version {data[len(MAGIC)]}; this program reads version {VERSION}")
    found: list[tuple[int, int]] = []
    at = len(START)
    while at < len(data):
        if len(data) < at + _FRAME.size:
            raise TapeInvalid("the recording is cut off")
        length, crc = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        if length > MAX_BLOCK_BYTES or len(data) < at + length:
            raise TapeInvalid("the recording is cut off, or a length in it is wrong")
        if zlib.crc32(data[at : at + length]) != crc:
            raise TapeInvalid("the recording is damaged: a checksum is wrong")
        found.append((at, at + length))
        at += length
    if not found:
        raise TapeInvalid("the recording is cut off")
    return found


def _plain_blocks(data: bytes) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor()
    for start, end in _blocks(data):
        frame = data[start:end]
        try:
            if not 0 <= zstandard.frame_content_size(frame) <= MAX_PLAIN_BYTES:
                raise TapeInvalid(f"a block would be larger than {MAX_PLAIN_BYTES} bytes")
            yield decompressor.decompress(frame, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise TapeInvalid(f"a block cannot be decompressed: {error}") from error
