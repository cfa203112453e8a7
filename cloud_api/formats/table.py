"""Columns of an answer, held as they were computed; each knows itself as JSON, as text and as numpy (pure)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cloud_api.instants import format_column

Json: TypeAlias = object


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
class Typed:
    """Values of one type: numpy, or a list of texts; `missing` says where there is none."""

    kind: Kind
    values: NDArray[np.generic] | Sequence[str | None]
    missing: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `typed` for binary formats, `shown` for JSON and CSV, where it holds more (every digit)."""

    name: str
    size: int
    typed: Callable[[], Typed]
    shown: Callable[[], list[Json]]

    def once(self) -> "Column":
        """The same, made no more than once."""
        return Column(self.name, self.size, cache(self.typed), cache(self.shown))

    def slice(self, start: int, stop: int) -> "Column":
        """Some of its rows."""
        size = max(0, min(stop, self.size) - start)
        return Column(self.name, size, lambda: _cut(self.typed(), start, stop), lambda: self.shown()[start:stop])


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


def table(columns: Sequence[Column]) -> Table:
    """A table of columns."""
    return Table(columns, columns[0].size if columns else 0)


def instants(name: str, times_us: NDArray[np.int64]) -> Column:
    """Instants, shown as RFC 3339."""
    return Column(name, len(times_us), lambda: Typed(Kind.INSTANT, times_us), lambda: list(format_column(times_us)))


def codes(name: str, statuses: NDArray[np.uint32]) -> Column:
    """StatusCodes."""
    return Column(name, len(statuses), lambda: Typed(Kind.CODE, statuses), statuses.tolist)


def numbers(name: str, values: NDArray[np.float64]) -> Column:
    """Doubles; NaN is a missing one."""
    missing = np.isnan(values)

    def shown() -> list[Json]:
        made: list[Json] = values.tolist()
        for index in np.flatnonzero(missing).tolist():
            made[index] = None
        return made

    return Column(name, len(values), lambda: Typed(Kind.NUMBER, values, missing), shown)


def repeated(name: str, text: str, size: int) -> Column:
    """The same text in every row."""
    return Column(name, size, lambda: Typed(Kind.TEXT, [text] * size), lambda: [text] * size)


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
