"""Rows: doubles dropped, the newest found, and the bytes of COPY read back as PostgreSQL reads them."""

import math
import struct
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cloud_api.storage.rows import (
    POSTGRES_EPOCH_US,
    SampleRows,
    copy_bytes,
    distinct_rows,
    float8_array_bytes,
    int4_array_bytes,
    join_rows,
    newest_rows,
    timestamptz_array_bytes,
)

Row = tuple[int, int, int, float, str | None]
ROWS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.integers(10**15, 10**15 + 5),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_infinity=False),
        st.none() | st.text(max_size=5),
    ),
    max_size=40,
)


def rows_of(rows: list[Row], *, with_texts: bool = True) -> SampleRows:
    """Arrays of tuples."""
    texts = np.empty(len(rows), dtype=np.object_)
    texts[:] = [row[4] for row in rows]
    return SampleRows(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int32),
        np.array([row[3] for row in rows], np.float64),
        texts if with_texts else None,
    )


def tuples_of(rows: SampleRows) -> list[tuple[Any, ...]]:
    """Tuples of arrays, null as None."""
    texts = [None] * len(rows) if rows.texts is None else rows.texts.tolist()
    values = [None if math.isnan(value) else value for value in rows.values.tolist()]
    return list(
        zip(rows.series_ids.tolist(), rows.times_us.tolist(), rows.statuses.tolist(), values, texts, strict=True)
    )


def read_copy(data: bytes) -> list[tuple[Any, ...]]:
    """What PostgreSQL makes of a binary COPY, field by field."""
    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    rows, at = [], 19
    while True:
        (count,) = struct.unpack_from(">h", data, at)
        at += 2
        if count == -1:
            assert at == len(data)
            return rows
        assert count == 5
        fields: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            fields.append(None if length < 0 else data[at : at + length])
            at += max(length, 0)
        rows.append(_row(fields))


def _row(fields: list[bytes | None]) -> tuple[Any, ...]:
    series_id, status, time, value, text = fields
    assert series_id is not None
    assert status is not None
    assert time is not None
    return (
        struct.unpack(">i", series_id)[0],
        struct.unpack(">q", time)[0] + POSTGRES_EPOCH_US,
        struct.unpack(">i", status)[0],
        None if value is None else struct.unpack(">d", value)[0],
        None if text is None else text.decode(),
    )


@given(ROWS)
def test_copy_carries_every_row(rows: list[Row]) -> None:
    arrays = rows_of(rows)
    assert sorted(read_copy(copy_bytes(arrays)), key=repr) == sorted(tuples_of(arrays), key=repr)


@given(ROWS)
def test_plain_numbers_are_copied_in_key_order(rows: list[Row]) -> None:
    numbers = distinct_rows(rows_of([row for row in rows if not math.isnan(row[3])], with_texts=False)).rows
    assert read_copy(copy_bytes(numbers)) == tuples_of(numbers)


@given(ROWS)
def test_of_one_key_the_later_row_stays(rows: list[Row]) -> None:
    distinct = distinct_rows(rows_of(rows))
    expected = {(row[0], row[1]): row for row in tuples_of(rows_of(rows))}
    assert tuples_of(distinct.rows) == [expected[key] for key in sorted(expected)]
    assert distinct.same_count + distinct.overwritten_count == len(rows) - len(expected)


def test_doubles_count_as_overwritten_only_where_they_differ() -> None:
    rows: list[Row] = [(1, 10, 0, 1.0, None), (1, 10, 0, 1.0, None), (1, 10, 0, 2.0, None), (2, 10, 0, math.nan, "a")]
    distinct = distinct_rows(rows_of([*rows, (2, 10, 0, math.nan, "b")]))
    assert (distinct.same_count, distinct.overwritten_count) == (1, 2)


@given(ROWS)
def test_newest_is_the_last_of_each_series(rows: list[Row]) -> None:
    distinct = distinct_rows(rows_of(rows)).rows
    newest = {row[0]: row for row in tuples_of(distinct)}
    assert tuples_of(newest_rows(distinct)) == [newest[series] for series in sorted(newest)]


@given(ROWS, ROWS)
def test_joining_keeps_order_and_texts(left: list[Row], right: list[Row]) -> None:
    joined = join_rows([rows_of(left), rows_of(right, with_texts=False)])
    assert tuples_of(joined) == tuples_of(rows_of(left)) + [(*row[:4], None) for row in tuples_of(rows_of(right))]


def test_arrays_are_laid_out_as_postgres_sends_them() -> None:
    assert int4_array_bytes(np.array([7], np.int32)) == bytes.fromhex(
        "00000001 00000000 00000017 00000001 00000001 00000004 00000007"
    )
    assert int4_array_bytes(np.empty(0, np.int32)) == bytes.fromhex("00000000 00000000 00000017")
    assert float8_array_bytes(np.array([1.0]))[-12:] == struct.pack(">id", 8, 1.0)
    assert timestamptz_array_bytes(np.array([POSTGRES_EPOCH_US + 5], np.int64))[-8:] == struct.pack(">q", 5)
