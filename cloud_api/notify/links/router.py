"""HTTP of the links in messages: a page to look at, and the button on it. No key: the link itself is the proof."""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from cloud_api.auth.access import WholePool
from cloud_api.notify.links.page import HEADERS, render
from cloud_api.notify.links.service import AcknowledgeSeen, Link, LinkState, look, use
from cloud_api.notify.links.tokens import PATH
from cloud_api.storage.pool import transaction

FORM_BYTES = 16_384
_STATUSES = {LinkState.UNKNOWN: HTTPStatus.NOT_FOUND, LinkState.EXPIRED: HTTPStatus.GONE}

# Pages for people, not an API: they are not in its description.
link_pages = APIRouter(prefix=PATH.rstrip("/"), include_in_schema=False)


@link_pages.get("/{token}")
async def show_link(token: str, pool: WholePool) -> HTMLResponse:
    """Show what would be acknowledged; mail scanners that follow links change nothing."""
    async with transaction(pool) as connection:
        link = await look(connection, token, datetime.now(UTC))
    return _page(link)


@link_pages.post("/{token}")
async def use_link(request: Request, token: str, pool: WholePool) -> HTMLResponse:
    """Acknowledge, once."""
    form = await _form(request)
    acknowledge: AcknowledgeSeen = request.state.acknowledge_seen
    async with transaction(pool) as connection:
        link = await use(connection, token, form["name"], form["comment"] or None, acknowledge, datetime.now(UTC))
    return _page(link)


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    fields = parse_qs(body[:FORM_BYTES].decode(errors="replace"), max_num_fields=20)
    return {name: _plain(fields.get(name, [""])[0], length) for name, length in (("name", 100), ("comment", 1000))}


def _plain(text: str, length: int) -> str:
    return "".join(mark for mark in text if mark.isprintable()).strip()[:length]


def _page(link: Link) -> HTMLResponse:
    return HTMLResponse(render(link), status_code=_STATUSES.get(link.state, HTTPStatus.OK), headers=HEADERS)
