"""Rows of storage to the bytes of an answer (pure); long lists never pass through one model object a row."""

from collections.abc import Generator, Sequence
from typing import Any

import msgspec
import numpy as np

from cloud_api.instants import format_at, format_column
from cloud_api.query.tables import sample_table
from cloud_api.query.values import Int64, read_value, read_values
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.findings import GapRow
from cloud_api.storage.latest import LatestColumns
from schemas.sample import Kind
from schemas.status import Quality


class _LatestItem(msgspec.Struct, gc=False):
    id: int
    path: str
    kind: str
    unit: str | None
    time: str
    value: Any
    status: int
    quality: str
    arrived_at: str


AGGREGATION = (
    "stepped",
    "treat_uncertain_as_bad",
    "percent_data_good",
    "percent_data_bad",
    "sloped_extrapolation",
    "counter_rollover",
)
_DOUBLES = frozenset({Kind.F32.value, Kind.F64.value})
_QUALITIES = (Quality.GOOD.value, Quality.UNCERTAIN.value, Quality.BAD.value, Quality.BAD.value)


def encode_series(row: SeriesRow) -> dict[str, Any]:
    """Write one series."""
    return {
        "id": row.id,
        "path": row.path,
        "kind": row.kind,
        "unit": row.unit,
        "description": row.description,
        "low": row.low,
        "high": row.high,
        "device": row.device,
        "asset": row.asset,
        "agent": row.source_agent,
        "source_path": row.source_path,
        "scan_period_s": row.scan_period_s,
        "aggregation": encode_aggregation(row),
        "calculation": row.calculation,
        "created_at": format_at(row.created_at),
        "retired_at": None if row.retired_at is None else format_at(row.retired_at),
    }


def encode_aggregation(row: SeriesRow) -> dict[str, Any] | None:
    """Write how a series is aggregated; None where it says nothing."""
    found = {name: getattr(row, name) for name in AGGREGATION}
    return None if all(value is None for value in found.values()) else found


def encode_series_page(rows: Sequence[SeriesRow], cursor: str | None) -> bytes:
    """Write a page of series."""
    return msgspec.json.encode({"items": [encode_series(row) for row in rows], "next": cursor})


def sample_page_pieces(row: SeriesRow, columns: SampleColumns, int64: Int64, cursor: str | None) -> Generator[bytes]:
    """Write a page of samples; a short one is one piece."""
    made = b'{"series":' + msgspec.json.encode(encode_series(row)) + b',"items":['
    for index, some in enumerate(sample_table(row.kind, columns, int64).slices()):
        if index:
            yield made
        made = (b"," if index else made) + some.json_objects()
    yield made + b'],"next":' + msgspec.json.encode(cursor) + b"}"


def encode_latest_page(page: LatestColumns | None, int64: Int64, cursor: str | None) -> bytes:
    """Write a page of latest samples."""
    if page is None:
        return msgspec.json.encode({"items": [], "next": None})
    samples = page.samples
    texts = samples.texts or [None] * len(samples)
    if samples.texts is None and set(page.kinds) <= _DOUBLES:
        values = read_values(Kind.F64, samples, int64)
    else:
        values = [
            read_value(kind, value, text, int64)
            for kind, value, text in zip(page.kinds, samples.values.tolist(), texts, strict=True)
        ]
    # Series of one batch arrive together.
    arrivals, arrived = np.unique(page.arrived_us, return_inverse=True)
    shown = format_column(arrivals)
    columns = (
        page.ids,
        page.paths,
        page.kinds,
        page.units,
        format_column(samples.times_us),
        values,
        samples.statuses.tolist(),
        [_QUALITIES[top] for top in (samples.statuses >> np.uint32(30)).tolist()],
        [shown[place] for place in arrived.tolist()],
    )
    items = [_LatestItem(*each) for each in zip(*columns, strict=True)]
    return msgspec.json.encode({"items": items, "next": cursor})


def encode_gap_page(rows: Sequence[GapRow], cursor: str | None) -> bytes:
    """Write a page of gaps."""
    items = [
        {
            "id": row.id,
            "agent": row.agent,
            "device": row.device,
            "paths": row.paths,
            "from_at": format_at(row.from_at),
            "to_at": format_at(row.to_at),
            "reason": row.reason,
            "epoch": row.epoch.hex if row.epoch else None,
            "first_batch": row.first_batch,
            "last_batch": row.last_batch,
            "recorded_at": format_at(row.recorded_at),
        }
        for row in rows
    ]
    return msgspec.json.encode({"items": items, "next": cursor})
