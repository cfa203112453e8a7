"""Rollup rows to the bytes of binary COPY, and back from arrays of columns (pure).

A column is null where its value is the default that earlier columns make it: one sample, every sample accepted, no
falls. So a bucket of Good samples takes about 200 bytes with its key, and one table says the rule for both ways.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.rollup_rows import MINUTE_US, PARTIAL, RollupRows
from cloud_api.storage.rows import POSTGRES_EPOCH_US, has_text

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
COPY_TAIL = struct.pack(">h", -1)
# Rows are laid out some at a time: a thousand take a megabyte until they are sent.
CHUNK_ROWS = 2048
# What statements hand over for null in columns that are mostly not: NaN for a double, this for an integer.
MISSING = -1
TEXTS = ("first_text", "last_text", "low_text", "high_text")
_FLOAT8_OID = 701
_NULL = struct.pack(">i", -1)
# Texts and falls, whose lengths differ from row to row, come last.
_VARIABLE = len(TEXTS) + 1


Default: TypeAlias = Callable[[NDArray[np.void]], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A partial as a column: how it travels, and what it is where the column is null."""

    name: str
    kind: str  # double, integer, offset (microseconds since the bucket's start), status, flag
    default: Default | None
    # Whether a statement hands over the few rows where it is not null, by their keys.
    is_rare: bool = False

    @property
    def wire(self) -> np.dtype[Any]:
        """How an element travels."""
        return np.dtype(_WIRE[self.kind])


def _number(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.nan_to_num(values, nan=0.0)


def _default_back_at(p: NDArray[np.void]) -> Any:
    return np.where(p["accepted"] > 1, p["last_at"], p["front_at"])


def _default_back_value(p: NDArray[np.void]) -> Any:
    at_last = np.where(p["back_at"] == p["last_at"], _number(p["last_value"]), 0.0)
    return np.where(p["back_at"] == p["front_at"], p["front_value"], at_last)


_WIRE = {"double": ">f8", "integer": ">i4", "offset": ">i4", "status": ">i4", "flag": "u1"}


def _rare(name: str, kind: str, default: Default) -> Column:
    """A column that is null in the row of a bucket whose samples are all Good and numbers."""
    return Column(name, kind, default, is_rare=True)


# In an order in which every default needs earlier columns alone; COPY and SELECT name them in the same order.
COLUMNS = (
    Column("total", "integer", None),
    _rare("accepted", "integer", lambda p: p["total"]),
    _rare("uncertain", "integer", lambda _: 0),
    Column("first_at", "offset", None),
    Column("last_at", "offset", lambda p: p["first_at"]),
    _rare("first_status", "status", lambda _: 0),
    _rare("last_status", "status", lambda p: p["first_status"]),
    _rare("worst_status", "status", lambda p: p["first_status"]),
    _rare("front_status", "status", lambda p: p["first_status"]),
    _rare("back_status", "status", lambda p: p["front_status"]),
    _rare("front_at", "offset", lambda p: np.where(p["accepted"] > 0, p["first_at"], 0)),
    _rare("back_at", "offset", _default_back_at),
    Column("previous_at", "offset", lambda p: np.where(p["accepted"] == 2, p["front_at"], 0)),
    Column("low_at", "offset", lambda p: p["front_at"]),
    Column("high_at", "offset", lambda p: p["front_at"]),
    _rare("held_us", "integer", lambda p: np.where(p["accepted"] > 0, p["last_at"] - p["first_at"], 0)),
    _rare("held_good_us", "integer", lambda p: p["held_us"]),
    _rare("good_us", "integer", lambda p: p["held_good_us"]),
    _rare("zero_us", "integer", lambda _: 0),
    Column("transitions", "integer", lambda _: 0),
    Column("fall_count", "integer", lambda _: 0),
    Column("first_value", "double", lambda _: np.nan),
    Column("last_value", "double", lambda p: np.where(p["total"] == 1, p["first_value"], np.nan)),
    _rare("front_value", "double", lambda p: np.where(p["front_at"] == p["first_at"], _number(p["first_value"]), 0.0)),
    _rare("back_value", "double", _default_back_value),
    Column("previous_value", "double", lambda p: np.where(p["accepted"] == 2, p["front_value"], 0.0)),
    Column("mean_offset", "double", lambda _: 0.0),
    Column("m2", "double", lambda _: 0.0),
    Column("low", "double", lambda p: p["front_value"]),
    Column("high", "double", lambda p: p["front_value"]),
    Column("step_area", "double", lambda _: 0.0),
    Column("line_area", "double", lambda p: p["step_area"]),
    Column("span_step_area", "double", lambda p: np.where(p["accepted"] == p["total"], p["step_area"], 0.0)),
    Column("span_line_area", "double", lambda p: np.where(p["accepted"] == p["total"], p["line_area"], 0.0)),
    Column("rise", "double", lambda _: 0.0),
    Column("fall_sum", "double", lambda _: 0.0),
    Column("fall_least", "double", lambda p: np.where(p["fall_count"] == 1, p["fall_sum"], 0.0)),
    Column("fall_most", "double", lambda p: np.where(p["fall_count"] == 1, p["fall_sum"], 0.0)),
    Column("fall_later", "double", lambda _: 0.0),
    _rare("worst_differs", "flag", lambda _: False),
    Column("low_repeated", "flag", lambda _: False),
    Column("high_repeated", "flag", lambda _: False),
    _rare("skips", "flag", lambda _: False),
)
# What counts, means and extremes need, in the order of `select_rollup_counts`.
_COUNTED = {
    *("total", "accepted", "first_at", "last_at", "front_at", "low_at", "high_at", "first_value", "front_value"),
    *("mean_offset", "m2", "low", "high", "low_repeated", "high_repeated"),
}
COUNT_COLUMNS = tuple(column for column in COLUMNS if column.name in _COUNTED)
# What the lowest and highest samples and the edges of holes need, in the order of `select_rollup_extremes`.
_OF_EXTREMES = {
    *("total", "accepted", "uncertain", "first_at", "last_at", "first_status", "last_status", "worst_status"),
    *("front_at", "back_at", "low_at", "high_at", "first_value", "last_value", "front_value", "low", "high"),
    "worst_differs",
}
EXTREME_COLUMNS = tuple(
    replace(column, is_rare=column.is_rare or column.name in {"first_value", "last_value"})
    for column in COLUMNS
    if column.name in _OF_EXTREMES
)


def copy_rollup_chunks(rows: RollupRows) -> Iterator[bytes]:
    """The input of COPY (series_id, bucket, with_uncertain, state, valid_from, COLUMNS, texts, falls), in parts."""
    yield COPY_HEAD
    for first in range(0, len(rows), CHUNK_ROWS):
        yield _chunk(rows.take(np.arange(first, min(first + CHUNK_ROWS, len(rows)))))
    yield COPY_TAIL


def _chunk(rows: RollupRows) -> bytes:
    matrix, kept = _matrix(rows)
    has_variable = _has_variable(rows.partials)
    plain = ~has_variable
    chunks = [matrix[plain][kept[plain]].tobytes()]
    for index in np.flatnonzero(has_variable).tolist():
        chunks.append(matrix[index, : -4 * _VARIABLE][kept[index, : -4 * _VARIABLE]].tobytes())
        chunks.extend(_variable(rows.partials[index]))
    return b"".join(chunks)


def _matrix(rows: RollupRows) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Every row at full width, and which of its bytes are sent: a null keeps its length word alone, as -1."""
    cells: list[tuple[NDArray[Any], NDArray[np.bool_] | None]] = [
        (rows.series_ids.astype(">i4"), None),
        ((rows.buckets_us - POSTGRES_EPOCH_US).astype(">i8"), None),
        (rows.with_uncertain.astype("u1"), None),
        (rows.states.view("u1"), None),
        ((rows.valid_from_us - POSTGRES_EPOCH_US).astype(">i8"), None),
        *(_cell(rows, column) for column in COLUMNS),
    ]
    count = len(rows)
    width = 2 + sum(4 + values.dtype.itemsize for values, _ in cells) + 4 * _VARIABLE
    matrix, kept = np.empty((count, width), np.uint8), np.ones((count, width), np.bool_)
    matrix[:, :2] = np.frombuffer(struct.pack(">h", len(cells) + _VARIABLE), np.uint8)
    at = 2
    for values, is_null in cells:
        size = values.dtype.itemsize
        lengths = np.full(count, size, ">i4")
        if is_null is not None:
            lengths[is_null] = MISSING
            kept[:, at + 4 : at + 4 + size] = ~is_null[:, None]
        matrix[:, at : at + 4] = lengths.view(np.uint8).reshape(count, 4)
        matrix[:, at + 4 : at + 4 + size] = np.ascontiguousarray(values).view(np.uint8).reshape(count, size)
        at += 4 + size
    matrix[:, at:] = np.frombuffer(_NULL * _VARIABLE, np.uint8)
    return matrix, kept


def _cell(rows: RollupRows, column: Column) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    values = rows.partials[column.name]
    is_null = None
    if column.default is not None:
        default = column.default(rows.partials)
        is_null = np.broadcast_to(values == default, values.shape)
        if column.kind == "double":
            is_null = is_null | (np.isnan(values) & np.isnan(default))
    if column.kind == "offset":
        values = values - rows.buckets_us
    if column.kind == "status":
        values = np.ascontiguousarray(values).view(np.int32)
    return values.astype(_WIRE[column.kind]), is_null


def _has_variable(partials: NDArray[np.void]) -> NDArray[np.bool_]:
    found = (partials["fall_count"] > 1) & has_text(partials["falls"])
    for name in TEXTS:
        found |= has_text(partials[name])
    return found


def _variable(row: np.void) -> list[bytes]:
    """The columns of one row that have no fixed length."""
    chunks: list[bytes] = []
    for name in TEXTS:
        text = None if name == "last_text" and row["total"] == 1 else row[name]
        body = None if text is None else text.encode()
        chunks.append(_NULL if body is None else struct.pack(">i", len(body)) + body)
    # One fall is made again from its sums.
    if row["falls"] is None or row["fall_count"] < 2:
        return [*chunks, _NULL]
    elements = np.empty(len(row["falls"]), dtype=[("length", ">i4"), ("value", ">f8")])
    elements["length"], elements["value"] = 8, row["falls"]
    body = struct.pack(">iiiii", 1, 0, _FLOAT8_OID, len(elements), 1) + elements.tobytes()
    return [*chunks, struct.pack(">i", len(body)), body]


class Rare(NamedTuple):
    """What stands at some places of a column that is null elsewhere."""

    places: NDArray[np.intp]
    values: NDArray[Any]


class Read(NamedTuple):
    """What a statement handed over: keys, and by name the columns that it read, texts and falls among them."""

    series_ids: NDArray[np.int32]
    buckets_us: NDArray[np.int64]
    with_uncertain: NDArray[np.bool_]
    states: NDArray[np.bytes_]
    valid_from_us: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any] | Rare]


def row_keys(series_ids: NDArray[Any], buckets_us: NDArray[Any], with_uncertain: NDArray[Any]) -> NDArray[np.int64]:
    """Numbers that order rows by series, bucket and reading: buckets begin at minutes, 31 bits hold 4,000 years."""
    return (series_ids.astype(np.int64) << 32) + (buckets_us // MINUTE_US << 1) + with_uncertain


def read_rollups(read: Read) -> RollupRows:
    """Rows again, with every default in its place; columns that were not read stay 0."""
    partials = np.zeros(len(read.series_ids), PARTIAL)
    for column in COLUMNS:
        sent = read.columns.get(column.name)
        if isinstance(sent, Rare):
            _read_rare(partials, column, sent, read.buckets_us)
        elif sent is not None:
            partials[column.name] = _filled(partials, column, sent, read.buckets_us)
    _read_variable(partials, read.columns)
    return RollupRows(read.series_ids, read.buckets_us, read.with_uncertain, read.states, read.valid_from_us, partials)


def _read_rare(partials: NDArray[np.void], column: Column, sent: Rare, buckets_us: NDArray[np.int64]) -> None:
    if column.default is not None:
        partials[column.name] = column.default(partials)
    if len(sent.places):
        values = sent.values
        if column.kind == "offset":
            values = values.astype(np.int64) + buckets_us[sent.places]
        partials[column.name][sent.places] = values


def _filled(
    partials: NDArray[np.void], column: Column, sent: NDArray[Any], buckets_us: NDArray[np.int64]
) -> NDArray[Any]:
    """The values of a column, those of which null was handed over by the rule."""
    if column.kind == "double":
        is_missing = np.isnan(sent)
    else:
        is_missing = sent == MISSING if column.kind in {"integer", "offset"} else np.zeros(len(sent), np.bool_)
    values = sent.astype(np.int64) + buckets_us if column.kind == "offset" else sent
    if column.default is None or not is_missing.any():
        return values
    return np.where(is_missing, column.default(partials), values)


def _read_variable(partials: NDArray[np.void], columns: Mapping[str, NDArray[Any] | Rare]) -> None:
    for name in TEXTS:
        texts = columns.get(name)
        partials[name] = None if texts is None or isinstance(texts, Rare) else texts
    alone = partials["total"] == 1
    partials["last_text"][alone] = partials["first_text"][alone]
    partials["falls"] = None
    falls = columns.get("falls")
    if falls is not None and not isinstance(falls, Rare):
        for index in np.flatnonzero(has_text(falls)).tolist():
            partials["falls"][index] = tuple(float(text) for text in falls[index].strip("{}").split(","))
    for index in np.flatnonzero(partials["fall_count"] == 1).tolist():
        later, step = partials["fall_later"][index], partials["fall_sum"][index]
        partials["falls"][index] = (float(later - step), float(later))
