"""Rows of JSON woven out of columns: texts laid side by side in memory, never an object a row (pure).

A cell of a column is its JSON, and what is written is what msgspec writes of the same rows.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from cloud_api.instants import INSTANT_WIDTH, lay_instants

# Fewer rows cost more calls, more rows more memory.
ROWS = 24_576
# From here on orjson writes 1e+16 where msgspec writes 1e16.
_LARGE = 1e16
_COMMA, _QUOTE = ord(","), ord('"')
# Texts up to this length are copied at once, all as if they had the length of the longest.
_WIDE = 128
# Stands behind texts, so that the last one may be read as if it were longer.
_SLACK = bytes(_WIDE)

# Texts of one width side by side: uint8[rows, width].
Block: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Cells:
    """One text a row, each a piece of `data`."""

    data: NDArray[np.uint8]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.starts)

    def with_texts(self, places: NDArray[np.intp], texts: Sequence[bytes]) -> "Cells":
        """The same, but with other texts in some rows."""
        return self.with_cells(places, text_cells(texts)) if len(places) else self

    @classmethod
    def nothing(cls, size: int) -> "Cells":
        """Empty texts."""
        return cls(np.empty(0, np.uint8), np.zeros(size, np.intp), np.zeros(size, np.intp))

    def take(self, places: NDArray[np.intp]) -> "Cells":
        """Only the rows at these places."""
        return Cells(self.data, self.starts[places], self.lengths[places])

    def slice(self, start: int, stop: int) -> "Cells":
        """Only the rows from one place up to another."""
        return Cells(self.data, self.starts[start:stop], self.lengths[start:stop])

    def joined(self, other: "Cells") -> "Cells":
        """These rows, and behind them those of another."""
        starts = np.concatenate((self.starts, other.starts + len(self.data)))
        return Cells(np.concatenate((self.data, other.data)), starts, np.concatenate((self.lengths, other.lengths)))

    def with_cells(self, places: NDArray[np.intp], cells: "Cells") -> "Cells":
        """The same, but with the texts of others in some rows."""
        starts, lengths = self.starts.copy(), self.lengths.copy()
        starts[places], lengths[places] = cells.starts + len(self.data), cells.lengths
        return Cells(np.concatenate((self.data, cells.data)), starts, lengths)


@dataclass(frozen=True, slots=True)
class Laid:
    """Texts of one width, laid into uint8[rows, any width] from a column on."""

    width: int
    lay: Callable[[NDArray[np.uint8], int], None]


# What is the same in every row stands once.
Woven: TypeAlias = bytes | Laid | Cells
# Makes the texts of some rows, from the first up to the second.
Cut: TypeAlias = Callable[[int, int], Woven]
Part: TypeAlias = bytes | Cut


def weave(parts: Sequence[Part], size: int, between: bytes = b"") -> Generator[memoryview]:
    """Lay the parts of each row side by side, and the rows behind each other; what is bytes stands in every row.

    Pieces that follow each other come out, small enough for their memory to be taken again and again.
    """
    for start in range(0, size, ROWS):
        stop = min(start + ROWS, size)
        cells = [part if isinstance(part, bytes) else part(start, stop) for part in (*parts, between)]
        woven = _woven(cells, stop - start).data
        yield woven if stop < size else woven[: len(woven) - len(between)]


def instant_cells(times_us: NDArray[np.int64]) -> Laid:
    """RFC 3339, as strings."""

    def lay(target: NDArray[np.uint8], at: int) -> None:
        target[:, at] = target[:, at + INSTANT_WIDTH + 1] = _QUOTE
        lay_instants(times_us, target, at + 1)

    return Laid(INSTANT_WIDTH + 2, lay)


def number_cells(values: NDArray[np.float64]) -> Cells:
    """Doubles; null where one is not finite."""
    large = np.flatnonzero(np.abs(values) >= _LARGE)
    return _numbers(values).with_texts(large, [msgspec.json.encode(each) for each in values[large].tolist()])


def whole_cells(values: NDArray[np.integer] | NDArray[np.bool_], missing: NDArray[np.bool_]) -> Cells:
    """Integers or booleans; null where one is missing."""
    places = np.flatnonzero(missing)
    return _numbers(values).with_texts(places, [b"null"] * len(places))


def code_cells(codes: NDArray[np.uint32]) -> Woven:
    """StatusCodes, most often all of them Good."""
    return _numbers(codes) if codes.any() else b"0"


def text_cells(texts: Sequence[bytes]) -> Cells:
    """Texts that are JSON already."""
    lengths = np.array([len(text) for text in texts], np.intp)
    return Cells(np.frombuffer(b"".join([*texts, _SLACK]), np.uint8), np.cumsum(lengths) - lengths, lengths)


def _numbers(values: NDArray[np.generic]) -> Cells:
    """Numpy's memory as JSON, and where each element begins and ends in it."""
    written = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    data = np.frombuffer(written + _SLACK, np.uint8)
    if not len(values):
        return Cells(data, np.empty(0, np.intp), np.empty(0, np.intp))
    ends = np.append(np.flatnonzero(data == _COMMA), len(written) - 1)
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 1, ends[:-1] + 1
    return Cells(data, starts, ends - starts)


def _woven(parts: Sequence[Woven], size: int) -> NDArray[np.uint8]:
    """First the texts of different lengths, each with a little of what stands behind it, then all that lies between.

    What ends one row and begins the next is one piece.
    """
    fixed, cells = _parted(parts)
    widths = [sum(_width(part) for part in group) for group in fixed]
    lengths = np.full(size, sum(widths), np.intp)
    for each in cells:
        lengths += each.lengths
    ends = np.cumsum(lengths)
    woven = np.empty(int(ends[-1]) + _WIDE, np.uint8)
    at = ends - lengths + widths[0]
    behind: list[NDArray[np.intp]] = []
    for place, each in enumerate(cells):
        # Up to the next row's first text of any length whatever is laid here is laid over.
        _lay(woven, at, each, widths[0] + sum(widths[place + 1 :]))
        behind.append(at + each.lengths)
        at = behind[-1] + widths[place + 1]
    for group, where in zip(fixed[1:-1], behind[:-1], strict=True):
        _scatter(woven, where, _filled(group, size))
    _lay_edges(woven, (fixed[0], fixed[-1] if cells else []), behind[-1] if cells else ends, size)
    return woven[: len(woven) - _WIDE]


def _parted(parts: Sequence[Woven]) -> tuple[list[list[bytes | Laid]], list[Cells]]:
    """Texts of different lengths, and what stands before, between and behind them."""
    fixed: list[list[bytes | Laid]] = [[]]
    cells: list[Cells] = []
    for part in parts:
        if isinstance(part, Cells):
            cells.append(part)
            fixed.append([])
        else:
            fixed[-1].append(part)
    return fixed, cells


def _width(part: bytes | Laid) -> int:
    return part.width if isinstance(part, Laid) else len(part)


def _filled(group: Sequence[bytes | Laid], size: int) -> Block:
    """Texts of one width each, side by side."""
    block = _copies(group, size)
    _lay_all(block, group, 0)
    return block


def _copies(group: Sequence[bytes | Laid], size: int) -> Block:
    row = b"".join([bytes(part.width) if isinstance(part, Laid) else part for part in group])
    block = np.empty((size, len(row)), np.uint8)
    if row:
        block.view(f"V{len(row)}")[:] = np.frombuffer(row, f"V{len(row)}")
    return block


def _lay_all(block: Block, group: Sequence[bytes | Laid], at: int) -> None:
    for part in group:
        if isinstance(part, Laid):
            part.lay(block, at)
        at += _width(part)


def _lay_edges(
    woven: NDArray[np.uint8],
    edges: tuple[Sequence[bytes | Laid], Sequence[bytes | Laid]],
    behind: NDArray[np.intp],
    size: int,
) -> None:
    """Lay what begins each row and what ends it: the end of one and the beginning of the next lie side by side.

    `behind` is where the ends of rows begin.
    """
    first, last = edges
    width = sum(map(_width, last))
    joints = _copies([*last, *first], size + 1)
    _lay_all(joints[1:], last, 0)
    _lay_all(joints[:-1], first, width)
    woven[: joints.shape[1] - width] = joints[0, width:]
    _scatter(woven, behind[:-1], joints[1:-1])
    woven[behind[-1] : behind[-1] + width] = joints[-1, :width]


def _scatter(woven: NDArray[np.uint8], at: NDArray[np.intp], block: Block) -> None:
    width = block.shape[1]
    if width:
        _pieces(woven, width)[at] = block.view(f"V{width}").ravel()


def _lay(woven: NDArray[np.uint8], at: NDArray[np.intp], cells: Cells, room: int) -> None:
    """Copy texts to where they belong; `room` is how far behind a text anything may be written."""
    longest, shortest = int(cells.lengths.max()), int(cells.lengths.min())
    if longest <= _WIDE and longest - shortest <= room:
        data = cells.data
        if int(cells.starts.max()) + longest > len(data):
            data = np.concatenate((data, np.zeros(longest, np.uint8)))
        if longest:
            _pieces(woven, longest)[at] = _pieces(data, longest)[cells.starts]
        return
    for length in np.flatnonzero(np.bincount(cells.lengths)).tolist():
        if length:
            where = np.flatnonzero(cells.lengths == length)
            _pieces(woven, length)[at[where]] = _pieces(cells.data, length)[cells.starts[where]]


def _pieces(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Every piece of that width, wherever it begins."""
    return np.ndarray((len(data) - width + 1,), f"V{width}", data.data, strides=(1,))
