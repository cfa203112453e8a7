"""What callers are told when the database is away, takes too long, or refuses what a caller may not reach."""

import logging

from fastapi import FastAPI, Request
from fastapi.responses import Response

from cloud_api import problems
from cloud_api.auth.access import UNLIMITED
from cloud_api.auth.principal import Principal
from cloud_api.problems import Kinds, Problem
from cloud_api.settings import CloudSettings
from cloud_api.storage.failures import CANCELLED, UNAVAILABLE
from cloud_api.storage.reach import REFUSED, ReachUnenforced

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Let what the database refuses leave `app` as problem documents."""
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _answer_unavailable)
    for kind in (*REFUSED, ReachUnenforced):
        app.add_exception_handler(kind, _answer_refused)
    for kind in CANCELLED:
        app.add_exception_handler(kind, _answer_cancelled)


async def _answer_unavailable(request: Request, error: Exception) -> Response:
    log.warning("%s %s: the database is unavailable: %s", request.method, request.url.path, _one_line(error))
    detail = "the service reconnects by itself; try again"
    return problems.response(Problem(Kinds.DATABASE_UNAVAILABLE, detail, headers={"Retry-After": "5"}))


async def _answer_refused(request: Request, error: Exception) -> Response:
    caller: Principal | None = getattr(request.state, "caller", None)
    if caller is None or caller.reach.is_whole:
        return await problems.answer_unexpected(request, error)
    log.warning("%s %s: refused by the database: %s", request.method, request.url.path, _one_line(error))
    return problems.response(Problem(Kinds.OUTSIDE_REACH, UNLIMITED))


async def _answer_cancelled(request: Request, _error: Exception) -> Response:
    settings: CloudSettings = request.state.settings
    detail = f"it ran for {settings.query_timeout_s:g} s; ask for a shorter window or fewer series"
    return problems.response(Problem(Kinds.QUERY_TIMEOUT, detail))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
