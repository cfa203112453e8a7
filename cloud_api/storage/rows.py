"""Rows of `sample` as arrays: joined, sorted, freed of doubles, and laid out in the bytes that binary COPY takes."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

# PostgreSQL counts microseconds from 2000-01-01.
POSTGRES_EPOCH_US = 946_684_800_000_000
DAY_US = 86_400_000_000

_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_COPY_TAIL = struct.pack(">h", -1)
_COLUMN_COUNT = 5
_KEYS = [
    ("n", ">i2"),
    ("l1", ">i4"),
    ("series", ">i4"),
    ("l2", ">i4"),
    ("status", ">i4"),
    ("l3", ">i4"),
    ("time", ">i8"),
]
_NUMBER_ROW = np.dtype([*_KEYS, ("l4", ">i4"), ("value", ">f8"), ("l5", ">i4")])
_EMPTY_ROW = np.dtype([*_KEYS, ("l4", ">i4"), ("l5", ">i4")])
_TEXT_HEAD = struct.Struct(">hiiiiiq")
_TIME_BITS = 40
_NULL = struct.pack(">i", -1)


@dataclass(frozen=True, slots=True)
class SampleRows:
    """Samples as columns. A value of NaN stands for SQL null (a measured NaN is a text); texts may be absent."""

    series_ids: NDArray[np.int32]
    times_us: NDArray[np.int64]
    statuses: NDArray[np.int32]
    values: NDArray[np.float64]
    texts: NDArray[np.object_] | None

    def __len__(self) -> int:
        return len(self.series_ids)

    def take(self, index: NDArray[Any] | slice) -> "SampleRows":
        """The rows that an index array, a mask or a slice names."""
        return SampleRows(
            self.series_ids[index],
            self.times_us[index],
            self.statuses[index],
            self.values[index],
            None if self.texts is None else self.texts[index],
        )

    def in_days(self, days: Sequence[int]) -> NDArray[np.bool_]:
        """Which samples are of these days."""
        return np.isin(self.times_us // DAY_US, np.array(days, dtype=np.int64))

    def days(self) -> list[int]:
        """The days since 1970 that hold these samples."""
        if len(self) == 0:
            return []
        first, last = int(self.times_us.min()) // DAY_US, int(self.times_us.max()) // DAY_US
        if last - first <= 1:
            return [first] if first == last else [first, last]
        return [int(day) for day in np.unique(self.times_us // DAY_US)]


@dataclass(frozen=True, slots=True)
class DistinctRows:
    """Rows sorted by series and time, each key once; what was dropped is counted by whether it differed."""

    rows: SampleRows
    same_count: int
    overwritten_count: int


def join_rows(parts: Sequence[SampleRows]) -> SampleRows:
    """One set of rows, in the order of the parts."""
    if len(parts) == 1:
        return parts[0]
    texts = None
    if any(part.texts is not None for part in parts):
        texts = np.concatenate([_texts(part) for part in parts])
    return SampleRows(
        np.concatenate([part.series_ids for part in parts]),
        np.concatenate([part.times_us for part in parts]),
        np.concatenate([part.statuses for part in parts]),
        np.concatenate([part.values for part in parts]),
        texts,
    )


def empty_rows() -> SampleRows:
    """No rows."""
    return SampleRows(
        np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64), None
    )


def distinct_rows(rows: SampleRows) -> DistinctRows:
    """Sort by (series, time); of rows with the same key the later one stays."""
    if len(rows) == 0:
        return DistinctRows(rows, 0, 0)
    # Both sorts are stable, so the last of equal keys is the one that came last.
    ordered = rows.take(key_order(rows.series_ids, rows.times_us))
    is_last = np.empty(len(rows), dtype=np.bool_)
    is_last[-1] = True
    is_last[:-1] = (ordered.series_ids[1:] != ordered.series_ids[:-1]) | (ordered.times_us[1:] != ordered.times_us[:-1])
    doubles = np.flatnonzero(~is_last)
    if len(doubles) == 0:
        return DistinctRows(ordered, 0, 0)
    differing = int(np.count_nonzero(_differs(ordered, doubles, doubles + 1)))
    return DistinctRows(ordered.take(is_last), len(doubles) - differing, differing)


def key_order(series_ids: NDArray[np.int32], times_us: NDArray[np.int64]) -> NDArray[np.intp]:
    """The order by series and time; stable. There must be rows."""
    first_us = int(times_us.min())
    span_us = int(times_us.max()) - first_us
    if span_us < 1 << _TIME_BITS and int(series_ids.max()) < 1 << (63 - _TIME_BITS):
        # One integer a key sorts in a tenth of the time that two columns take.
        keys = (series_ids.astype(np.int64) << _TIME_BITS) | (times_us - first_us)
        return np.argsort(keys, kind="stable")
    return np.lexsort((times_us, series_ids))


def newest_rows(rows: SampleRows) -> SampleRows:
    """Of sorted rows the newest one of each series."""
    if len(rows) == 0:
        return rows
    is_last = np.empty(len(rows), dtype=np.bool_)
    is_last[-1] = True
    is_last[:-1] = rows.series_ids[1:] != rows.series_ids[:-1]
    return rows.take(is_last)


def copy_bytes(rows: SampleRows) -> bytes:
    """The whole input of COPY sample (series_id, status, time, value, text) in PostgreSQL's binary format."""
    has_value = ~np.isnan(rows.values)
    with_text = np.zeros(len(rows), dtype=np.bool_) if rows.texts is None else has_text(rows.texts)
    numbers = has_value & ~with_text
    # The order inside one COPY is free: plain numbers first, in key order, then what has no number, then texts.
    if numbers.all():
        return b"".join([_COPY_HEAD, _number_bytes(rows), _COPY_TAIL])
    return b"".join(
        [
            _COPY_HEAD,
            _number_bytes(rows.take(numbers)),
            _empty_bytes(rows.take(~has_value & ~with_text)),
            *_text_chunks(rows.take(with_text)),
            _COPY_TAIL,
        ]
    )


def has_text(texts: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which entries are not None."""
    return np.not_equal(texts, np.array(None, np.object_)).astype(np.bool_)


def int4_array_bytes(values: NDArray[np.int32]) -> bytes:
    """An int4[] in binary form."""
    return _array_bytes(values, ">i4", 23)


def float8_array_bytes(values: NDArray[np.float64]) -> bytes:
    """A float8[] in binary form."""
    return _array_bytes(values, ">f8", 701)


def timestamptz_array_bytes(times_us: NDArray[np.int64]) -> bytes:
    """A timestamptz[] in binary form."""
    return _array_bytes(times_us - POSTGRES_EPOCH_US, ">i8", 1184)


def _texts(part: SampleRows) -> NDArray[np.object_]:
    return np.full(len(part), None, dtype=np.object_) if part.texts is None else part.texts


def _differs(rows: SampleRows, left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.bool_]:
    values_left, values_right = rows.values[left], rows.values[right]
    same_value = (values_left == values_right) | (np.isnan(values_left) & np.isnan(values_right))
    differs = (rows.statuses[left] != rows.statuses[right]) | ~same_value
    if rows.texts is not None:
        differs |= np.not_equal(rows.texts[left], rows.texts[right]).astype(np.bool_)
    return differs


def _fill_keys(cells: NDArray[Any], rows: SampleRows) -> None:
    cells["n"] = _COLUMN_COUNT
    cells["l1"] = 4
    cells["series"] = rows.series_ids
    cells["l2"] = 4
    cells["status"] = rows.statuses
    cells["l3"] = 8
    cells["time"] = rows.times_us - POSTGRES_EPOCH_US


def _number_bytes(rows: SampleRows) -> bytes:
    cells = np.empty(len(rows), dtype=_NUMBER_ROW)
    _fill_keys(cells, rows)
    cells["l4"] = 8
    cells["value"] = rows.values
    cells["l5"] = -1
    return cells.tobytes()


def _empty_bytes(rows: SampleRows) -> bytes:
    cells = np.empty(len(rows), dtype=_EMPTY_ROW)
    _fill_keys(cells, rows)
    cells["l4"] = -1
    cells["l5"] = -1
    return cells.tobytes()


def _text_chunks(rows: SampleRows) -> list[bytes]:
    if rows.texts is None or len(rows) == 0:
        return []
    chunks: list[bytes] = []
    times = (rows.times_us - POSTGRES_EPOCH_US).tolist()
    columns = zip(
        rows.series_ids.tolist(), rows.statuses.tolist(), times, rows.values.tolist(), rows.texts, strict=True
    )
    for series_id, status, time, value, text in columns:
        body = cast("str", text).encode()
        chunks.append(_TEXT_HEAD.pack(_COLUMN_COUNT, 4, series_id, 4, status, 8, time))
        # NaN is the only number that differs from itself.
        chunks.append(_NULL if value != value else struct.pack(">id", 8, value))  # noqa: PLR0124
        chunks.append(struct.pack(">i", len(body)))
        chunks.append(body)
    return chunks


def _array_bytes(values: NDArray[Any], code: str, element_oid: int) -> bytes:
    cells = np.empty(len(values), dtype=[("length", ">i4"), ("value", code)])
    cells["length"] = int(code[-1])
    cells["value"] = values
    if len(values) == 0:
        return struct.pack(">iii", 0, 0, element_oid)
    return struct.pack(">iiiii", 1, 0, element_oid, len(values), 1) + cells.tobytes()
