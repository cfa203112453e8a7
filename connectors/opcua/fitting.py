"""A value that is to be written, as the type that the server holds: nothing is rounded or clipped in silence."""

import json
import struct
from collections.abc import Sequence
from typing import Any, cast

from asyncua import ua

from connectors.errors import PointRejected
from schemas import status
from schemas.sample import Value

_TYPES = ua.VariantType
_WHOLE: dict[ua.VariantType, tuple[int, int]] = {
    _TYPES.SByte: (-(2**7), 2**7 - 1),
    _TYPES.Byte: (0, 2**8 - 1),
    _TYPES.Int16: (-(2**15), 2**15 - 1),
    _TYPES.UInt16: (0, 2**16 - 1),
    _TYPES.Int32: (-(2**31), 2**31 - 1),
    _TYPES.UInt32: (0, 2**32 - 1),
    _TYPES.Int64: (-(2**63), 2**63 - 1),
    _TYPES.UInt64: (0, 2**64 - 1),
}
_LAYOUTS = {
    _TYPES.Boolean: "<?",
    _TYPES.SByte: "<b",
    _TYPES.Byte: "<B",
    _TYPES.Int16: "<h",
    _TYPES.UInt16: "<H",
    _TYPES.Int32: "<i",
    _TYPES.UInt32: "<I",
    _TYPES.Int64: "<q",
    _TYPES.UInt64: "<Q",
    _TYPES.Float: "<f",
    _TYPES.Double: "<d",
}


def fitted(point: int, kind: Any, value: Any) -> Value:
    """The value as this built-in type; raises PointRejected."""
    if kind == _TYPES.Boolean and isinstance(value, bool):
        return value
    if kind in _WHOLE and isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
        low, high = _WHOLE[kind]
        if low <= value <= high:
            return int(value)
        raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{value} is not between {low} and {high}")
    if kind in (_TYPES.Float, _TYPES.Double) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind == _TYPES.String and isinstance(value, str):
        return value
    raise PointRejected(point, status.BAD_TYPE_MISMATCH, f"{value!r} cannot be written as {kind.name}")


def fitted_list(point: int, kind: Any, value: Value, count: int | None = None) -> list[Value]:
    """The elements of a JSON list; raises PointRejected, also where there are not as many as the server has."""
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, list):
        raise PointRejected(point, status.BAD_TYPE_MISMATCH, f"{value!r} is not a JSON list such as [1, 2, 3]")
    elements = cast("Sequence[Any]", found)
    if count is not None and len(elements) != count:
        raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{len(elements)} elements; the server has {count} there")
    return [fitted(point, kind, each) for each in elements]


def as_bytes(point: int, kind: Any, value: Value) -> bytes:
    """The value as OPC UA lays this type out (Part 6, 5.2.2); raises PointRejected."""
    content = fitted(point, kind, value)
    if kind == _TYPES.String:
        text = str(content).encode()
        return struct.pack("<i", len(text)) + text
    try:
        return struct.pack(_LAYOUTS[kind], content)
    except (struct.error, OverflowError) as error:
        raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{value!r} cannot be written as {kind.name}") from error


def number_of(point: int, words: Any, value: Value) -> Value:
    """The number that an enumeration's word stands for, or that its digits are; raises PointRejected."""
    if not isinstance(value, str):
        return value
    for number, word in words.items():
        if value == word:
            return int(number)
    if value.lstrip("-").isdecimal():
        return int(value)
    allowed = ", ".join(words.values()) or "numbers, for the server tells no words"
    raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{value!r} is none of its words; allowed: {allowed}")
