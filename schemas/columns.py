"""Columns of samples, and their packed form: differences to the predecessor, byte-shuffled, little-endian."""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import sub

from schemas.errors import BatchInvalid, BatchTooLarge
from schemas.limits import MAX_TEXT_BYTES
from schemas.sample import Kind, Value
from schemas.status import MAX_STATUS

TAG_WIDTH = 4
TIME_WIDTH = 8
STATUS_WIDTH = 4
VALUE_WIDTHS = {Kind.F64: 8, Kind.F32: 4, Kind.I64: 8, Kind.U64: 8, Kind.BOOL: 1}
TEXT_KINDS = frozenset({Kind.STR, Kind.JSON})
MIN_TIME_US, MAX_TIME_US = -(2**63), 2**63 - 1
_TYPECODES = {Kind.F64: "d", Kind.F32: "f", Kind.I64: "q", Kind.U64: "Q"}
_ALLOWED = {
    Kind.F64: "a number is",
    Kind.F32: "a number within 32-bit float range is",
    Kind.I64: "an integer from -2^63 to 2^63-1 is",
    Kind.U64: "an integer from 0 to 2^64-1 is",
    Kind.BOOL: "true or false is",
    Kind.STR: "a string is",
    Kind.JSON: "a string of JSON is",
}
_TIME_SPAN = 2**64
_STATUS_RANGE = range(MAX_STATUS + 1)


@dataclass(frozen=True, slots=True)
class Column:
    """Samples of one kind: tag indices, absolute times, statuses (None: all Good), values (None for kind `none`)."""

    kind: Kind
    tags: Sequence[int]
    times_us: Sequence[int]
    statuses: Sequence[int] | None
    values: Sequence[Value] | None


@dataclass(frozen=True, slots=True)
class PackedColumn:
    """A column as the wire has it: lengths verified, still shuffled and delta coded; indices and times unchecked."""

    kind: Kind
    count: int
    tag_bytes: bytes
    time_bytes: bytes
    status_bytes: bytes | None
    value_bytes: bytes | None
    texts: list[str] | None


def pack_column(column: Column, base_us: int, tag_limit: int) -> PackedColumn:
    """Pack one column; tag indices must be below the limit."""
    _check_lengths(column)
    statuses = column.statuses
    has_text = column.kind in TEXT_KINDS
    return PackedColumn(
        kind=column.kind,
        count=len(column.tags),
        tag_bytes=_pack_tags(column, tag_limit),
        time_bytes=_pack_times(column, base_us),
        status_bytes=_pack_statuses(column.kind, statuses) if statuses is not None and any(statuses) else None,
        value_bytes=None if has_text or column.values is None else _pack_values(column.kind, column.values),
        texts=_checked_texts(column.kind, column.values) if has_text and column.values is not None else None,
    )


def unpack_column(packed: PackedColumn, base_us: int) -> Column:
    """Restore indices, absolute times, statuses and values."""
    tags = list(accumulate(_unshuffle(packed.tag_bytes, "i")))
    if tags and min(tags) < 0:
        raise ValueError(f"column {packed.kind}: tag index {min(tags)} is negative")
    statuses = None if packed.status_bytes is None else _unshuffle(packed.status_bytes, "I").tolist()
    return Column(packed.kind, tags, _unpack_times(packed.time_bytes, base_us), statuses, _unpack_values(packed))


def shuffle(plain: bytes, width: int) -> bytes:
    """Put byte 0 of every element first, then byte 1 of every element, and so on."""
    return plain if width == 1 else b"".join([plain[offset::width] for offset in range(width)])


def unshuffle(shuffled: bytes, width: int) -> bytes:
    """Undo `shuffle`."""
    if width == 1:
        return shuffled
    count = len(shuffled) // width
    plain = bytearray(len(shuffled))
    for offset in range(width):
        plain[offset::width] = shuffled[offset * count : (offset + 1) * count]
    return bytes(plain)


def _check_lengths(column: Column) -> None:
    count = len(column.tags)
    for field, cells in (("t", column.times_us), ("s", column.statuses), ("x", column.values)):
        if cells is not None and len(cells) != count:
            raise BatchInvalid(f"column {column.kind}.{field}", len(cells), f"{count} entries, one a sample, are")
    if (column.values is None) != (column.kind is Kind.NONE):
        raise BatchInvalid(
            f"column {column.kind}.x", column.values, "values in every kind but none, and none there, are"
        )


def _pack_tags(column: Column, tag_limit: int) -> bytes:
    tags = column.tags
    if not tags:
        return b""
    try:
        lowest, highest = min(tags), max(tags)
        if lowest < 0 or highest >= tag_limit:
            wrong = lowest if lowest < 0 else highest
            raise BatchInvalid(f"column {column.kind}.i", wrong, f"an index from 0 to {tag_limit - 1} is")
        return _shuffled(array("i", map(sub, tags, chain((0,), tags))))
    except TypeError as error:
        raise BatchInvalid(f"column {column.kind}.i", _not_an_int(tags), "an integer is") from error


def _pack_times(column: Column, base_us: int) -> bytes:
    times = column.times_us
    try:
        return _shuffled(array("q", map(sub, times, chain((base_us,), times))))
    except TypeError as error:
        raise BatchInvalid(f"column {column.kind}.t", _not_an_int(times), "whole microseconds are") from error
    except OverflowError as error:
        if min(times) < MIN_TIME_US or max(times) > MAX_TIME_US:
            wrong = (min(times), max(times))
            raise BatchInvalid(f"column {column.kind}.t", wrong, "64-bit microseconds since 1970 are") from error
        return _shuffled(array("q", map(_wrapped, map(sub, times, chain((base_us,), times)))))


def _wrapped(difference: int) -> int:
    """Bring a number into 64 bits: the wire's arithmetic is modulo 2^64, as every fixed-width decoder does it."""
    return (difference - MIN_TIME_US) % _TIME_SPAN + MIN_TIME_US


def _pack_statuses(kind: Kind, statuses: Sequence[int]) -> bytes:
    try:
        return _shuffled(array("I", statuses))
    except (TypeError, OverflowError) as error:
        wrong = next(status for status in statuses if status not in _STATUS_RANGE)
        raise BatchInvalid(f"column {kind}.s", wrong, "a StatusCode from 0 to 2^32-1 is") from error


def _pack_values(kind: Kind, values: Sequence[Value]) -> bytes:
    try:
        return _packed_values(kind, values)
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        position, wrong = next((at, value) for at, value in enumerate(values) if not _is_packable(kind, value))
        raise BatchInvalid(f"column {kind}.x[{position}]", wrong, _ALLOWED[kind]) from error


def _packed_values(kind: Kind, values: Sequence[Value]) -> bytes:
    match kind:
        case Kind.BOOL:
            packed = bytes(values)  # pyright: ignore[reportArgumentType] # wrong elements raise TypeError
            if packed.translate(None, b"\0\1"):
                raise ValueError("neither true nor false")
            return packed
        case Kind.F32:
            # struct refuses what does not fit; array("f") would make an infinity of it.
            return shuffle(struct.pack(f"<{len(values)}f", *values), 4)
        case _:
            return _shuffled(array(_TYPECODES[kind], values))  # pyright: ignore[reportArgumentType, reportCallIssue] # as above


def _is_packable(kind: Kind, value: Value) -> bool:
    try:
        _packed_values(kind, (value,))
    except (TypeError, ValueError, OverflowError, struct.error):
        return False
    return True


def _checked_texts(kind: Kind, values: Sequence[Value]) -> list[str]:
    texts: list[str] = []
    for position, text in enumerate(values):
        if not isinstance(text, str):
            raise BatchInvalid(f"column {kind}.x[{position}]", text, _ALLOWED[kind])
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise BatchInvalid(f"column {kind}.x[{position}]", text, "a string without lone surrogates is") from error
        if size > MAX_TEXT_BYTES:
            raise BatchTooLarge(f"column {kind}.x[{position}]", size, MAX_TEXT_BYTES)
        texts.append(text)
    return texts


def _not_an_int(cells: Iterable[object]) -> object:
    return next((cell for cell in cells if not isinstance(cell, int)), None)


def _shuffled(cells: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        cells.byteswap()
    return shuffle(cells.tobytes(), cells.itemsize)


def _unshuffle(shuffled: bytes, typecode: str) -> "array[int]":
    cells: array[int] = array(typecode)
    cells.frombytes(unshuffle(shuffled, cells.itemsize))
    if sys.byteorder == "big":
        cells.byteswap()
    return cells


def _unpack_times(time_bytes: bytes, base_us: int) -> list[int]:
    times = list(accumulate(_unshuffle(time_bytes, "q"), initial=base_us))[1:]
    if times and (min(times) < MIN_TIME_US or max(times) > MAX_TIME_US):
        return list(map(_wrapped, times))
    return times


def _unpack_values(packed: PackedColumn) -> Sequence[Value] | None:
    if packed.value_bytes is None:
        return packed.texts
    if packed.kind is Kind.BOOL:
        return [byte == 1 for byte in packed.value_bytes]
    return _unshuffle(packed.value_bytes, _TYPECODES[packed.kind]).tolist()
