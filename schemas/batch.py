"""Batch v1: the door through which everyone encodes and decodes batches."""

from schemas.batch_binary import encode_binary, unpack_binary
from schemas.batch_json import encode_json, json_header, unpack_json
from schemas.columns import Column, PackedColumn, unpack_column
from schemas.content import Batch, Gap, GapReason, PackedBatch, dictionary_hash
from schemas.errors import BatchInvalid, BatchTooLarge, BodyInvalid, HeaderInvalid, VersionUnknown
from schemas.framing import HEADER_BYTES, split_header
from schemas.header import Header
from schemas.limits import MAX_BODY_BYTES, MAX_SAMPLES, MAX_TEXT_BYTES, MAX_WIRE_BYTES

__all__ = [
    "HEADER_BYTES",
    "MAX_BODY_BYTES",
    "MAX_SAMPLES",
    "MAX_TEXT_BYTES",
    "MAX_WIRE_BYTES",
    "Batch",
    "BatchInvalid",
    "BatchTooLarge",
    "BodyInvalid",
    "Column",
    "Gap",
    "GapReason",
    "Header",
    "HeaderInvalid",
    "PackedBatch",
    "PackedColumn",
    "VersionUnknown",
    "decode",
    "dictionary_hash",
    "encode",
    "encode_json",
    "read_header",
    "unpack",
]


def encode(batch: Batch) -> bytes:
    """Return the binary form; BatchInvalid and BatchTooLarge name the field, the value and what is allowed."""
    return encode_binary(batch)


def read_header(payload: bytes) -> Header:
    """Read who numbered a batch and its number, in either form; HeaderInvalid when nobody can be answered."""
    return json_header(payload) if _is_json(payload) else split_header(payload)


def unpack(payload: bytes) -> PackedBatch:
    """Read either form with its columns left packed; HeaderInvalid, BodyInvalid or VersionUnknown."""
    return unpack_json(payload) if _is_json(payload) else unpack_binary(payload)


def decode(payload: bytes) -> Batch:
    """Read either form into plain columns; HeaderInvalid, BodyInvalid or VersionUnknown."""
    packed = unpack(payload)
    try:
        columns = tuple(_checked_column(packed, column) for column in packed.columns)
    except ValueError as error:
        raise BodyInvalid("content_invalid", packed.header, str(error)) from error
    return Batch(
        agent=packed.agent,
        epoch=packed.epoch,
        seq=packed.seq,
        base_us=packed.base_us,
        tags=packed.tags,
        dictionary=packed.dictionary,
        columns=columns,
        until=packed.until,
        gaps=packed.gaps,
    )


def _is_json(payload: bytes) -> bool:
    return payload[:1] == b"{"


def _checked_column(packed: PackedBatch, packed_column: PackedColumn) -> Column:
    column = unpack_column(packed_column, packed.base_us)
    if packed.tags is not None and column.tags and max(column.tags) >= len(packed.tags):
        allowed = f"an index below the {len(packed.tags)} tags is"
        raise BatchInvalid(f"column {column.kind}.i", max(column.tags), allowed)
    return column
