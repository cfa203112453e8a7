"""Rows as CSV, Arrow or Parquet: columns that each have one type, whatever a page holds (pure)."""

import io
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, write_parquet
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Column, Json, Kind, Table, Typed
from cloud_api.instants import format_at, to_us

_WIDTHS: dict[Kind, type[np.generic]] = {
    Kind.SIGNED: np.int64,
    Kind.INSTANT: np.int64,
    Kind.NUMBER: np.float64,
    Kind.CODE: np.uint32,
    Kind.BOOLEAN: np.bool_,
}


class RowColumn(NamedTuple):
    """One column: its name, the attribute of a row that it shows, its type."""

    name: str
    attribute: str
    kind: Kind


def write_rows(rows: Sequence[Any], columns: Sequence[RowColumn], chosen: Format, *, is_excel: bool = False) -> bytes:
    """Write a page in one of the formats that hold nothing but a table."""
    made = Table([_column(column, rows) for column in columns], len(rows))
    kinds = [column.kind for column in columns]
    if chosen is Format.CSV:
        style = Style(is_excel=is_excel)
        return csv_head(made.names, made, style) + csv_lines(made, style)
    if chosen is Format.ARROW:
        writer = ArrowPieces(made.names, kinds)
        return writer.head + (writer.piece(made) if rows else b"") + writer.end
    target = io.BytesIO()
    write_parquet([made], kinds, target)
    return target.getvalue()


def _column(column: RowColumn, rows: Sequence[Any]) -> Column:
    name, attribute, kind = column
    read = attrgetter(attribute)
    values = [_plain(read(row), kind) for row in rows]
    return Column(name, len(rows), partial(_typed, kind, values), partial(_shown, kind, values))


def _plain(value: Any, kind: Kind) -> Any:
    if value is None or kind is not Kind.TEXT:
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _typed(kind: Kind, values: Sequence[Any]) -> Typed:
    if kind is Kind.TEXT:
        return Typed(kind, values)
    missing = np.array([value is None for value in values], np.bool_)
    numbers = [0 if value is None else to_us(value) if isinstance(value, datetime) else value for value in values]
    return Typed(kind, np.array(numbers, _WIDTHS[kind]), missing)


def _shown(kind: Kind, values: Sequence[Any]) -> list[Json]:
    if kind is Kind.INSTANT:
        return [None if value is None else format_at(value) for value in values]
    return list(values)
