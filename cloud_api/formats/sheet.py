"""Tables as CSV (RFC 4180), plain or for spreadsheets: byte order mark, time of a named zone, no live formulas."""

import csv
import io
from dataclasses import dataclass

import numpy as np

from cloud_api.formats.table import Column, Json, Kind, Table
from cloud_api.wall_clocks import Zone

BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Style:
    """How a CSV is written: for Excel with a byte order mark and times on the wall clock of `zone`."""

    is_excel: bool = False
    zone: Zone | None = None


def csv_head(names: list[str], table: Table, style: Style) -> bytes:
    """The line of names; local times say of which zone."""
    zone = style.zone
    if style.is_excel and zone is not None:
        local = {column.name for column in table.columns if column.typed().kind is Kind.INSTANT}
        names = [f"{name} ({zone.name})" if name in local else name for name in names]
    return ((BYTE_ORDER_MARK if style.is_excel else "") + _lines([names], style)).encode()


def csv_lines(table: Table, style: Style) -> bytes:
    """The lines of a table, without the names."""
    columns = [_cells(column, style) for column in table.columns]
    return _lines(list(zip(*columns, strict=True)), style).encode()


def _cells(column: Column, style: Style) -> list[Json]:
    if style.is_excel and style.zone is not None:
        typed = column.typed()
        if typed.kind is Kind.INSTANT:
            local = style.zone.to_local(np.asarray(typed.values, np.int64))
            texts = np.datetime_as_string(local.view("datetime64[us]"), unit="ms").tolist()
            return [
                None if typed.missing is not None and typed.missing[index] else text.replace("T", " ")
                for index, text in enumerate(texts)
            ]
    return [_cell(value, style) for value in column.shown()]


def _cell(value: Json, style: Style) -> Json:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        import msgspec

        value = msgspec.json.encode(value).decode()
    if style.is_excel and isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value


def _lines(rows: list[tuple[Json, ...]] | list[list[str]], style: Style) -> str:
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\r\n" if style.is_excel else "\n").writerows(rows)
    return target.getvalue()
