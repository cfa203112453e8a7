"""HTTP of the asset tree: listed, described, edited, moved; the tags of an asset."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from cloud_api.assets.answers import encode_asset, encode_asset_page, encode_asset_series_page
from cloud_api.assets.bulk.sheet import COLUMNS, sheet_rows
from cloud_api.assets.editing import change_asset, create_asset, delete_asset, find_asset
from cloud_api.assets.models import (
    Asset,
    AssetChange,
    AssetPage,
    AssetParameters,
    AssetSeriesPage,
    AssetSeriesParameters,
    DeletedAssets,
    NewAsset,
)
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.globs import below
from cloud_api.problems import Kinds, Problem
from cloud_api.scopes import find_asset_path, read_scope
from cloud_api.sheets import MEDIA_TYPE, SheetForm, wants_sheet, write_sheet
from cloud_api.storage.assets import AssetFilter, AssetRow, select_asset_page
from cloud_api.storage.catalog import SeriesFilter, select_series_page
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/assets", tags=["assets"])

# As many as one bulk edit takes twice over: a sheet is read by people.
MAX_SHEET_ROWS = 10_000
AssetId = Annotated[int, Path(ge=1, le=2**63 - 1)]
CHANGES = (Kinds.BODY_INVALID, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED, Kinds.BODY_TOO_LARGE)


@router.get(
    "",
    response_model=AssetPage,
    responses=refusals(
        Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND, Kinds.QUERY_TOO_LARGE, Kinds.QUERY_TIMEOUT
    ),
    description="The asset tree, in byte order of paths: so many levels of it, or what a filter means."
    " `Accept: text/csv` gives the sheet that `POST /assets/bulk` takes." + role_line(Role.VIEWER),
)
async def list_assets(
    request: Request, parameters: Annotated[AssetParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """List assets."""
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, request.state.settings.query_timeout_s)
        scope = await read_scope(connection, parameters.path, parameters.asset)
        max_depth = parameters.depth
        if max_depth is not None and parameters.asset is not None:
            max_depth += (await find_asset_path(connection, parameters.asset)).count("/") + 1
        question = ("assets", scope.text, max_depth, parameters.kind, parameters.template_id, parameters.q)
        after = read_cursor(parameters.cursor, question, str) if parameters.cursor else ""
        asset_filter = AssetFilter(scope, max_depth, parameters.kind, parameters.template_id, parameters.q)
        is_sheet = wants_sheet(request.headers.get("Accept"))
        limit = MAX_SHEET_ROWS if is_sheet else parameters.limit
        rows = await select_asset_page(connection, asset_filter, after, limit + 1)
    page = rows[:limit]
    if is_sheet:
        return Response(_sheet(rows, parameters.csv), media_type=MEDIA_TYPE)
    cursor = write_cursor(page[-1].path, question) if len(rows) > len(page) else None
    return Response(encode_asset_page(page, cursor), media_type="application/json")


def _sheet(rows: Sequence[AssetRow], form: SheetForm) -> bytes:
    if len(rows) > MAX_SHEET_ROWS:
        detail = f"a sheet has at most {MAX_SHEET_ROWS} assets; ask for fewer by `asset`, `depth`, `kind` or `path`"
        raise Problem(Kinds.QUERY_TOO_LARGE, detail)
    return write_sheet(COLUMNS, sheet_rows(rows), form)


@router.post(
    "",
    response_model=Asset,
    responses=refusals(*CHANGES),
    description="Make an asset; levels above it that are missing are made too. Audited." + role_line(Role.ENGINEER),
)
async def post_asset(new: NewAsset, pool: PoolOf, caller: Engineer) -> Response:
    """Make an asset."""
    async with transaction(pool) as connection:
        row = await create_asset(connection, new, caller.name)
    return Response(msgspec.json.encode(encode_asset(row)), media_type="application/json")


@router.get(
    "/{asset_id}",
    response_model=Asset,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="One asset." + role_line(Role.VIEWER),
)
async def get_asset(asset_id: AssetId, pool: PoolOf, _caller: Viewer) -> Response:
    """Describe one asset."""
    async with pool.connection() as connection:
        row = await find_asset(connection, asset_id)
    return Response(msgspec.json.encode(encode_asset(row)), media_type="application/json")


@router.patch(
    "/{asset_id}",
    response_model=Asset,
    responses=refusals(Kinds.NOT_FOUND, *CHANGES),
    description="Describe an asset anew; another `path` moves or renames it with everything below, in one transaction:"
    " series keep their ids and history, and when one path is taken nothing moves. Audited." + role_line(Role.ENGINEER),
)
async def patch_asset(asset_id: AssetId, change: AssetChange, pool: PoolOf, caller: Engineer) -> Response:
    """Change one asset."""
    async with transaction(pool) as connection:
        row = await change_asset(connection, asset_id, change, caller.name)
    return Response(msgspec.json.encode(encode_asset(row)), media_type="application/json")


@router.delete(
    "/{asset_id}",
    response_model=DeletedAssets,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT),
    description="Delete an asset with all below it, when no series in use hangs there. Audited."
    + role_line(Role.ENGINEER),
)
async def remove_asset(asset_id: AssetId, pool: PoolOf, caller: Engineer) -> Response:
    """Delete one asset."""
    async with transaction(pool) as connection:
        deleted = await delete_asset(connection, asset_id, caller.name)
    return Response(msgspec.json.encode({"deleted": deleted}), media_type="application/json")


@router.get(
    "/{asset_id}/series",
    response_model=AssetSeriesPage,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.CURSOR_INVALID, Kinds.NOT_FOUND),
    description="Tags of an asset and of all below it." + role_line(Role.VIEWER),
)
async def list_asset_series(
    asset_id: AssetId, parameters: Annotated[AssetSeriesParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """List the tags of an asset."""
    async with transaction(pool) as connection:
        asset = await find_asset(connection, asset_id)
        question = ("asset-series", asset.path, parameters.retired)
        after = read_cursor(parameters.cursor, question, str) if parameters.cursor else ""
        series_filter = SeriesFilter(below(asset.path), None, parameters.retired == "include")
        rows = await select_series_page(connection, series_filter, after, parameters.limit + 1)
    page = rows[: parameters.limit]
    cursor = write_cursor(page[-1].path, question) if len(rows) > len(page) else None
    return Response(encode_asset_series_page(asset.path, page, cursor), media_type="application/json")
