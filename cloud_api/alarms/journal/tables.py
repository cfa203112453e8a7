"""Pages of the journal as CSV, Arrow or Parquet: the columns of its JSON, each of one type whatever the page holds."""

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from cloud_api.formats.accept import Format
from cloud_api.formats.arrow import ArrowPieces, write_parquet
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Column, Json, Kind, Table, Typed
from cloud_api.instants import format_at, to_us
from cloud_api.storage.journal import JournalRow

# Name, attribute of the row, type.
COLUMNS = (
    ("number", "number", Kind.SIGNED),
    ("alarm_id", "alarm_id", Kind.TEXT),
    ("alarm_version", "alarm_version", Kind.SIGNED),
    ("definition_id", "definition_id", Kind.TEXT),
    ("definition_version", "definition_version", Kind.SIGNED),
    ("path", "path", Kind.TEXT),
    ("name", "name", Kind.TEXT),
    ("condition", "condition", Kind.TEXT),
    ("class", "alarm_class", Kind.TEXT),
    ("position", "position", Kind.TEXT),
    ("event", "event", Kind.TEXT),
    ("at", "at", Kind.INSTANT),
    ("recorded_at", "recorded_at", Kind.INSTANT),
    ("who", "who", Kind.TEXT),
    ("from", "from_state", Kind.TEXT),
    ("to", "to_state", Kind.TEXT),
    ("priority", "priority", Kind.TEXT),
    ("level", "level", Kind.TEXT),
    ("value", "value", Kind.NUMBER),
    ("status", "status", Kind.CODE),
    ("limit", "limit_value", Kind.NUMBER),
    ("message_en", "message_en", Kind.TEXT),
    ("message_zh", "message_zh", Kind.TEXT),
    ("comment", "comment", Kind.TEXT),
    ("note", "note", Kind.TEXT),
    ("order_number", "order_number", Kind.TEXT),
    ("until", "until_at", Kind.INSTANT),
    ("assignee", "assignee", Kind.TEXT),
    ("late", "is_late", Kind.BOOLEAN),
    ("hash", "hash", Kind.TEXT),
)
KINDS = [kind for *_, kind in COLUMNS]
_WIDTHS: dict[Kind, type[np.generic]] = {
    Kind.SIGNED: np.int64,
    Kind.INSTANT: np.int64,
    Kind.NUMBER: np.float64,
    Kind.CODE: np.uint32,
    Kind.BOOLEAN: np.bool_,
}


def journal_table(rows: Sequence[JournalRow]) -> Table:
    """Put rows of the journal into columns."""
    return Table([_column(name, attrgetter(attribute), kind, rows) for name, attribute, kind in COLUMNS], len(rows))


def write_table(rows: Sequence[JournalRow], chosen: Format, *, is_excel: bool) -> bytes:
    """Write a page in one of the formats that hold nothing but a table."""
    made = journal_table(rows)
    if chosen is Format.CSV:
        style = Style(is_excel=is_excel)
        return csv_head(made.names, made, style) + csv_lines(made, style)
    if chosen is Format.ARROW:
        writer = ArrowPieces(made.names, KINDS)
        return writer.head + (writer.piece(made) if rows else b"") + writer.end
    target = io.BytesIO()
    write_parquet([made], KINDS, target)
    return target.getvalue()


def _column(name: str, read: Callable[[JournalRow], Any], kind: Kind, rows: Sequence[JournalRow]) -> Column:
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
