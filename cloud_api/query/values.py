"""Stored columns back to exact JSON values: every digit of an integer, booleans, strings, NaN by name (pure)."""

from enum import StrEnum
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.formats.weaving import Cells, number_cells, whole_cells
from cloud_api.storage.columns import SampleColumns

Json: TypeAlias = object

INTEGER_KINDS = frozenset({"i64", "u64"})
TEXT_KINDS = frozenset({"str", "json"})
DOUBLES = frozenset({"f32", "f64"})
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})


class Int64(StrEnum):
    """How 64-bit integers are written: JavaScript reads no more than 53 bits of a number."""

    NUMBER = "number"
    STRING = "string"


def read_values(kind: str, columns: SampleColumns, int64: Int64) -> list[Json]:
    """Write the values of one series as JSON has them."""
    texts = columns.texts
    if kind in TEXT_KINDS:
        return [_text_value(kind, text) for text in texts] if texts else [None] * len(columns)
    values = _number_values(kind, columns)
    if texts is not None:
        for index, text in enumerate(texts):
            if text is not None:
                values[index] = _digits_value(text)
    if int64 is Int64.STRING and kind in INTEGER_KINDS:
        return [None if value is None else str(value) for value in values]
    return values


def has_cells(kind: str, int64: Int64) -> bool:
    """Whether the values of a kind are written without an object each."""
    return kind not in TEXT_KINDS and not (int64 is Int64.STRING and kind in INTEGER_KINDS)


def value_cells(kind: str, columns: SampleColumns) -> Cells:
    """Write the values of one series that holds no texts as `read_values` does, as JSON already."""
    missing = np.isnan(columns.values)
    if kind == "bool":
        cells = whole_cells(columns.values != 0, missing)
    elif kind in INTEGER_KINDS:
        cells = whole_cells(_safe(columns.values, missing), missing)
    else:
        cells = number_cells(columns.values)
    if columns.texts is None:
        return cells
    exact = [(place, text) for place, text in enumerate(columns.texts) if text is not None]
    places = np.array([place for place, _ in exact], np.intp)
    return cells.with_texts(places, [msgspec.json.encode(_digits_value(text)) for _, text in exact])


def read_value(kind: str, value: float, text: str | None, int64: Int64) -> Json:
    """Write one value; `value` is NaN where the database has none."""
    is_missing = value != value  # noqa: PLR0124 # NaN alone differs from itself
    if kind in TEXT_KINDS:
        return _text_value(kind, text)
    if text is not None:
        exact: Json = _digits_value(text)
    elif is_missing:
        return None
    elif kind == "bool":
        exact = value != 0
    else:
        exact = int(value) if kind in INTEGER_KINDS else value
    return str(exact) if int64 is Int64.STRING and kind in INTEGER_KINDS else exact


def read_digits(digits: str | float | None, int64: Int64) -> Json:
    """Write a minimum or maximum: decimal digits of an integer, or a double."""
    if digits is None or isinstance(digits, float):
        return digits
    return digits if int64 is Int64.STRING else int(digits)


def _number_values(kind: str, columns: SampleColumns) -> list[Json]:
    missing = np.isnan(columns.values)
    if kind == "bool":
        values: list[Json] = (columns.values != 0).tolist()
    elif kind in INTEGER_KINDS:
        values = _safe(columns.values, missing).tolist()
    else:
        values = columns.values.tolist()
    for index in np.flatnonzero(missing).tolist():
        values[index] = None
    return values


def _safe(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Integers; 0 for what a double cannot hold, which stands in `texts` and is put in afterwards."""
    return np.where(missing | (np.abs(values) > 2**53), 0, values).astype(np.int64)


def _text_value(kind: str, text: str | None) -> Json:
    if text is None or kind == "str":
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _digits_value(text: str) -> Json:
    """The exact digits of an integer, or the name of a number that is not finite."""
    if text in _NOT_FINITE:
        return text
    try:
        return int(text)
    except ValueError:
        return text
