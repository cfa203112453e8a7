"""From the bytes of one answer to values: types, byte orders, bits, BCD and strings, compiled once a block (pure)."""

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from operator import itemgetter
from typing import Any

from schemas.sample import Kind, Value


class WordType(StrEnum):
    """How the registers of a point make a value."""

    BOOL = "bool"
    INT8_HIGH = "int8_high"
    INT8_LOW = "int8_low"
    UINT8_HIGH = "uint8_high"
    UINT8_LOW = "uint8_low"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BCD16 = "bcd16"
    BCD32 = "bcd32"
    BCD64 = "bcd64"
    STRING = "string"


class Encoding(StrEnum):
    """The character set of a string."""

    ASCII = "ascii"
    LATIN_1 = "latin-1"
    UTF_8 = "utf-8"
    GB18030 = "gb18030"


@dataclass(frozen=True, slots=True)
class Layout:
    """A type's registers, the struct code of its bytes once they are in big-endian order, and its kind."""

    registers: int
    code: str
    kind: Kind


LAYOUTS: Mapping[WordType, Layout] = {
    WordType.BOOL: Layout(1, "B", Kind.BOOL),
    WordType.INT8_HIGH: Layout(1, "b", Kind.I64),
    WordType.INT8_LOW: Layout(1, "b", Kind.I64),
    WordType.UINT8_HIGH: Layout(1, "B", Kind.U64),
    WordType.UINT8_LOW: Layout(1, "B", Kind.U64),
    WordType.INT16: Layout(1, "h", Kind.I64),
    WordType.UINT16: Layout(1, "H", Kind.U64),
    WordType.INT32: Layout(2, "i", Kind.I64),
    WordType.UINT32: Layout(2, "I", Kind.U64),
    WordType.INT64: Layout(4, "q", Kind.I64),
    WordType.UINT64: Layout(4, "Q", Kind.U64),
    WordType.FLOAT16: Layout(1, "e", Kind.F32),
    WordType.FLOAT32: Layout(2, "f", Kind.F32),
    WordType.FLOAT64: Layout(4, "d", Kind.F64),
    WordType.BCD16: Layout(1, "2s", Kind.U64),
    WordType.BCD32: Layout(2, "4s", Kind.U64),
    WordType.BCD64: Layout(4, "8s", Kind.U64),
}
"""All types of a fixed width; a string's width is its `length`."""

ORDERS: Mapping[int, Mapping[str, str]] = {
    1: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA", "AB": "AB", "BA": "BA"},
    2: {order: order for order in ("ABCD", "CDAB", "BADC", "DCBA")},
    4: {
        "ABCD": "ABCDEFGH",
        "CDAB": "GHEFCDAB",
        "BADC": "BADCFEHG",
        "DCBA": "HGFEDCBA",
        **{
            order: order
            for order in (
                "ABCDEFGH",
                "GHEFCDAB",
                "BADCFEHG",
                "HGFEDCBA",
                "EFGHABCD",
                "CDABGHEF",
                "DCBAHGFE",
                "FEHGBADC",
            )
        },
    },
}
"""By registers: what an order's name means there; letters in the sequence of the wire, A the most significant byte."""

TEXT_ORDERS = ("AB", "BA", "A", "B")
"""Strings: two characters a register, high or low byte first, or one character in the high or the low byte."""


@dataclass(frozen=True, slots=True)
class WordField:
    """One value in the registers of its point: its type, order, and what else the type asks for."""

    type: WordType
    order: str
    length: int = 0
    bit: int = 0
    encoding: Encoding = Encoding.UTF_8
    bits: int = 0
    """How many bits from `bit` on make a number; 0 where it is not a part of a register."""
    count: int = 0
    """How many elements make an array; 0 where it is not one."""

    @property
    def registers(self) -> int:
        """How many registers it takes."""
        return (self.count or 1) * (self.length if self.type is WordType.STRING else LAYOUTS[self.type].registers)

    @property
    def kind(self) -> Kind:
        """The kind of its value."""
        if self.count:
            return Kind.JSON
        if self.bits:
            return Kind.U64
        return Kind.STR if self.type is WordType.STRING else LAYOUTS[self.type].kind


@dataclass(frozen=True, slots=True)
class Decoder:
    """Takes the values of one block out of an answer, in the order of its fields."""

    kinds: tuple[Kind, ...]
    unpack: Callable[[bytes], Sequence[Value]]
    finishers: tuple[tuple[int, Callable[[Any], Value]], ...] = ()

    def values(self, data: bytes) -> Sequence[Value]:
        """The values in `data`; None where the bytes make no value of the type."""
        raw = self.unpack(data)
        if not self.finishers:
            return raw
        values = list(raw)
        for position, finish in self.finishers:
            values[position] = finish(values[position])
        return values


def register_decoder(fields: Sequence[tuple[int, WordField]]) -> Decoder:
    """Compile a decoder for fields at register offsets of one block; they may overlap and leave gaps."""
    wanted = tuple(2 * offset + byte for offset, field in fields for byte in byte_positions(field))
    record = struct.Struct(">" + "".join(_code(field) for _, field in fields))
    finishers = ((index, _finisher(field)) for index, (_, field) in enumerate(fields))
    return Decoder(
        kinds=tuple(field.kind for _, field in fields),
        unpack=_picked(record, wanted),
        finishers=tuple((index, finish) for index, finish in finishers if finish is not None),
    )


def bit_decoder(offsets: Sequence[int], counts: Sequence[int] = ()) -> Decoder:
    """Compile a decoder for coils or discrete inputs at these offsets of one block; a count makes an array."""
    if any(counts):
        return _bit_array_decoder(tuple(zip(offsets, counts, strict=True)))
    kinds = (Kind.BOOL,) * len(offsets)
    if len(offsets) == 1:
        byte, bit = divmod(offsets[0], 8)
        return Decoder(kinds, lambda data: (_BITS[data[byte]][bit],))
    pick = itemgetter(*offsets)
    return Decoder(kinds, lambda data: pick(list(chain.from_iterable(map(_BITS.__getitem__, data)))))


def _bit_array_decoder(places: Sequence[tuple[int, int]]) -> Decoder:
    def unpack(data: bytes) -> Sequence[Value]:
        bits = list(chain.from_iterable(map(_BITS.__getitem__, data)))
        return [json.dumps(bits[at : at + count]) if count else bits[at] for at, count in places]

    return Decoder(tuple(Kind.JSON if count else Kind.BOOL for _, count in places), unpack)


def byte_positions(field: WordField) -> tuple[int, ...]:
    """Where a field's bytes lie among those of its registers, the most significant (or first) one first."""
    if field.count:
        return tuple(range(2 * field.registers))
    if field.type is WordType.STRING:
        return _TEXT_POSITIONS[field.order](field.length)
    order = ORDERS[field.registers][field.order]
    places = tuple(order.index(letter) for letter in sorted(order))
    if field.type in (WordType.INT8_HIGH, WordType.UINT8_HIGH):
        return places[:1]
    if field.type in (WordType.INT8_LOW, WordType.UINT8_LOW):
        return places[1:]
    if field.type is WordType.BOOL:
        return places[:1] if field.bit > 7 else places[1:]
    return places


_BITS = tuple(tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256))
_TEXT_POSITIONS: Mapping[str, Callable[[int], tuple[int, ...]]] = {
    "AB": lambda length: tuple(range(2 * length)),
    "BA": lambda length: tuple(byte ^ 1 for byte in range(2 * length)),
    "A": lambda length: tuple(range(0, 2 * length, 2)),
    "B": lambda length: tuple(range(1, 2 * length, 2)),
}


def _code(field: WordField) -> str:
    if field.type is WordType.STRING or field.count:
        return f"{len(byte_positions(field))}s"
    return LAYOUTS[field.type].code


def _picked(record: struct.Struct, wanted: tuple[int, ...]) -> Callable[[bytes], Sequence[Value]]:
    """Bring the bytes into order, then unpack them all at once: no dispatch by tag, whatever the orders are."""
    unpack = record.unpack
    first = wanted[0]
    if wanted == tuple(range(first, first + len(wanted))):
        unpack_from = record.unpack_from
        return lambda data: unpack_from(data, first)
    pick = itemgetter(*wanted)
    return lambda data: unpack(bytes(pick(data)))


def _finisher(field: WordField) -> Callable[[Any], Value] | None:
    if field.count:
        return _array(field)
    if field.bits:
        shift, mask = field.bit, (1 << field.bits) - 1
        return lambda word: word >> shift & mask
    if field.type is WordType.BOOL:
        mask = 1 << (field.bit & 7)
        return lambda byte: bool(byte & mask)
    if field.type is WordType.STRING:
        encoding = field.encoding.value
        return lambda raw: _text(raw, encoding)
    if field.type in (WordType.BCD16, WordType.BCD32, WordType.BCD64):
        return _bcd
    return None


def _array(field: WordField) -> Callable[[bytes], Value]:
    """Elements as one JSON value; an element that its bytes do not make is null."""
    element = replace(field, count=0)
    decoder = register_decoder([(index * element.registers, element) for index in range(field.count)])
    return lambda raw: json.dumps([_json_value(value) for value in decoder.values(raw)], ensure_ascii=False)


def _json_value(value: Value) -> Value:
    """JSON has no numbers that are not finite: they travel as the texts that the history's API uses."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(raw: bytes, encoding: str) -> str | None:
    """Characters up to the first NUL; None where they are not of that character set."""
    try:
        return raw.partition(b"\0")[0].decode(encoding)
    except UnicodeDecodeError:
        return None


def _bcd(raw: bytes) -> int | None:
    """Binary-coded decimal; None where a digit is above 9."""
    digits = raw.hex()
    return int(digits) if digits.isdecimal() else None
