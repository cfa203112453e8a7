"""How one change lies in the bytes of a message, told from its mask and its type (pure)."""

import importlib.util
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.sample import Kind

# Part 6, 5.2.2.17: the bits of a DataValue's mask.
VALUE, STATUS, SOURCE, SERVER, _SOURCE_PICOSECONDS, _SERVER_PICOSECONDS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
KNOWN_BITS = 0x3F
PARTS = (
    (STATUS, "I"),
    (SOURCE, "q"),
    (_SOURCE_PICOSECONDS, "xx"),
    (SERVER, "q"),
    (_SERVER_PICOSECONDS, "xx"),
)
"""What follows a value, in the order of the standard; asyncua's decoder takes both times before the picoseconds."""

_SCALARS: dict[int, tuple[str, Kind]] = {
    1: ("?", Kind.BOOL),
    2: ("b", Kind.I64),
    3: ("B", Kind.U64),
    4: ("h", Kind.I64),
    5: ("H", Kind.U64),
    6: ("i", Kind.I64),
    7: ("I", Kind.U64),
    8: ("q", Kind.I64),
    9: ("Q", Kind.U64),
    10: ("f", Kind.F32),
    11: ("d", Kind.F64),
    19: ("I", Kind.U64),  # StatusCode
}
_TICKS_A_MICROSECOND = 10
_UNIX_EPOCH_US = 11_644_473_600_000_000  # since 1601, where OPC UA begins to count


@dataclass(frozen=True, slots=True)
class Layout:
    """One mask with one type: handle, shape, value, then status, source time and server time where they are."""

    shape: int
    kind: Kind
    code: str
    row: struct.Struct
    columns: int
    status_at: int = -1
    source_at: int = -1
    server_at: int = -1


@cache
def layout_of(shape: int) -> Layout | None:
    """The layout for mask (low byte) and type (high byte); None where the value is no plain number."""
    mask, scalar = shape & 0xFF, _SCALARS.get(shape >> 8)
    if scalar is None or not mask & VALUE or mask & ~KNOWN_BITS:
        return None
    code = f"IH{scalar[0]}"
    places: dict[int, int] = {}
    for bit, part in PARTS:
        if mask & bit:
            code += part
            if part != "xx":
                places[bit] = 3 + len(places)
    row = struct.Struct(f"<{code}")
    at = [places.get(bit, -1) for bit in (STATUS, SOURCE, SERVER)]
    return Layout(shape, scalar[1], code, row, 3 + len(places), *at)


@cache
def has_numpy() -> bool:
    """Whether it is installed; it is loaded only where this is asked, for it takes memory that a gateway may lack."""
    return importlib.util.find_spec("numpy") is not None


def us_of_ticks(ticks: Sequence[int]) -> list[int]:
    """Microseconds since the Unix epoch; a null becomes a time that no clock can show."""
    return [each // _TICKS_A_MICROSECOND - _UNIX_EPOCH_US for each in ticks]


def view_columns(layout: Layout, data: bytes, offset: int, count: int) -> list[Any] | None:
    """The columns of changes that all have this layout, times in microseconds; None if one has another."""
    import numpy

    view: Any = numpy.frombuffer(data, _dtype(layout.code), count, offset)
    if not (view["1"] == layout.shape).all():
        return None
    columns: list[Any] = []
    for at in range(layout.columns):
        column = view[str(at)]
        if at in (layout.source_at, layout.server_at):
            column = column // _TICKS_A_MICROSECOND - _UNIX_EPOCH_US
        elif at == 2 and layout.kind is Kind.BOOL:
            column = column != 0
        columns.append(column.tolist())
    return columns


@cache
def _dtype(code: str) -> Any:
    import numpy

    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    offset = 0
    for character in code:
        if character != "x":
            names.append(str(len(names)))
            formats.append("u1" if character == "?" else f"<{numpy.dtype(character).str[1:]}")
            offsets.append(offset)
        offset += struct.calcsize(f"<{character}")
    return numpy.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": offset})
