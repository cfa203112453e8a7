"""Columns of an answer, held as they were computed; each knows itself as JSON, as text and as numpy (pure)."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import TypeAlias, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.formats.weaving import Cut, Part, code_cells, instant_cells, number_cells, weave
from cloud_api.instants import format_column

Json: TypeAlias = object

# What is written at once.
ROWS = 24_576


class Kind(Enum):
    """What the values of a column are."""

    INSTANT = auto()  # int64 microseconds, UTC
    NUMBER = auto()  # float64
    SIGNED = auto()  # int64
    UNSIGNED = auto()  # uint64
    CODE = auto()  # uint32 StatusCodes
    BOOLEAN = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Repeated(Sequence[str]):
    """One text, so many times."""

    text: str
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Repeated": ...
    def __getitem__(self, index: int | slice) -> "str | Repeated":
        if isinstance(index, slice):
            return Repeated(self.text, len(range(self.size)[index]))
        range(self.size)[index]
        return self.text


@dataclass(frozen=True, slots=True)
class Typed:
    """Values of one type: numpy, or a list of texts; `missing` says where there is none."""

    kind: Kind
    values: NDArray[np.generic] | Sequence[str | None]
    missing: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `typed` for binary formats, `shown` for JSON and CSV, where it holds more (every digit).

    `cells` makes what is shown of some rows as JSON, of columns that come to it without an object a row.
    """

    name: str
    size: int
    typed: Callable[[], Typed]
    shown: Callable[[], list[Json]]
    cells: Cut | None = None

    def once(self) -> "Column":
        """The same, made no more than once."""
        return Column(self.name, self.size, cache(self.typed), cache(self.shown), self.cells)

    def slice(self, start: int, stop: int) -> "Column":
        """Some of its rows."""
        size, cells = max(0, min(stop, self.size) - start), self.cells
        return Column(
            self.name,
            size,
            lambda: _cut(self.typed(), start, stop),
            lambda: self.shown()[start:stop],
            None if cells is None else lambda low, high: cells(start + low, start + high),
        )


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length."""

    columns: Sequence[Column]
    size: int = field(default=0)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def rows(self) -> list[tuple[Json, ...]]:
        """Rows as JSON has them."""
        return list(zip(*(column.shown() for column in self.columns), strict=True))

    def slices(self) -> Generator["Table"]:
        """The same in some tables that are written one after the other; none of an empty one."""
        if self.size <= ROWS:
            if self.size:
                yield self
            return
        whole = [column.once() for column in self.columns]
        for start in range(0, self.size, ROWS):
            yield table([column.slice(start, start + ROWS) for column in whole])

    def json_rows(self, before: bytes = b"") -> bytes:
        """Rows as JSON arrays with commas between them, behind what stands before them."""
        woven = self._woven(before, [b"["] + [b","] * (len(self.columns) - 1), b"]")
        return before + msgspec.json.encode(self.rows())[1:-1] if woven is None else woven

    def json_objects(self, before: bytes = b"") -> bytes:
        """Rows as JSON objects with commas between them, behind what stands before them."""
        names = self.names
        keys = [msgspec.json.encode(name) + b":" for name in names]
        woven = self._woven(before, [(b"," if index else b"{") + key for index, key in enumerate(keys)], b"}")
        if woven is None:
            rows = [dict(zip(names, row, strict=True)) for row in self.rows()]
            return before + msgspec.json.encode(rows)[1:-1]
        return woven

    def _woven(self, before: bytes, openings: Sequence[bytes], end: bytes) -> bytes | None:
        """Rows out of cells, each behind its opening; None where a column has none."""
        parts: list[Part] = []
        for text, column in zip(openings, self.columns, strict=True):
            if column.cells is None:
                return None
            parts += [text, column.cells]
        return b"".join([before, *weave([*parts, end], self.size, b",")])


def table(columns: Sequence[Column]) -> Table:
    """A table of columns."""
    return Table(columns, columns[0].size if columns else 0)


def instants(name: str, times_us: NDArray[np.int64]) -> Column:
    """Instants, shown as RFC 3339."""
    return Column(
        name,
        len(times_us),
        lambda: Typed(Kind.INSTANT, times_us),
        lambda: list(format_column(times_us)),
        lambda low, high: instant_cells(times_us[low:high]),
    )


def codes(name: str, statuses: NDArray[np.uint32]) -> Column:
    """StatusCodes."""
    return Column(
        name,
        len(statuses),
        lambda: Typed(Kind.CODE, statuses),
        statuses.tolist,
        lambda low, high: code_cells(statuses[low:high]),
    )


def numbers(name: str, values: NDArray[np.float64]) -> Column:
    """Doubles; NaN is a missing one."""
    missing = np.isnan(values)

    def shown() -> list[Json]:
        made: list[Json] = values.tolist()
        for index in np.flatnonzero(missing).tolist():
            made[index] = None
        return made

    return Column(
        name,
        len(values),
        lambda: Typed(Kind.NUMBER, values, missing),
        shown,
        lambda low, high: number_cells(values[low:high]),
    )


def repeated(name: str, text: str, size: int) -> Column:
    """The same text in every row."""
    return Column(name, size, lambda: Typed(Kind.TEXT, Repeated(text, size)), lambda: [text] * size)


def mixed(name: str, values: Sequence[Json], *, is_instant: bool = False) -> Column:
    """JSON values, whose type shows itself when a binary format asks for it."""
    return Column(name, len(values), lambda: _guess(values, is_instant=is_instant), lambda: list(values))


def _guess(values: Sequence[Json], *, is_instant: bool) -> Typed:
    missing = np.array([value is None for value in values], np.bool_)
    kinds = {type(value) for value in values} - {type(None)}
    if is_instant:
        made = np.array([np.datetime64("NaT") if each is None else np.datetime64(str(each)[:-1]) for each in values])
        return Typed(Kind.INSTANT, np.where(missing, 0, made.astype("datetime64[us]").astype(np.int64)), missing)
    if kinds <= {bool} and kinds:
        return Typed(Kind.BOOLEAN, np.array([bool(value) for value in values], np.bool_), missing)
    if kinds == {int}:
        return _whole(values, missing)
    if kinds <= {int, float}:
        return Typed(Kind.NUMBER, np.array([_double(value) for value in values], np.float64), missing)
    return Typed(Kind.TEXT, [None if value is None else str(value) for value in values])


def _whole(values: Sequence[Json], missing: NDArray[np.bool_]) -> Typed:
    whole = [value if isinstance(value, int) else 0 for value in values]
    lowest, highest = min(whole), max(whole)
    if lowest >= -(2**63) and highest < 2**63:
        return Typed(Kind.SIGNED, np.array(whole, np.int64), missing)
    if lowest >= 0 and highest < 2**64:
        return Typed(Kind.UNSIGNED, np.array(whole, np.uint64), missing)
    return Typed(Kind.TEXT, [None if value is None else str(value) for value in values])


def _double(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _cut(typed: Typed, start: int, stop: int) -> Typed:
    missing = None if typed.missing is None else typed.missing[start:stop]
    return Typed(typed.kind, typed.values[start:stop], missing)
