"""HTTP of standings: the asset tree with alarms and freshness rolled up."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request

from cloud_api.assets.models import AssetName
from cloud_api.assets.standing.models import AssetStanding, StandingAlarms, StandingPage, StandingParameters
from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.globs import parse_glob
from cloud_api.problems import Kinds
from cloud_api.scopes import find_asset_path
from cloud_api.storage.asset_standing import StandingRow, select_asset_standing
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/assets/standing", tags=["assets"])


@router.get(
    "",
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND, Kinds.QUERY_TIMEOUT),
    description="How every asset stands: open alarms, freshness and quality of its series, with all that is below it."
    + role_line(Role.VIEWER),
)
async def list_asset_standing(
    request: Request, parameters: Annotated[StandingParameters, Query()], pool: PoolOf, _caller: Viewer
) -> StandingPage:
    """List standings."""
    as_of = datetime.now(UTC)
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, request.state.settings.query_timeout_s)
        # An asset itself, and what is below it.
        path = None if parameters.asset is None else await find_asset_path(connection, parameters.asset)
        scope = parse_glob("**" if path is None else f"{path}/**")
        rows = await select_asset_standing(connection, scope, parameters.depth, parameters.limit + 1)
    items = [_shown(row) for row in rows[: parameters.limit]]
    return StandingPage(items=items, as_of=as_of, is_cut=len(rows) > parameters.limit)


def _shown(row: StandingRow) -> AssetStanding:
    return AssetStanding(
        id=row.id,
        path=row.path,
        parent=row.parent,
        depth=row.depth,
        kind=row.kind,
        name=AssetName(en=row.name_en, zh=row.name_zh),
        alarms=StandingAlarms(
            critical=row.critical,
            high=row.high,
            medium=row.medium,
            low=row.low,
            active=row.active,
            unacknowledged=row.unacknowledged,
        ),
        series=row.series,
        bad=row.bad,
        silent=row.silent,
        oldest_at=row.oldest_at,
        newest_at=row.newest_at,
    )
