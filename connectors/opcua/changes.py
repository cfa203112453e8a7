"""Lists of data changes, decoded from the bytes of a message into columns in one pass (pure).

A tree of objects for each change is what costs a client most. Here numbers are read by their layout, which mask and
type byte state and which is verified for each change; for other values the caller says how far they reach.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connectors.opcua.layouts import (
    KNOWN_BITS,
    PARTS,
    SERVER,
    SOURCE,
    STATUS,
    VALUE,
    Layout,
    has_numpy,
    layout_of,
    us_of_ticks,
    view_columns,
)
from schemas.sample import Kind, Value

_INT32 = struct.Struct("<i")
_SHAPE = struct.Struct("<4xH")
_HANDLE_AND_MASK = struct.Struct("<IB")
_MOST_SHAPES = 32
_FEW = 8  # changes for which reading by column gains nothing

Skip = Callable[[bytes, int], tuple[Any, int]]
"""Decodes the variant at an offset; returns it and the offset behind it."""


class NotDecodable(Exception):
    """These bytes are left to asyncua's own decoder."""


@dataclass(slots=True)
class Changes:
    """Changes by column; a column that is None has no entry in any change. A null time is one before 1601."""

    points: Sequence[int]
    kinds: Sequence[Kind]
    values: Sequence[Value]
    statuses: Sequence[int] | None
    source_us: Sequence[int] | None
    server_us: Sequence[int] | None
    odd: dict[int, Any] = field(default_factory=dict[int, Any])
    """By position: variants that are no plain number, to be converted one by one; None where there is no value."""


class ChangeDecoder:
    """Decodes lists of changes and remembers the shapes of those that come again."""

    def __init__(self, skip: Skip, *, with_numpy: bool) -> None:
        self._skip = skip
        self._with_numpy = with_numpy and has_numpy()
        self._shapes: OrderedDict[tuple[int, int], _Shape | None] = OrderedDict()

    def decode(self, data: bytes, offset: int, end: int) -> Changes:
        """The list at an offset, with its diagnostic infos up to `end`; raises NotDecodable."""
        try:
            (count,) = _INT32.unpack_from(data, offset)
            (diagnostics,) = _INT32.unpack_from(data, end - 4)
            if count < 0 or diagnostics > 0 or end - offset < 8:
                raise NotDecodable
            return self._by_column(data, offset + 4, end - 4, count) or self._in_turn(data, offset + 4, end - 4, count)
        except (struct.error, IndexError) as error:
            raise NotDecodable from error

    def _by_column(self, data: bytes, offset: int, end: int, count: int) -> Changes | None:
        if count <= _FEW:
            return None
        layout = layout_of(*_SHAPE.unpack_from(data, offset))
        if layout is not None and layout.row.size * count == end - offset:
            changes = self._uniform(layout, data, offset, count)
            if changes is not None:
                return changes
        shape = self._shapes.get((count, end - offset))
        return None if shape is None else shape.read(data, offset)

    def _uniform(self, layout: Layout, data: bytes, offset: int, count: int) -> Changes | None:
        if self._with_numpy:
            columns = view_columns(layout, data, offset, count)
            if columns is None:
                return None
            source, server = _column(columns, layout.source_at), _column(columns, layout.server_at)
        else:
            rows = layout.row.iter_unpack(data[offset : offset + layout.row.size * count])
            columns = list(zip(*rows, strict=True))
            if columns[1].count(layout.shape) != count:
                return None
            source, server = _times(_column(columns, layout.source_at)), _times(_column(columns, layout.server_at))
        kinds = [layout.kind] * count
        return Changes(columns[0], kinds, columns[2], _column(columns, layout.status_at), source, server)

    def _in_turn(self, data: bytes, offset: int, end: int, count: int) -> Changes:
        size = end - offset
        rows: list[tuple[Any, ...]] = []
        layouts: list[Layout] = []
        odd: dict[int, Any] = {}
        shape_at = _SHAPE.unpack_from
        for position in range(count):
            layout = layout_of(*shape_at(data, offset))
            if layout is None:
                layout = _ODD
                row, offset, odd[position] = self._odd(data, offset)
            else:
                parts = (*layout.row.unpack_from(data, offset), 0)
                offset += layout.row.size
                row = (parts[0], parts[2], parts[layout.status_at], parts[layout.source_at], parts[layout.server_at])
            rows.append(row)
            layouts.append(layout)
        if offset != end:
            raise NotDecodable
        if count > _FEW and not odd:
            self._remember((count, size), layouts)
        points, values, statuses, source, server = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        kinds = [layout.kind for layout in layouts]
        return Changes(points, kinds, values, statuses, us_of_ticks(source), us_of_ticks(server), odd)

    def _odd(self, data: bytes, offset: int) -> tuple[tuple[Any, ...], int, Any]:
        """A change whose value is no plain number, or that has none."""
        point, mask = _HANDLE_AND_MASK.unpack_from(data, offset)
        if mask & ~KNOWN_BITS:
            raise NotDecodable
        offset += _HANDLE_AND_MASK.size
        variant = None
        if mask & VALUE:
            variant, offset = self._skip(data, offset)
        parts = {STATUS: 0, SOURCE: 0, SERVER: 0}
        for bit, code in PARTS:
            if mask & bit:
                found = struct.unpack_from(f"<{code}", data, offset)
                offset += struct.calcsize(f"<{code}")
                if found:
                    parts[bit] = found[0]
        return (point, None, parts[STATUS], parts[SOURCE], parts[SERVER]), offset, variant

    def _remember(self, key: tuple[int, int], layouts: Sequence[Layout]) -> None:
        """Reading a shape by column pays when it comes again; the first time only its size is noted."""
        self._shapes[key] = _Shape(layouts) if key in self._shapes else None
        self._shapes.move_to_end(key)
        if len(self._shapes) > _MOST_SHAPES:
            self._shapes.popitem(last=False)


class _Shape:
    """A whole list of changes of several layouts, read by one struct."""

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self._rows = struct.Struct("<" + "".join(layout.code for layout in layouts))
        self._expected = tuple(layout.shape for layout in layouts)
        self._kinds = [layout.kind for layout in layouts]
        firsts = [0]
        for layout in layouts:
            firsts.append(firsts[-1] + layout.columns)
        total = firsts.pop()
        self._points = itemgetter(*firsts)
        self._shapes = itemgetter(*(first + 1 for first in firsts))
        self._values = itemgetter(*(first + 2 for first in firsts))
        self._statuses = _getter(firsts, [layout.status_at for layout in layouts], total)
        self._source = _getter(firsts, [layout.source_at for layout in layouts], total)
        self._server = _getter(firsts, [layout.server_at for layout in layouts], total)

    def read(self, data: bytes, offset: int) -> Changes | None:
        """The changes, if mask and type of each are what they were when this shape was made."""
        parts = self._rows.unpack_from(data, offset)
        if self._shapes(parts) != self._expected:
            return None
        parts += (0,)  # stands for whatever a change does not have
        return Changes(
            self._points(parts),
            self._kinds,
            self._values(parts),
            self._statuses(parts) if self._statuses else None,
            us_of_ticks(self._source(parts)) if self._source else None,
            us_of_ticks(self._server(parts)) if self._server else None,
        )


def _getter(firsts: Sequence[int], at: Sequence[int], nothing: int) -> Callable[[Any], Any] | None:
    if max(at) < 0:
        return None
    return itemgetter(*(nothing if each < 0 else first + each for first, each in zip(firsts, at, strict=True)))


def _column(columns: Sequence[Any], at: int) -> Any:
    return None if at < 0 else columns[at]


def _times(ticks: Sequence[int] | None) -> list[int] | None:
    return None if ticks is None else us_of_ticks(ticks)


_ODD = Layout(0, Kind.NONE, "", struct.Struct(""), 0)
