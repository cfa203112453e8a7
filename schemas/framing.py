"""Header and body of a batch: joined for the wire, and split so that a batch can be answered whatever its body is."""

import struct
import zlib

from schemas.errors import BodyInvalid, HeaderInvalid, VersionUnknown
from schemas.header import FLAG_ZSTD, Header
from schemas.limits import MAX_SEQ, MAX_WIRE_BYTES

MAGIC = b"MS1"
_LAYOUT = struct.Struct("<3sB16sQII")
HEADER_BYTES = _LAYOUT.size


def join_header(flags: int, epoch: bytes, seq: int, body: bytes) -> bytes:
    """Return the published form: header, then body."""
    return _LAYOUT.pack(MAGIC, flags, epoch, seq, len(body), zlib.crc32(body)) + body


def split_header(payload: bytes) -> Header:
    """Read the header; the body behind it may still be anything."""
    if payload[: len(MAGIC)] != MAGIC:
        raise HeaderInvalid("magic_unknown", f"a batch starts with MS1 or a JSON object, not with {payload[:3]!r}")
    if len(payload) < HEADER_BYTES:
        raise HeaderInvalid("header_short", f"{len(payload)} bytes; the header alone has {HEADER_BYTES}")
    _, flags, epoch, seq, body_bytes, crc = _LAYOUT.unpack_from(payload)
    check_seq(seq)
    return Header(flags, epoch, seq, body_bytes, crc)


def check_seq(seq: int) -> None:
    """Refuse a number that a ledger cannot hold."""
    if not 1 <= seq <= MAX_SEQ:
        raise HeaderInvalid("seq_range", f"seq {seq}; batches are numbered 1 .. {MAX_SEQ}")


def verified_body(payload: bytes, header: Header) -> memoryview:
    """Return the body as it was sent, its length and checksum verified."""
    if len(payload) > MAX_WIRE_BYTES:
        raise BodyInvalid("wire_too_large", header, f"{len(payload)} bytes; at most {MAX_WIRE_BYTES} on the wire")
    body = memoryview(payload)[HEADER_BYTES:]
    if len(body) != header.body_bytes:
        raise BodyInvalid("length_mismatch", header, f"header says {header.body_bytes} bytes, {len(body)} came")
    if zlib.crc32(body) != header.crc:
        raise BodyInvalid("crc_mismatch", header, "the body is not the one its CRC-32 was made of")
    if header.flags & ~FLAG_ZSTD:
        raise VersionUnknown(header, f"flags 0x{header.flags:02x} are of a later protocol; v1 knows 0x{FLAG_ZSTD:02x}")
    return body
