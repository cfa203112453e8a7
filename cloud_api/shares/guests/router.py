"""HTTP of a share for its recipient: what it is, its series, aggregates, time in classes, raised alarms; no more."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from cloud_api.auth.access import BEARER, PATIENCE_S, WholePool
from cloud_api.auth.pace import Pace
from cloud_api.auth.principal import read_bearer
from cloud_api.formats.accept import Format, choose_format, choose_packing
from cloud_api.problems import Kinds, problem_responses
from cloud_api.shares.guests.answers import OFFERED, written
from cloud_api.shares.guests.guest import Guest, find_guest
from cloud_api.shares.guests.models import (
    AlarmParameters,
    ClassParameters,
    DataParameters,
    SharedDescription,
    SharedSeriesList,
    SharedTable,
)
from cloud_api.shares.guests.service import Answer, Desk
from cloud_api.streaming import Streamed

router = APIRouter(prefix="/shared", tags=["shared"])
NEEDS = "\n\nNeeds a key of a share, and nothing else will do."
REFUSALS = (
    Kinds.KEY_MISSING,
    Kinds.KEY_INVALID,
    Kinds.SHARE_ENDED,
    Kinds.TOO_MANY_REQUESTS,
    Kinds.DATABASE_UNAVAILABLE,
)
READING = problem_responses(
    *REFUSALS,
    Kinds.PARAMETER_INVALID,
    Kinds.NOT_FOUND,
    Kinds.NOT_ACCEPTABLE,
    Kinds.QUERY_TOO_LARGE,
    Kinds.SHARE_SPENT,
    Kinds.QUERY_TIMEOUT,
)
FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            each.value: {"schema": {"type": "string", "format": "binary"}}
            for each in OFFERED
            if each is not Format.JSON
        }
    }
}


async def read_desk(
    request: Request, pool: WholePool, _documented: Annotated[object, Depends(BEARER)] = None
) -> AsyncGenerator[Desk]:
    """Prove the key of a share, and let the request run within its share's pace."""
    text = read_bearer(request.headers.get("Authorization"))
    async with pool.connection(timeout=PATIENCE_S) as connection:
        guest = await find_guest(connection, text, address_of(request), request.headers.get("user-agent", ""))
    with paced(request, guest):
        yield Desk(pool, guest, request.state.settings)


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


def paced(request: Request, guest: Guest) -> Any:
    """Count a request of a share; a Problem above its pace."""
    pace: Pace = request.state.pace
    pace.step(guest.heading)
    return pace.running(guest.heading, request.url.path)


AtDesk = Annotated[Desk, Depends(read_desk)]


@router.get("", responses=problem_responses(*REFUSALS), description="What this share is, and what is left." + NEEDS)
async def describe_share(desk: AtDesk) -> SharedDescription:
    """Describe the share of this key."""
    return await desk.describe()


@router.get("/series", responses=problem_responses(*REFUSALS), description="The series of this share." + NEEDS)
async def list_shared_series(desk: AtDesk) -> SharedSeriesList:
    """List the series of the share of this key."""
    return await desk.list_series()


@router.get(
    "/data",
    response_model=SharedTable,
    responses=READING | FORMATS,
    description="Aggregates of whole intervals, a row for each series and interval." + NEEDS,
)
async def read_shared_data(request: Request, parameters: Annotated[DataParameters, Query()], desk: AtDesk) -> Response:
    """Read aggregates."""
    choose_format(request.headers.get("accept"), OFFERED)
    return answered(request, await desk.read_data(parameters))


@router.get(
    "/classes",
    response_model=SharedTable,
    responses=READING | FORMATS,
    description="How many seconds the value of each series was in each class; a value that is a limit belongs to the "
    "class above it, and holds until the next sample. `unknown` is time without a good value." + NEEDS,
)
async def read_shared_classes(
    request: Request, parameters: Annotated[ClassParameters, Query()], desk: AtDesk
) -> Response:
    """Read time in classes."""
    choose_format(request.headers.get("accept"), OFFERED)
    return answered(request, await desk.read_classes(parameters))


@router.get(
    "/alarms",
    response_model=SharedTable,
    responses=READING | FORMATS,
    description="How often alarms were raised, a row for each asset, interval and priority." + NEEDS,
)
async def count_shared_alarms(
    request: Request, parameters: Annotated[AlarmParameters, Query()], desk: AtDesk
) -> Response:
    """Count raised alarms."""
    choose_format(request.headers.get("accept"), OFFERED)
    return answered(request, await desk.count_alarms(parameters))


def answered(request: Request, answer: Answer, chosen: Format | None = None) -> Response:
    """Stream a read in the format that the caller likes best."""
    chosen = chosen or choose_format(request.headers.get("accept"), OFFERED)
    packing = choose_packing(request.headers.get("accept-encoding"))
    return Streamed(written(answer.tables, chosen, answer.head), chosen, packing)
