"""HTTP of replays: begin one, look how far it is."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from cloud_api.alarms.replay.job import Job, ReplayDesk
from cloud_api.alarms.replay.models import Replay, ReplayRequest
from cloud_api.alarms.replay.subjects import check_cost, read_subjects, read_window
from cloud_api.auth.access import Engineer, PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.problems import Kinds, not_found
from cloud_api.settings import CloudSettings
from cloud_api.storage.history import set_statement_timeout
from cloud_api.storage.pool import transaction

router = APIRouter(prefix="/alarm-definitions/replay", tags=["alarm definitions"])


@router.post(
    "",
    response_model=Replay,
    responses=refusals(
        Kinds.BODY_INVALID,
        Kinds.MEDIA_TYPE_UNSUPPORTED,
        Kinds.QUERY_TOO_LARGE,
        Kinds.QUERY_TIMEOUT,
        Kinds.TOO_MANY_REQUESTS,
    ),
    description="Run definitions over history and compare: what if? Answers at once; look for progress under its id, "
    "in the same process." + role_line(Role.ENGINEER),
)
async def begin_replay(request: Request, body: ReplayRequest, pool: PoolOf, caller: Engineer) -> Response:
    """Begin a replay."""
    settings: CloudSettings = request.state.settings
    window = read_window(body, datetime.now(UTC))
    async with transaction(pool) as connection:
        await set_statement_timeout(connection, settings.query_timeout_s)
        subjects = await read_subjects(connection, body)
        expected = await check_cost(connection, subjects, window, body.max_samples)
    job = Job(window, subjects, expected)
    _desk(request).begin(pool, job, caller.reach)
    return _json(job)


@router.get(
    "/{replay_id}",
    response_model=Replay,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="How far a replay is, and what came of it." + role_line(Role.VIEWER),
)
async def get_replay(request: Request, replay_id: UUID, caller: Viewer) -> Response:
    """Look at a replay."""
    job = _desk(request).find(replay_id, caller.reach)
    if job is None:
        raise not_found("replay", "replay_id", str(replay_id))
    return _json(job)


def _desk(request: Request) -> ReplayDesk:
    """Find the desk of this application; the first replay makes it."""
    state = request.app.state
    if not hasattr(state, "alarm_replays"):
        state.alarm_replays = ReplayDesk()
    desk: ReplayDesk = state.alarm_replays
    return desk


def _json(job: Job) -> Response:
    return Response(msgspec.json.encode(job.show()), media_type="application/json")
