"""HTTP of the page of a share: a link or a key opens it, a cookie of its own keeps it open, downloads go by that."""

import time
from collections.abc import Callable
from datetime import UTC
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from cloud_api.auth.access import PATIENCE_S, WholePool
from cloud_api.formats.accept import Format
from cloud_api.instants import format_us
from cloud_api.problems import Kinds, Problem
from cloud_api.shares.guard import last_days
from cloud_api.shares.guests.guest import Guest, find_guest
from cloud_api.shares.guests.models import AlarmParameters, ClassParameters, DataParameters
from cloud_api.shares.guests.router import address_of, answered, paced
from cloud_api.shares.guests.service import Answer, Desk
from cloud_api.shares.models import KeyKind
from cloud_api.shares.page.writing import HEADERS, write_door, write_share
from cloud_api.storage.pool import Pool

COOKIE = "millstream_share"
HOME = "/shared"
FORM_BYTES = 4_096

# Pages for people, not an API: they are not in its description.
share_pages = APIRouter(prefix=HOME, include_in_schema=False)


class What(StrEnum):
    """What can be downloaded."""

    DATA = "data"
    CLASSES = "classes"
    ALARMS = "alarms"


@share_pages.get("")
async def show_share(request: Request, pool: WholePool) -> HTMLResponse:
    """Show the share of the cookie, or ask for a key."""
    text = request.cookies.get(COOKIE)
    if not text:
        return _page(write_door())
    try:
        guest = await _guest(request, pool, text)
        with paced(request, guest):
            desk = Desk(pool, guest, request.state.settings)
            about = await desk.describe("page")
            series = await desk.list_series()
    except Problem as problem:
        return _shut(problem)
    base = request.state.settings.notify.public_url or str(request.base_url).rstrip("/")
    return _page(write_share(about, series, base))


@share_pages.post("/open")
async def open_by_key(request: Request, pool: WholePool) -> Response:
    """Open the share of a key that was typed in."""
    body = await request.body()
    fields = parse_qs(body[:FORM_BYTES].decode(errors="replace"), max_num_fields=5)
    return await _open(request, pool, fields.get("key", [""])[0].strip(), lambda _guest: True)


@share_pages.get("/open/{token}")
async def open_by_link(request: Request, token: str, pool: WholePool) -> Response:
    """Open the share of a link; keys are no links: a secret in an address is kept by browsers and proxies."""
    return await _open(request, pool, token, lambda guest: guest.key_kind == KeyKind.LINK)


@share_pages.post("/leave")
async def leave_share() -> Response:
    """Forget the share in this browser."""
    answer = RedirectResponse(HOME, HTTPStatus.SEE_OTHER, HEADERS)
    answer.delete_cookie(COOKIE, path=HOME)
    return answer


@share_pages.get("/{what}.csv")
async def download(
    request: Request,
    what: Annotated[What, Path()],
    pool: WholePool,
    days: Annotated[int, Query(ge=1, le=3_660)] = 7,
    interval: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """Download the last days of a share, as a table."""
    try:
        guest = await _guest(request, pool, request.cookies.get(COOKIE, ""))
        with paced(request, guest):
            desk = Desk(pool, guest, request.state.settings)
            opened = last_days(guest.terms, days, time.time_ns() // 1000)
            window = {"from": format_us(opened.from_us), "to": format_us(opened.to_us), "interval": interval}
            answer = await _read(desk, what, window)
    except Problem as problem:
        return _shut(problem)
    response = answered(request, answer, Format.CSV)
    response.headers["content-disposition"] = f'attachment; filename="{what.value}.csv"'
    return response


async def _read(desk: Desk, what: What, window: dict[str, str | None]) -> Answer:
    if what is What.DATA:
        return await desk.read_data(DataParameters.model_validate(window))
    if what is What.CLASSES:
        return await desk.read_classes(ClassParameters.model_validate(window))
    return await desk.count_alarms(AlarmParameters.model_validate(window))


async def _open(request: Request, pool: Pool, text: str, is_meant: Callable[[Guest], bool]) -> Response:
    try:
        guest = await _guest(request, pool, text)
    except Problem as problem:
        return _shut(problem)
    if not is_meant(guest):
        return _page(write_door("wrong"), HTTPStatus.UNAUTHORIZED)
    answer = RedirectResponse(HOME, HTTPStatus.SEE_OTHER, HEADERS)
    answer.set_cookie(
        COOKIE,
        text,
        expires=guest.share.expires_at.astimezone(UTC),
        path=HOME,
        secure=request.url.scheme == "https",
        httponly=True,
        # A link comes from a mail: with `strict` the page behind it would ask for a key.
        samesite="lax",
    )
    return answer


async def _guest(request: Request, pool: Pool, text: str) -> Guest:
    async with pool.connection(timeout=PATIENCE_S) as connection:
        return await find_guest(connection, text, address_of(request), request.headers.get("user-agent", ""))


def _shut(problem: Problem) -> HTMLResponse:
    if problem.kind is Kinds.KEY_INVALID.value:
        return _page(write_door("wrong"), HTTPStatus.UNAUTHORIZED)
    return _page(write_door("ended", problem.detail), HTTPStatus(problem.kind.status))


def _page(text: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(text, status_code=status, headers=HEADERS)
