"""Rows of storage to the bytes of an answer (pure); long lists never pass through one model object a row."""

from collections.abc import Generator, Sequence
from typing import Any

import msgspec
import numpy as np

from cloud_api.formats.table import Table
from cloud_api.formats.weaving import Cells, Part, code_cells, instant_cells, text_cells, weave
from cloud_api.instants import format_at
from cloud_api.query.newest import LatestPage
from cloud_api.query.values import DOUBLES, Int64, has_cells, read_values, value_cells
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.findings import GapRow
from schemas.sample import Kind
from schemas.status import Quality

AGGREGATION = (
    "stepped",
    "treat_uncertain_as_bad",
    "percent_data_good",
    "percent_data_bad",
    "sloped_extrapolation",
    "counter_rollover",
)
_QUALITIES = text_cells(
    [msgspec.json.encode(each) for each in (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)]
)


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


def open_sample_page(row: SeriesRow) -> bytes:
    """Write what stands before the samples of a page."""
    return b'{"series":' + msgspec.json.encode(encode_series(row)) + b',"items":['


def sample_pieces(samples: Table, before: bytes) -> Generator[bytes]:
    """Write samples, the first behind what stands before it; nothing where there are none."""
    for some in samples.slices():
        yield some.json_objects(before)
        before = b","


def close_sample_page(cursor: str | None, *, is_complete: bool = True) -> bytes:
    """Write what stands behind the samples of a page."""
    return b'],"next":' + msgspec.json.encode(cursor) + b',"complete":' + msgspec.json.encode(is_complete) + b"}"


def encode_latest_page(page: LatestPage | None, int64: Int64, cursor: str | None) -> bytes:
    """Write a page of latest samples."""
    if page is None:
        return msgspec.json.encode({"items": [], "next": None})
    samples, values = page.samples, _latest_values(page, int64)
    qualities = _QUALITIES.take((samples.statuses >> np.uint32(30)).astype(np.intp))
    parts: list[Part] = [
        page.heads.slice,
        b',"time":',
        lambda low, high: instant_cells(samples.times_us[low:high]),
        b',"value":',
        values.slice,
        b',"status":',
        lambda low, high: code_cells(samples.statuses[low:high]),
        b',"quality":',
        qualities.slice,
        b',"arrived_at":',
        lambda low, high: instant_cells(page.arrived_us[low:high]),
        b"}",
    ]
    items = weave(parts, len(page), b",")
    return b"".join([b'{"items":[', *items, b'],"next":', msgspec.json.encode(cursor), b"}"])


def _latest_values(page: LatestPage, int64: Int64) -> Cells:
    """The values of series of different kinds, each as its own kind has them."""
    kinds: list[str] = page.kinds.tolist()
    found = set(kinds)
    if found <= DOUBLES:
        return value_cells(Kind.F64, page.samples)
    cells = Cells.nothing(len(page))
    for kind in found:
        places = np.flatnonzero(page.kinds == kind)
        samples = page.samples.take(places)
        written = (
            value_cells(kind, samples)
            if has_cells(kind, int64)
            else text_cells([msgspec.json.encode(value) for value in read_values(kind, samples, int64)])
        )
        cells = cells.with_cells(places, written)
    return cells


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
