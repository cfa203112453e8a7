"""Rows of the asset tree to the bytes of an answer (pure)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cloud_api.instants import format_at
from cloud_api.storage.assets import AssetRow
from cloud_api.storage.catalog import SeriesRow


def encode_asset(row: AssetRow) -> dict[str, Any]:
    """Write one asset."""
    return {
        "id": row.id,
        "path": row.path,
        "parent": row.parent,
        "depth": row.depth,
        "kind": row.kind,
        "name": {"en": row.name_en, "zh": row.name_zh},
        "description": row.description,
        "location": row.location,
        "attributes": msgspec.Raw(row.attributes.encode()),
        "documents": msgspec.Raw(row.documents.encode()),
        "template_id": row.template_id,
        "template": row.template_name,
        "children": row.child_count,
        "series": row.series_count,
        "created_at": format_at(row.created_at),
        "updated_at": format_at(row.updated_at),
    }


def encode_asset_page(rows: Sequence[AssetRow], cursor: str | None) -> bytes:
    """Write a page of assets."""
    return msgspec.json.encode({"items": [encode_asset(row) for row in rows], "next": cursor})


def encode_asset_series_page(path: str, rows: Sequence[SeriesRow], cursor: str | None) -> bytes:
    """Write a page of the tags below the asset at `path`."""
    items = [
        {
            "id": row.id,
            "path": row.path,
            "tag": row.path.removeprefix(f"{path}/"),
            "kind": row.kind,
            "unit": row.unit,
            "description": row.description,
            "low": row.low,
            "high": row.high,
            "agent": row.source_agent,
            "device": row.device,
            "scan_period_s": row.scan_period_s,
            "retired_at": None if row.retired_at is None else format_at(row.retired_at),
        }
        for row in rows
    ]
    return msgspec.json.encode({"items": items, "next": cursor})
