"""Applying a sheet of assets inside one transaction: descriptions first, then moves, parents before children."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloud_api.assets.bulk.sheet import SheetProblem, SheetRow, is_same
from cloud_api.assets.editing import change_asset, create_asset, described, find_asset, move_asset
from cloud_api.assets.models import AssetChange, NewAsset
from cloud_api.problems import Problem, body_invalid
from cloud_api.storage.asset_templates import select_template_ids
from cloud_api.storage.assets import lock_paths, select_assets_by_paths
from cloud_api.storage.pool import Connection


@dataclass(slots=True)
class BulkReport:
    """What a sheet does."""

    created: list[str] = field(default_factory=list[str])
    changed: list[str] = field(default_factory=list[str])
    moved: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    unchanged: int = 0
    problems: list[SheetProblem] = field(default_factory=list[SheetProblem])


async def apply_sheet(connection: Connection, rows: Sequence[SheetRow], principal: str) -> BulkReport:
    """Do what a sheet says, row by row; a row that cannot be done becomes a problem, and the caller rolls back."""
    report = BulkReport()
    await lock_paths(connection)
    templates = await select_template_ids(connection, sorted({row.template for row in rows if row.template}))
    ids: dict[str, int] = {}
    for row in rows:
        try:
            async with connection.transaction():
                ids[row.path] = await _describe(connection, row, templates, principal, report)
        except Problem as problem:
            report.problems.append(_told(row, problem))
    moves = [row for row in rows if row.new_path not in {None, row.path} and row.path in ids]
    for row in sorted(moves, key=lambda row: row.path.count("/")):
        try:
            async with connection.transaction():
                # Its parent may have moved before it.
                asset = await find_asset(connection, ids[row.path])
                await move_asset(connection, asset, row.new_path, principal)
                report.moved.append((row.path, str(row.new_path)))
        except Problem as problem:
            report.problems.append(_told(row, problem, "new_path"))
    report.problems.sort(key=lambda problem: problem.line)
    return report


async def _describe(
    connection: Connection, row: SheetRow, templates: Mapping[str, int], principal: str, report: BulkReport
) -> int:
    fields: dict[str, Any] = {name: getattr(row.change, name) for name in row.change.model_fields_set}
    if row.has_template:
        fields["template_id"] = _template(row, templates)
    (found,) = await select_assets_by_paths(connection, [row.path]) or (None,)
    if found is None:
        made = await create_asset(connection, NewAsset(path=row.path, **fields), principal)
        report.created.append(row.path)
        return made.id
    change = AssetChange(**fields)
    if not fields or is_same(described(found, change), found):
        report.unchanged += 1
        return found.id
    await change_asset(connection, found.id, change, principal)
    report.changed.append(row.path)
    return found.id


def _template(row: SheetRow, templates: Mapping[str, int]) -> int | None:
    if row.template is None:
        return None
    if row.template not in templates:
        raise body_invalid("template", row.template, "names no template", "the name of an asset template")
    return templates[row.template]


def _told(row: SheetRow, problem: Problem, column: str | None = None) -> SheetProblem:
    first = problem.fields[0] if problem.fields else None
    name = column or (first.field if first else None)
    value = None if first is None or first.value is None else str(first.value)
    return SheetProblem(row.line, name, value, problem.detail, first.allowed if first else None)
