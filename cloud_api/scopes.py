"""What a request speaks of: a path glob, an asset by id or path, or both; features hand the glob on to storage."""

from cloud_api.globs import PathGlob, below, parse_glob, within
from cloud_api.problems import not_found, parameter_invalid
from cloud_api.storage.assets import select_asset_id, select_asset_path
from cloud_api.storage.pool import Connection

ASSET = "Asset by id or exact path: everything below it; with `path`, what both mean"
MAX_ID = 2**63 - 1


async def read_scope(connection: Connection, path: str | None, asset: str | None) -> PathGlob:
    """Mean the series of a glob, of an asset at any depth below it, or of both; without either, all."""
    if asset is None:
        return parse_glob(path or "**")
    outer = below(await find_asset_path(connection, asset))
    return outer if path is None else within(parse_glob(path), outer)


async def find_asset_path(connection: Connection, asset: str, field: str = "asset") -> str:
    """Find an asset by its id (digits alone) or its exact path; a Problem where there is none."""
    if not asset or len(asset) > 1300 or not asset.isprintable():
        raise parameter_invalid(field, asset, "is neither an id nor a path", "the id or the exact path of an asset")
    if asset.isascii() and asset.isdigit():
        path = await select_asset_path(connection, int(asset)) if int(asset) <= MAX_ID else None
    else:
        path = asset if await select_asset_id(connection, asset) is not None else None
    if path is None:
        raise not_found("asset", field, asset)
    return path
