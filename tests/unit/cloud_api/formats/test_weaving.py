"""Rows woven out of columns: byte for byte what an encoder writes of the same rows, one object a row."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.formats.table import ROWS, Table, codes, instants, mixed, numbers, table
from cloud_api.formats.weaving import Cut, number_cells, text_cells, weave
from cloud_api.instants import format_us
from cloud_api.query.tables import sample_table
from cloud_api.query.values import Int64, read_values
from cloud_api.storage.columns import SampleColumns

EARLIEST_US, LATEST_US = -2_208_988_800_000_000, 9_214_646_399_999_999
DOUBLES = st.floats(allow_subnormal=True) | st.floats(-1e3, 1e3).map(lambda value: round(value, 2)) | st.just(1e16)
WHOLE = st.integers(-(2**53), 2**53) | st.integers(-(2**63), 2**64 - 1)
CODES = st.sampled_from([0, 0x40000000, 0x80000000, 0x80050000, 2**32 - 1])


@st.composite
def samples(draw: st.DrawFn, kind: str) -> SampleColumns:
    """Samples as ingest stores them: what a double does not hold stands as a text."""
    times = draw(st.lists(st.integers(EARLIEST_US, LATEST_US), max_size=8, unique=True).map(sorted))
    size = len(times)
    if kind == "bool":
        exact: list[Any] = draw(st.lists(st.booleans() | st.none(), min_size=size, max_size=size))
    elif kind in {"i64", "u64"}:
        exact = draw(st.lists(WHOLE | st.none(), min_size=size, max_size=size))
    else:
        exact = draw(st.lists(DOUBLES | st.none(), min_size=size, max_size=size))
    values = [np.nan if value is None else float(value) for value in exact]
    texts = [_text(value) for value in exact]
    statuses = draw(st.lists(CODES, min_size=size, max_size=size) | st.just([0] * size))
    return SampleColumns(
        np.array(times, np.int64),
        np.array([np.nan if not np.isfinite(value) else value for value in values], np.float64),
        np.array(statuses, np.uint32),
        texts if any(text is not None for text in texts) else None,
    )


def _text(value: Any) -> str | None:
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else None


@pytest.mark.parametrize("kind", ["f64", "bool", "i64", "u64"])
@given(data=st.data(), int64=st.sampled_from(Int64))
@settings(max_examples=60)
def test_samples_are_written_as_an_encoder_writes_them(kind: str, data: st.DataObject, int64: Int64):
    stored = data.draw(samples(kind))
    times = [format_us(each) for each in stored.times_us.tolist()]
    rows = list(zip(times, read_values(kind, stored, int64), stored.statuses.tolist(), strict=True))
    made = sample_table(kind, stored, int64)
    assert b"[" + made.json_rows() + b"]" == msgspec.json.encode(rows)
    objects = [dict(zip(("time", "value", "status"), row, strict=True)) for row in rows]
    assert b"[" + made.json_objects() + b"]" == msgspec.json.encode(objects)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=200))
def test_doubles_of_any_bits_are_written_as_an_encoder_writes_them(bits: list[int]):
    values = np.array(bits, np.uint64).view(np.float64)
    woven = b"".join(weave([lambda low, high: number_cells(values[low:high])], len(values), b","))
    assert b"[" + woven + b"]" == msgspec.json.encode(values.tolist())


def test_exponents_are_written_as_an_encoder_writes_them():
    values = np.concatenate([scale * 10.0 ** np.arange(-320, 308) for scale in (1.0, -1.25, 9.999999999999998)])
    woven = b"".join(weave([lambda low, high: number_cells(values[low:high])], len(values), b","))
    assert b"[" + woven + b"]" == msgspec.json.encode(values.tolist())


@given(
    st.lists(st.lists(st.text(max_size=60).map(str.encode), min_size=3, max_size=3), max_size=30),
    st.lists(st.sampled_from([0, 1, 20, 150]).map(lambda width: b"|" * width), min_size=4, max_size=4),
)
def test_texts_of_any_length_lie_side_by_side(rows: list[list[bytes]], fixed: list[bytes]):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]

    def cut(texts: list[bytes]) -> Cut:
        return lambda low, high: text_cells(texts).slice(low, high)

    first, second, third = map(cut, columns)
    one, two, three, four = fixed
    woven = weave([one, first, two, second, three, b"-", third, four], len(rows))
    assert b"".join(woven) == b"".join(one + a + two + b + three + b"-" + c + four for a, b, c in rows)


def test_a_text_may_take_the_place_of_another():
    cells = number_cells(np.array([1.5, 2.0, 3.25])).with_texts(np.array([0, 2]), [b'"NaN"', b"7"])
    assert b"".join(weave([lambda _low, _high: cells], 3, b" ")) == b'"NaN" 2.0 7'


def test_slices_of_a_long_table_make_up_the_whole():
    size = 2 * ROWS + 1
    times = 1_769_846_400_000_000 + np.arange(size, dtype=np.int64) * 250_000
    values = np.round(np.sin(np.arange(size)), 3)
    values[::1000] = np.nan
    made = table([instants("time", times), numbers("value", values), codes("status", np.arange(size, dtype=np.uint32))])
    slices = list(made.slices())
    assert [each.size for each in slices] == [ROWS, ROWS, 1]
    assert b"[" + b",".join(each.json_rows() for each in slices) + b"]" == msgspec.json.encode(made.rows())


def test_columns_of_mixed_values_are_written_too():
    made = table([instants("time", np.array([0], np.int64)), mixed("value", [{"a": [1]}])])
    assert made.json_rows() == b'["1970-01-01T00:00:00.000000Z",{"a":[1]}]'
    assert made.json_objects() == b'{"time":"1970-01-01T00:00:00.000000Z","value":{"a":[1]}}'
    assert list(Table([]).slices()) == []
