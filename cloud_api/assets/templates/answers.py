"""Templates and their reports to the bytes of an answer (pure)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from cloud_api.assets.templates.report import Conformance
from cloud_api.instants import format_at
from cloud_api.storage.asset_templates import TemplateRow
from cloud_api.storage.assets import AssetRow

REPORT_COLUMNS = ("asset_id", "path", "finding", "tag", "field", "expected", "found")


def encode_template(row: TemplateRow) -> dict[str, Any]:
    """Write one template."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "tags": msgspec.Raw(row.tags.encode()),
        "assets": row.asset_count,
        "created_at": format_at(row.created_at),
        "updated_at": format_at(row.updated_at),
    }


def encode_template_page(rows: Sequence[TemplateRow], cursor: str | None) -> bytes:
    """Write a page of templates."""
    return msgspec.json.encode({"items": [encode_template(row) for row in rows], "next": cursor})


def encode_report(template: TemplateRow, found: Sequence[tuple[AssetRow, Conformance]], cursor: str | None) -> bytes:
    """Write what a template finds of its assets."""
    items = [
        {
            "asset_id": asset.id,
            "path": asset.path,
            "verdict": each.verdict,
            "missing": each.missing,
            "extra": each.extra,
            "differing": [asdict(deviation) for deviation in each.differing],
        }
        for asset, each in found
    ]
    return msgspec.json.encode({"template_id": template.id, "template": template.name, "items": items, "next": cursor})


def report_rows(found: Sequence[tuple[AssetRow, Conformance]]) -> list[tuple[Any, ...]]:
    """The same as rows, one a finding; an asset without findings has none."""
    rows: list[tuple[Any, ...]] = []
    for asset, each in found:
        head = (asset.id, asset.path)
        rows += [(*head, "missing", tag, None, None, None) for tag in each.missing]
        rows += [(*head, "extra", tag, None, None, None) for tag in each.extra]
        rows += [(*head, "differing", one.tag, one.field, one.expected, one.found) for one in each.differing]
    return rows
