"""The page of latest samples: byte for byte what an encoder writes of one object a series."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.formats.weaving import text_cells
from cloud_api.instants import format_us
from cloud_api.query.answers import encode_latest_page
from cloud_api.query.names import head_of, objects
from cloud_api.query.newest import LatestPage
from cloud_api.query.values import Int64, read_value
from cloud_api.storage.columns import SampleColumns

KINDS = ("f32", "f64", "bool", "i64", "u64", "str", "json", "none")
TEXTS = {
    "f64": st.sampled_from(["NaN", "Infinity", "-Infinity"]),
    "i64": st.integers(-(2**63), 2**63 - 1).map(str),
    "u64": st.integers(0, 2**64 - 1).map(str),
    "str": st.text(max_size=10),
    "json": st.sampled_from(['{"a":[1,2.5,null]}', "not json", "[]"]),
}
VALUES = {
    "bool": st.sampled_from([0.0, 1.0]),
    "i64": st.integers(-(2**53), 2**53).map(float),
    "u64": st.integers(0, 2**53).map(float),
}
INSTANTS = st.integers(-2_208_988_800_000_000, 9_214_646_399_999_999)


@dataclass(frozen=True)
class Series:
    """One row as the database has it."""

    id: int
    path: str
    kind: str
    unit: str | None
    time_us: int
    arrived_us: int
    value: float
    text: str | None
    status: int


@st.composite
def series(draw: st.DrawFn) -> Series:
    kind = draw(st.sampled_from(KINDS))
    has_text = kind in TEXTS and draw(st.booleans())
    has_value = not has_text and draw(st.booleans())
    return Series(
        draw(st.integers(1, 2**31 - 1)),
        draw(st.text(min_size=1, max_size=20)),
        kind,
        draw(st.none() | st.text(max_size=5)),
        draw(INSTANTS),
        draw(INSTANTS),
        draw(VALUES.get(kind, st.floats(allow_nan=False, allow_infinity=False))) if has_value else np.nan,
        draw(TEXTS[kind]) if has_text else None,
        draw(st.sampled_from([0, 0x40000000, 0x80000000, 0xC0000000, 0x80050000])),
    )


@given(st.lists(series(), max_size=12), st.sampled_from(Int64), st.none() | st.text(max_size=8))
@settings(max_examples=80)
def test_a_page_is_written_as_an_encoder_writes_it(rows: list[Series], int64: Int64, cursor: str | None):
    expected = msgspec.json.encode({"items": [_item(row, int64) for row in rows], "next": cursor})
    assert encode_latest_page(_page(rows), int64, cursor) == expected


def test_no_series_is_an_empty_page():
    assert encode_latest_page(None, Int64.NUMBER, None) == b'{"items":[],"next":null}'


def _page(rows: list[Series]) -> LatestPage:
    texts = [row.text for row in rows]
    return LatestPage(
        text_cells([head_of(row.id, row.path, row.kind, row.unit) for row in rows]),
        objects([row.path for row in rows]),
        objects([row.kind for row in rows]),
        np.array([row.arrived_us for row in rows], np.int64),
        SampleColumns(
            np.array([row.time_us for row in rows], np.int64),
            np.array([row.value for row in rows], np.float64),
            np.array([row.status for row in rows], np.uint32),
            texts if any(text is not None for text in texts) else None,
        ),
    )


def _item(row: Series, int64: Int64) -> dict[str, Any]:
    return {
        "id": row.id,
        "path": row.path,
        "kind": row.kind,
        "unit": row.unit,
        "time": format_us(row.time_us),
        "value": read_value(row.kind, row.value, row.text, int64),
        "status": row.status,
        "quality": ("good", "uncertain", "bad", "bad")[row.status >> 30],
        "arrived_at": format_us(row.arrived_us),
    }
