"""numpy reads what the plain decoder reads, for every batch there can be."""

import math
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.ingest.columns import EXACT_INTEGER, read_column
from schemas.batch import Batch, Column, decode, encode, encode_json, unpack
from schemas.sample import Kind

INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.integers(-(2**62), 2**62)
FLOAT32 = st.floats(width=32)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.F64: st.floats(),
    Kind.F32: FLOAT32,
    Kind.I64: INT64,
    Kind.U64: st.integers(0, 2**64 - 1),
    Kind.BOOL: st.booleans(),
    Kind.STR: st.text(max_size=20),
    Kind.JSON: st.just('{"a": [1, null]}'),
}
TAGS = tuple(f"hall/{n}" for n in range(300))


@st.composite
def columns(draw: st.DrawFn) -> Column:
    """One column of any kind."""
    kind = draw(st.sampled_from(list(Kind)))
    size = draw(st.integers(0, 30))
    tags = draw(st.lists(st.integers(0, len(TAGS) - 1), min_size=size, max_size=size))
    times = draw(st.lists(TIMES, min_size=size, max_size=size))
    statuses = draw(st.none() | st.lists(st.integers(0, 2**32 - 1), min_size=size, max_size=size))
    values = None if kind is Kind.NONE else draw(st.lists(VALUES[kind], min_size=size, max_size=size))
    return Column(kind, tags, times, statuses, values)


def bits(values: Any) -> list[Any]:
    """Floats by their bits, so that a NaN equals itself."""
    return [struct.pack(">d", value) if isinstance(value, float) else value for value in values]


@given(st.lists(columns(), max_size=6), TIMES, st.booleans())
def test_arrays_say_what_the_decoder_says(parts: list[Column], base_us: int, is_json: bool) -> None:
    batch = Batch("gw-1", bytes(16), 1, base_us, tags=TAGS, columns=tuple(parts))
    payload = encode_json(batch) if is_json else encode(batch)
    packed, plain = unpack(payload), decode(payload)
    for packed_column, column in zip(packed.columns, plain.columns, strict=True):
        arrays = read_column(packed_column, packed.base_us)
        assert arrays.tags.tolist() == list(column.tags)
        assert arrays.times_us.tolist() == list(column.times_us)
        statuses = column.statuses or [0] * len(column.tags)
        assert [status % 2**32 for status in arrays.statuses.tolist()] == list(statuses)
        found = [arrays.value_at(index) for index in range(len(arrays))]
        expected = [None] * len(found) if column.values is None else list(column.values)
        if column.kind in {Kind.F64, Kind.F32}:
            # A NaN keeps being one, but not its payload bits.
            expected = [math.nan if math.isnan(value) else value for value in expected]
        assert bits(found) == bits(expected)
        _check_storage_rule(column, arrays)


def _check_storage_rule(column: Column, arrays: Any) -> None:
    for index, value in enumerate(column.values or ()):
        number = float(arrays.values[index])
        text = None if arrays.texts is None else arrays.texts[index]
        match value:
            case bool():
                assert (number, text) == (float(value), None)
            case int():
                assert number == float(value)
                assert text == (str(value) if abs(value) > EXACT_INTEGER else None)
            case float():
                assert math.isnan(number) == (text is not None)
            case _:
                assert math.isnan(number)
                assert text == value
