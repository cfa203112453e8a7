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
ROWS = 16_384
# From here on orjson writes 1e+16 where msgspec writes 1e16.
_LARGE = 1e16
_COMMA, _QUOTE = ord(","), ord('"')


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


# Texts of one width are uint8[rows, width].
Block: TypeAlias = NDArray[np.uint8]
Woven: TypeAlias = Block | Cells
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


def instant_cells(times_us: NDArray[np.int64]) -> Block:
    """RFC 3339, as strings."""
    block = np.empty((len(times_us), INSTANT_WIDTH + 2), np.uint8)
    block[:, 0] = block[:, -1] = _QUOTE
    lay_instants(times_us, block, 1)
    return block


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
    return _numbers(codes) if codes.any() else np.full((len(codes), 1), ord("0"), np.uint8)


def text_cells(texts: Sequence[bytes]) -> Cells:
    """Texts that are JSON already."""
    lengths = np.array([len(text) for text in texts], np.intp)
    return Cells(np.frombuffer(b"".join(texts), np.uint8), np.cumsum(lengths) - lengths, lengths)


def _numbers(values: NDArray[np.generic]) -> Cells:
    """Numpy's memory as JSON, and where each element begins and ends in it."""
    data = np.frombuffer(orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY), np.uint8)
    if not len(values):
        return Cells(data, np.empty(0, np.intp), np.empty(0, np.intp))
    ends = np.append(np.flatnonzero(data == _COMMA), len(data) - 1)
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 1, ends[:-1] + 1
    return Cells(data, starts, ends - starts)


def _woven(parts: Sequence[bytes | Woven], size: int) -> NDArray[np.uint8]:
    blocks = _joined(parts, size)
    lengths = np.zeros(size, np.intp)
    for block in blocks:
        lengths += block.lengths if isinstance(block, Cells) else block.shape[1]
    ends = np.cumsum(lengths)
    at = ends - lengths
    woven = np.empty(int(ends[-1]), np.uint8)
    for block in blocks:
        if isinstance(block, Cells):
            _lay(woven, at, block)
            at = at + block.lengths
        elif block.shape[1]:
            _pieces(woven, block.shape[1])[at] = block.view(f"V{block.shape[1]}").ravel()
            at = at + block.shape[1]
    return woven


def _joined(parts: Sequence[bytes | Woven], size: int) -> list[Woven]:
    """Put neighbours of one width together, so that they are laid at once."""
    found: list[Woven] = []
    fixed: list[Block] = []
    for part in parts:
        if isinstance(part, Cells):
            found += [_side_by_side(fixed, size), part]
            fixed = []
        else:
            fixed.append(np.frombuffer(part, np.uint8)[np.newaxis] if isinstance(part, bytes) else part)
    return [*found, _side_by_side(fixed, size)]


def _side_by_side(fixed: Sequence[Block], size: int) -> Block:
    made = np.empty((size, sum(block.shape[1] for block in fixed)), np.uint8)
    at = 0
    for block in fixed:
        made[:, at : at + block.shape[1]] = block
        at += block.shape[1]
    return made


def _lay(woven: NDArray[np.uint8], at: NDArray[np.intp], cells: Cells) -> None:
    """Copy texts to where they belong: those of one length at once."""
    for length in np.flatnonzero(np.bincount(cells.lengths)).tolist():
        where = np.flatnonzero(cells.lengths == length)
        _pieces(woven, length)[at[where]] = _pieces(cells.data, length)[cells.starts[where]]


def _pieces(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Every piece of that width, wherever it begins."""
    return np.ndarray((len(data) - width + 1,), f"V{width}", data.data, strides=(1,))
