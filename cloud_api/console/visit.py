"""One visit to a page: who comes is asked of the API by the cookie; strangers go to the log-in."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from nicegui import ui

from cloud_api.auth.session_tokens import COOKIE
from cloud_api.console.api import Api, Refused, Service
from cloud_api.console.formats import Formats
from cloud_api.console.frame import show_frame
from cloud_api.console.login import origin_of, show_away
from cloud_api.console.look import Look, read_look
from cloud_api.console.page import dress
from cloud_api.console.parts.html import element
from cloud_api.console.registry import Page
from cloud_api.console.screen import PREFERENCES, Screen
from cloud_api.console.sitemap import pages
from cloud_api.console.watch import AlarmWatch
from cloud_api.console.words import words

WELCOME = "/welcome"
UNAUTHORISED = 401


@dataclass(frozen=True, slots=True)
class Place:
    """The console's application, whose state is there once its lifespan has begun."""

    app: FastAPI

    @property
    def service(self) -> Service:
        """The API inside this process."""
        service: Service = self.app.state.service
        return service

    @property
    def watch(self) -> AlarmWatch:
        """What tells pages of alarms."""
        watch: AlarmWatch = self.app.state.watch
        return watch


def visit(page: Page, place: Place) -> Callable[[Request], Awaitable[Response | None]]:
    """What builds a page for whoever comes."""

    async def show(request: Request) -> Response | None:
        look = read_look(request)
        api = Api(place.service, request.cookies.get(COOKIE, ""), look.language, origin_of(request))
        try:
            me = await api.get("/me")
            screen = _screen(page, place, api, look, me)
            screen.query.update(request.query_params)
            if me["must_change_password"]:
                return None if await _welcomed(screen, page) else RedirectResponse(WELCOME, 303)
            screen.preferences.update(await screen.kept(PREFERENCES))
            screen.site = await api.get("/site")
        except Refused as refused:
            return _turned_away(request, look, refused)
        dress(screen)
        await show_frame(screen, page.build, pages())
        return None

    return show


async def _welcomed(screen: Screen, page: Page) -> bool:
    """Whoever must replace a one-time password sees the page for that, and no other."""
    if screen.page.address != WELCOME:
        return False
    dress(screen)
    with element("main", "ms-welcome-first"):
        with element("h1", "ms-hidden"):
            ui.label(screen.text(screen.page.title_key))
        await page.build(screen)
    return True


def _screen(page: Page, place: Place, api: Api, look: Look, me: Mapping[str, Any]) -> Screen:
    text = words(look.language)
    return Screen(
        page=page,
        client=ui.context.client,
        api=api,
        me=me,
        look=look,
        text=text,
        formats=Formats(text, look.zone),
        watch=place.watch,
    )


def _turned_away(request: Request, look: Look, refused: Refused) -> Response:
    if refused.status != UNAUTHORISED:
        return HTMLResponse(show_away(look), refused.status, {"Retry-After": "5"})
    question = {"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")}
    if request.cookies.get(COOKIE):
        question["why"] = "ended"
    return RedirectResponse("/login?" + urlencode(question), 303)
