"""From a value to the bytes of a write: the exact inverse of decode (pure)."""

import struct

from connectors.modbus.decode import LAYOUTS, WordField, WordType, byte_positions
from schemas.sample import Kind, Value

WHOLE = 0xFFFF
"""The mask of a field that owns all bits of its registers."""

_BCD = (WordType.BCD16, WordType.BCD32, WordType.BCD64)

_PARTS = (WordType.BOOL, WordType.INT8_HIGH, WordType.INT8_LOW, WordType.UINT8_HIGH, WordType.UINT8_LOW)


def encode(field: WordField, value: Value) -> bytes:
    """The registers that hold `value`; raises ValueError, saying what is allowed, where they cannot."""
    if field.count:
        raise ValueError("an array cannot be written as a whole; allowed: its elements, as tags of their own")
    content = _content(field, value)
    registers = bytearray(2 * field.registers)
    for position, byte in zip(byte_positions(field), content, strict=True):
        registers[position] = byte
    return bytes(registers)


def mask(field: WordField) -> int:
    """The bits of a register that belong to the field: all of them, one half, or one bit."""
    if field.bits:
        share = (1 << field.bits) - 1 << field.bit
        return share if byte_positions(field) == (0, 1) else share << 8 & WHOLE | share >> 8
    if field.type not in _PARTS:
        return WHOLE
    places = byte_positions(field)
    share = 1 << (field.bit & 7) if field.type is WordType.BOOL else 0xFF
    return sum(share << (8 if place == 0 else 0) for place in places)


def _content(field: WordField, value: Value) -> bytes:
    if field.type is WordType.STRING:
        return _text(field, value)
    if field.type is WordType.BOOL:
        if not isinstance(value, bool):
            raise ValueError(f"{value!r} is not a boolean; allowed: true or false")
        return bytes([int(value) << (field.bit & 7)])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number; type {field.type} takes numbers")  # noqa: TRY004 (one refusal)
    if field.bits:
        return _some_bits(field, value)
    if field.type in _BCD:
        return _bcd(field, value)
    return _number(field, value)


def _number(field: WordField, value: float) -> bytes:
    layout = LAYOUTS[field.type]
    if layout.kind in (Kind.I64, Kind.U64) and not isinstance(value, int):
        raise ValueError(f"{value!r} is not a whole number; type {field.type} takes whole numbers")
    try:
        return struct.pack(">" + layout.code, value)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value!r} does not fit type {field.type}") from error


def _some_bits(field: WordField, value: float) -> bytes:
    most = (1 << field.bits) - 1
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} does not fit {field.bits} bits; allowed: whole numbers from 0 to {most}")
    return (value << field.bit).to_bytes(2, "big")


def _bcd(field: WordField, value: float) -> bytes:
    digits = 4 * field.registers
    if not isinstance(value, int) or not 0 <= value < 10**digits:
        raise ValueError(f"{value!r} does not fit type {field.type}; allowed: whole numbers of up to {digits} digits")
    return bytes.fromhex(f"{value:0{digits}d}")


def _text(field: WordField, value: Value) -> bytes:
    room = len(byte_positions(field))
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{value!r} is not a text without NUL; type string takes texts")
    try:
        raw = value.encode(field.encoding.value)
    except UnicodeEncodeError as error:
        raise ValueError(f"{value!r} has a character that {field.encoding} lacks") from error
    if len(raw) > room:
        raise ValueError(f"{value!r} takes {len(raw)} bytes; allowed: up to {room}")
    return raw.ljust(room, b"\0")
