"""Tables as bytes: what is written is read back by a reader that is not ours, with types, nulls and every digit."""

import csv
import io
import math
import zlib

import arro3.io
import nanoarrow
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from nanoarrow.ipc import InputStream

from cloud_api.formats.accept import Format, Packing, choose_format, choose_packing
from cloud_api.formats.packing import packer
from cloud_api.formats.sheet import Style, csv_head, csv_lines
from cloud_api.formats.table import Column, Table, codes, instants, mixed, numbers, repeated, table
from cloud_api.problems import Problem
from cloud_api.query.encoding import arrow_pieces, csv_pieces, parquet_pieces
from cloud_api.query.tables import sample_table
from cloud_api.query.values import Int64
from cloud_api.storage.columns import SampleColumns
from cloud_api.wall_clocks import find_zone

TIMES = np.array([1_769_846_400_123_456, 1_769_846_401_000_000, 1_769_846_402_000_000], np.int64)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, Format.JSON),
        ("*/*", Format.JSON),
        ("text/csv", Format.CSV),
        ("text/*", Format.CSV),
        ("application/json;q=0.5, text/csv", Format.CSV),
        ("application/vnd.apache.arrow.stream", Format.ARROW),
        ("application/vnd.apache.parquet;q=0.9,*/*;q=0.1", Format.PARQUET),
        ("application/json;q=0, */*", Format.CSV),
        ("TEXT/CSV ; q=1", Format.CSV),
        ("text/html, application/xhtml+xml, */*;q=0.8", Format.JSON),
    ],
)
def test_the_caller_chooses_the_format(accept: str | None, chosen: Format):
    assert choose_format(accept) is chosen


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*", "application/json;q=x"])
def test_nothing_fits_is_said(accept: str):
    with pytest.raises(Problem) as caught:
        choose_format(accept)
    assert caught.value.kind.status == 406
    assert "text/csv" in str(caught.value.fields[0].allowed)


@pytest.mark.parametrize(
    ("header", "packing"),
    [
        (None, Packing.IDENTITY),
        ("gzip, deflate, br, zstd", Packing.ZSTD),
        ("gzip", Packing.GZIP),
        ("zstd;q=0.1, gzip;q=0.5", Packing.GZIP),
        ("gzip;q=0", Packing.IDENTITY),
        ("*", Packing.ZSTD),
        ("br", Packing.IDENTITY),
    ],
)
def test_the_caller_chooses_the_packing(header: str | None, packing: Packing):
    assert choose_packing(header) is packing


@given(st.lists(st.binary(max_size=500)), st.sampled_from(Packing))
def test_packed_pieces_are_one_stream(pieces: list[bytes], packing: Packing):
    packed = packer(packing)
    data = b"".join([*(packed.compress(piece) for piece in pieces), packed.flush()])
    if packing is Packing.GZIP:
        data = zlib.decompress(data, zlib.MAX_WBITS | 16)
    elif packing is Packing.ZSTD:
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    assert data == b"".join(pieces)


def read_arrow(data: bytes) -> list[dict[str, object]]:
    stream = nanoarrow.ArrayStream(InputStream.from_readable(io.BytesIO(data)))
    return [row for chunk in stream for row in chunk.iter_py()] if False else list(stream.read_all().iter_py())


def example() -> Table:
    return table(
        [
            repeated("series", "a/b", 3),
            instants("time", TIMES),
            numbers("value", np.array([1.5, np.nan, -2.0])),
            mixed("count", [1, None, 2**63]),
            mixed("flag", [True, None, False]),
            mixed("at", ["2026-01-31T08:00:00.123456Z", None, "2026-01-31T08:00:02.000000Z"], is_instant=True),
            mixed("text", ["ü", None, "=1+1"]),
            codes("status", np.array([0, 0x809B0000, 0], np.uint32)),
        ]
    )


def test_arrow_is_read_back_by_another_reader():
    first, second = read_arrow(b"".join(arrow_pieces([example(), example()])))[::3]
    assert first == second
    assert list(first) == ["series", "time", "value", "count", "flag", "at", "text", "status"]
    rows = read_arrow(b"".join(arrow_pieces([example()])))
    assert [row["value"] for row in rows] == [1.5, None, -2.0]
    assert [row["count"] for row in rows] == [1, None, 2**63]
    assert [row["flag"] for row in rows] == [True, None, False]
    assert [row["text"] for row in rows] == ["ü", None, "=1+1"]
    assert [row["status"] for row in rows] == [0, 0x809B0000, 0]
    assert str(rows[0]["time"]) == "2026-01-31 08:00:00.123456+00:00"
    assert str(rows[0]["at"]) == "2026-01-31 08:00:00.123456+00:00"


def test_parquet_is_read_back():
    data = b"".join(parquet_pieces([example(), example()]))
    found = arro3.io.read_parquet(io.BytesIO(data)).read_all()
    assert found.num_rows == 6
    assert found["value"].to_pylist() == [1.5, None, -2.0] * 2
    assert found["count"].to_pylist() == [1, None, 2**63] * 2


def test_columns_of_different_kinds_meet_in_one():
    tables = [table([mixed("value", [1, 2])]), table([mixed("value", [0.5, None])]), table([mixed("value", [None])])]
    assert [row["value"] for row in read_arrow(b"".join(arrow_pieces(tables)))] == [1.0, 2.0, 0.5, None, None]
    tables.append(table([mixed("value", ["text"])]))
    assert [row["value"] for row in read_arrow(b"".join(arrow_pieces(tables)))] == ["1", "2", "0.5", None, None, "text"]


def test_an_answer_without_rows_has_its_columns():
    empty = table([instants("time", TIMES[:0]), numbers("value", np.empty(0))])
    assert read_arrow(b"".join(arrow_pieces([empty]))) == []
    assert b"".join(csv_pieces([empty], Style())) == b"time,value\n"
    assert arro3.io.read_parquet(io.BytesIO(b"".join(parquet_pieces([empty])))).read_all().num_rows == 0


@pytest.mark.parametrize(
    ("kind", "values", "texts", "expected"),
    [
        ("i64", [1.0, 2.0**63], [None, str(2**63 - 1)], [1, 2**63 - 1]),
        ("u64", [math.nan, 2.0**64], [None, str(2**64 - 1)], [None, 2**64 - 1]),
        ("f64", [math.nan, math.nan], [None, "Infinity"], [None, math.inf]),
        ("bool", [1.0, math.nan], None, [True, None]),
        ("str", [math.nan, math.nan], ["x", None], ["x", None]),
        ("json", [math.nan, math.nan], ['{"a": 1}', None], ['{"a": 1}', None]),
        ("none", [math.nan, math.nan], None, [None, None]),
    ],
)
def test_stored_values_keep_type_and_digits(
    kind: str, values: list[float], texts: list[str | None] | None, expected: object
):
    samples = SampleColumns(TIMES[:2], np.array(values), np.zeros(2, np.uint32), texts)
    made = sample_table(kind, samples, Int64.NUMBER)
    assert [row["value"] for row in read_arrow(b"".join(arrow_pieces([made])))] == expected


def test_csv_is_plain():
    head, *rows = csv.reader(
        io.StringIO((csv_head(example().names, example(), Style()) + csv_lines(example(), Style())).decode())
    )
    assert head == ["series", "time", "value", "count", "flag", "at", "text", "status"]
    assert rows[0][:4] == ["a/b", "2026-01-31T08:00:00.123456Z", "1.5", "1"]
    assert rows[1] == ["a/b", "2026-01-31T08:00:01.000000Z", "", "", "", "", "", "2157641728"]
    assert rows[2][6] == "=1+1"


def test_a_spreadsheet_gets_a_mark_local_time_and_no_formula():
    style = Style(is_excel=True, zone=find_zone("Asia/Shanghai"))
    data = b"".join(csv_pieces([example()], style))
    assert data.startswith(b"\xef\xbb\xbf")
    lines = data.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "series,time (Asia/Shanghai),value,count,flag,at (Asia/Shanghai),text,status"
    assert lines[1].split(",")[1] == "2026-01-31 16:00:00.123"
    assert lines[3].split(",")[6] == "'=1+1"
    assert lines[2].split(",")[5] == ""


@given(st.integers(0, 50), st.integers(1, 20))
def test_slices_of_a_column_are_its_rows(size: int, length: int):
    whole: Column = numbers("x", np.arange(size, dtype=np.float64)).once()
    parts = [whole.slice(start, start + length) for start in range(0, size, length)]
    assert [value for part in parts for value in part.shown()] == whole.shown()
    assert sum(part.size for part in parts) == size
