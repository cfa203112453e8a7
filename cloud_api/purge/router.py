"""HTTP of purging a series."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.auth.access import Admin, PoolOf, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.problems import Kinds
from cloud_api.purge.service import purge

router = APIRouter(tags=["history"])


class PurgeRequest(BaseModel):
    """The word of confirmation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(max_length=1_300, description="The path of the series, repeated exactly")


class PurgeAnswer(BaseModel):
    """How far a purge has come."""

    series_id: int
    path: str
    state: str = Field(description="done; or under_way: ask again, and it goes on", examples=["done", "under_way"])
    samples: int = Field(description="Samples deleted by this request")
    rollups: int = Field(description="Rollup rows deleted by this request, earlier ones included")
    steps: int = Field(description="Steps of samples of this request")


@router.post(
    "/series/{series_id}/purge",
    response_model=PurgeAnswer,
    responses=refusals(Kinds.BODY_INVALID, Kinds.NOT_FOUND, Kinds.CONFLICT, Kinds.MEDIA_TYPE_UNSUPPORTED),
    description="Delete a retired series for good: samples, rollups, corrections, rejects of it, the series itself."
    " Works in steps of 50,000 samples; a large one is `under_way` and goes on when asked again. Audited."
    + role_line(Role.ADMIN),
)
async def purge_series(
    request: Request,
    series_id: Annotated[int, Path(ge=1, le=2**31 - 1)],
    asked: PurgeRequest,
    pool: PoolOf,
    caller: Admin,
) -> Response:
    """Purge one series."""
    budget_s = request.state.settings.query_timeout_s / 2
    purged = await purge(pool, series_id, asked.path, caller.name, budget_s)
    answer = {
        "series_id": series_id,
        "path": purged.series.path,
        "state": "done" if purged.is_done else "under_way",
        "samples": purged.samples,
        "rollups": purged.rollups,
        "steps": purged.steps,
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")
