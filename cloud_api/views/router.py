"""HTTP of a person's own views: language, filters, saved charts; what the console remembers of somebody."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from cloud_api.auth.access import Caller, WholePool, refusals
from cloud_api.problems import Kinds, Problem, not_found
from cloud_api.storage.pool import transaction
from cloud_api.storage.views import delete_view, select_views, upsert_view
from cloud_api.users.own import person
from cloud_api.views.models import NAME, View, ViewContent, ViewPage

MOST_VIEWS = 500

router = APIRouter(prefix="/me/views", tags=["access"])

ViewName = Annotated[str, Path(pattern=NAME, description="Lower-case letters, digits and . _ -", examples=["alarms"])]


@router.get("", responses=refusals(Kinds.CONFLICT, Kinds.PARAMETER_INVALID), description="One's own. For every user.")
async def list_views(
    pool: WholePool,
    caller: Caller,
    prefix: Annotated[str, Query(max_length=64, description="Only names that begin so")] = "",
) -> ViewPage:
    """List one's own views."""
    async with pool.connection() as connection:
        rows = await select_views(connection, person(caller), prefix)
    return ViewPage(items=[View(name=row.name, content=row.content, changed_at=row.changed_at) for row in rows])


@router.put(
    "/{name}",
    responses=refusals(Kinds.CONFLICT, Kinds.PARAMETER_INVALID, Kinds.BODY_INVALID, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description=f"Keep a view, or replace it; at most {MOST_VIEWS} a person. For every user.",
)
async def put_view(name: ViewName, body: ViewContent, pool: WholePool, caller: Caller) -> View:
    """Keep a view."""
    async with transaction(pool) as connection:
        row = await upsert_view(connection, person(caller), name, body.content, MOST_VIEWS)
    if row is None:
        raise Problem(Kinds.CONFLICT, f"{MOST_VIEWS} views are kept already; remove one first")
    return View(name=row.name, content=row.content, changed_at=row.changed_at)


@router.delete(
    "/{name}",
    status_code=204,
    responses=refusals(Kinds.CONFLICT, Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="Forget a view. For every user.",
)
async def remove_view(name: ViewName, pool: WholePool, caller: Caller) -> None:
    """Forget a view."""
    user_id = person(caller)
    async with transaction(pool) as connection:
        if not await delete_view(connection, user_id, name):
            raise not_found("view", "name", name)
