"""What engineers change of the tree: made, described, moved with all below, deleted; audited, whole or not at all."""

from dataclasses import replace
from typing import Any

import msgspec
from pydantic import BaseModel

from cloud_api.assets.models import AssetChange, AssetKind, AssetName, NewAsset
from cloud_api.problems import FieldProblem, Kinds, Problem, body_invalid, not_found
from cloud_api.storage.asset_templates import select_template_exists
from cloud_api.storage.assets import (
    AssetRow,
    blank_asset,
    delete_assets_below,
    insert_asset,
    insert_grown_assets,
    lock_paths,
    select_asset,
    select_asset_id,
    select_deepest_level,
    select_move_clashes,
    select_series_count_below,
    update_asset,
    update_moved_assets,
    update_moved_series,
    upsert_asset_aliases,
)
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.catalog import update_series_generation
from cloud_api.storage.pool import Connection
from schemas.sample import MAX_LEVELS, path_problem

PATH_ALLOWED = "at most 12 levels joined by '/', each of 1 to 100 printable characters without / * ? # +, in NFC"
_GROWN_KINDS = (AssetKind.SITE, AssetKind.AREA, AssetKind.LINE)


async def create_asset(connection: Connection, new: NewAsset, principal: str) -> AssetRow:
    """Make an asset, and the levels above it that are missing."""
    check_path(new.path)
    await lock_paths(connection)
    if await select_asset_id(connection, new.path) is not None:
        raise Problem(Kinds.CONFLICT, f"there is an asset {new.path!r} already")
    await _check_template(connection, new.template_id)
    await insert_grown_assets(connection, [new.path])
    row = described(blank_asset(new.path, _grown_kind(new.path)), new)
    asset_id = await insert_asset(connection, row)
    detail = new.model_dump(mode="json", exclude_unset=True)
    await insert_audit(connection, principal, "asset.create", str(asset_id), detail)
    return await find_asset(connection, asset_id)


async def change_asset(connection: Connection, asset_id: int, change: AssetChange, principal: str) -> AssetRow:
    """Describe an asset anew, move it, or both."""
    named = change.model_dump(mode="json", exclude_unset=True)
    if not named:
        raise body_invalid("path", None, "and every other field is missing", "a field to change")
    await lock_paths(connection)
    row = await find_asset(connection, asset_id)
    if set(named) - {"path"}:
        await _check_template(connection, change.template_id)
        changed = described(row, change)
        await update_asset(connection, changed)
        detail = {"from": _shown(row, named), "to": {key: named[key] for key in named if key != "path"}}
        await insert_audit(connection, principal, "asset.change", str(asset_id), detail)
    if "path" in named:
        await move_asset(connection, row, change.path, principal)
    return await find_asset(connection, asset_id)


async def move_asset(connection: Connection, row: AssetRow, path: str | None, principal: str) -> None:
    """Move or rename an asset with all below it; refused whole when anything stands in the way."""
    check_path(path)
    assert path is not None
    if path == row.path:
        return
    if path.startswith(f"{row.path}/"):
        raise body_invalid("path", path, "lies below the asset itself", "a path outside the asset")
    levels = await select_deepest_level(connection, row.path) + path.count("/") - row.path.count("/")
    if levels > MAX_LEVELS:
        raise body_invalid("path", path, f"would give what is below it {levels} levels", f"at most {MAX_LEVELS} levels")
    clashes = await select_move_clashes(connection, row.path, path)
    if clashes:
        raise _clash(path, clashes)
    await upsert_asset_aliases(connection, row.id, row.path)
    assets = await update_moved_assets(connection, row.path, path)
    series = await update_moved_series(connection, row.path, path)
    await insert_grown_assets(connection, [path])
    await update_series_generation(connection)
    detail = {"from": row.path, "to": path, "assets": assets, "series": series}
    await insert_audit(connection, principal, "asset.move", str(row.id), detail)


async def delete_asset(connection: Connection, asset_id: int, principal: str) -> list[str]:
    """Delete an asset and all below it, as long as no series in use hangs there."""
    await lock_paths(connection)
    row = await find_asset(connection, asset_id)
    in_use, _ = await select_series_count_below(connection, row.path)
    if in_use:
        detail = f"{in_use} series in use are below {row.path!r}; retire or move them first"
        raise Problem(Kinds.CONFLICT, detail)
    deleted = sorted(await delete_assets_below(connection, row.path))
    await insert_audit(connection, principal, "asset.delete", str(asset_id), {"path": row.path, "deleted": deleted})
    return deleted


async def find_asset(connection: Connection, asset_id: int) -> AssetRow:
    """Read one asset; a Problem when there is none."""
    row = await select_asset(connection, asset_id)
    if row is None:
        raise not_found("asset", "asset_id", asset_id)
    return row


def described(row: AssetRow, change: NewAsset | AssetChange) -> AssetRow:
    """The row with what the change names; null takes a text away and gives the rest its beginning."""
    named = change.model_fields_set
    name = change.name or AssetName()
    changes: dict[str, Any] = {}
    if "name" in named:
        languages = {"en", "zh"} if change.name is None else name.model_fields_set
        changes |= {f"name_{language}": getattr(name, language) for language in languages}
    if "kind" in named:
        changes["kind"] = (change.kind or _grown_kind(row.path)).value
    for field in named & {"description", "location", "template_id"}:
        changes[field] = getattr(change, field)
    if "attributes" in named:
        changes["attributes"] = msgspec.json.encode(change.attributes or {}).decode()
    if "documents" in named:
        changes["documents"] = msgspec.json.encode(change.documents or [], enc_hook=BaseModel.model_dump).decode()
    return replace(row, **changes)


def check_path(path: str | None) -> None:
    """Refuse what cannot be a path."""
    problem = "is null" if path is None else path_problem(path)
    if problem:
        raise body_invalid("path", path, problem, PATH_ALLOWED)


def _grown_kind(path: str) -> AssetKind:
    depth = path.count("/")
    return _GROWN_KINDS[depth] if depth < len(_GROWN_KINDS) else AssetKind.ASSET


async def _check_template(connection: Connection, template_id: int | None) -> None:
    if template_id is not None and not await select_template_exists(connection, template_id):
        raise body_invalid("template_id", template_id, "names no template", "the id of an asset template")


def _clash(path: str, clashes: list[tuple[str, str]]) -> Problem:
    fields = [
        FieldProblem(field="path", value=taken, detail=f"there is {what} of this path already", allowed="a free path")
        for what, taken in clashes
    ]
    shown = ", ".join(repr(taken) for _, taken in clashes[:3])
    return Problem(Kinds.CONFLICT, f"nothing was moved to {path!r}: {shown} is there already", fields=fields)


def _shown(row: AssetRow, named: dict[str, Any]) -> dict[str, Any]:
    before: dict[str, Any] = {
        "kind": row.kind,
        "name": {"en": row.name_en, "zh": row.name_zh},
        "description": row.description,
        "location": row.location,
        "attributes": msgspec.json.decode(row.attributes),
        "documents": msgspec.json.decode(row.documents),
        "template_id": row.template_id,
    }
    return {key: before[key] for key in named if key in before}
