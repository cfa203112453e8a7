"""The composer of the console: the API's application inside, the log-in, and every page within its frame."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from nicegui import ui
from starlette.staticfiles import StaticFiles

from cloud_api.app import GiveUp, create_app
from cloud_api.console.api import Service
from cloud_api.console.files import STATIC
from cloud_api.console.guard import Guard
from cloud_api.console.login import router as login
from cloud_api.console.page import LookedPage
from cloud_api.console.signatures import remember_signatures
from cloud_api.console.sitemap import pages
from cloud_api.console.visit import Place, visit
from cloud_api.console.watch import AlarmWatch
from cloud_api.server_events import Closing
from cloud_api.settings import CONSOLE_ALONE, CloudSettings

# So long a browser may be away and finds its page as it was; afterwards it loads the same view anew.
RESUME_S = 60.0
BUILD_S = 30.0


def create_console(settings: CloudSettings, give_up: GiveUp, closing: Closing) -> FastAPI:
    """Make the application; nothing is connected before its lifespan begins. Once a process: the library has one."""
    # It would tell of every question that a page asks of its own process.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    inside = replace(settings, database_pool_size=settings.console.pool_size)
    api = create_app(inside, CONSOLE_ALONE, give_up, closing)
    remember_signatures()
    app = FastAPI(title="Millstream console", openapi_url=None, lifespan=_lifespan(api, settings))
    app.include_router(login)
    app.mount("/static", StaticFiles(directory=STATIC))
    place = Place(app)
    for page in pages():
        LookedPage(page, response_timeout=BUILD_S)(visit(page, place))
    ui.run_with(
        app,
        title="Millstream",
        favicon=STATIC / "icon.svg",
        tailwind=False,
        reconnect_timeout=RESUME_S,
        show_welcome_message=False,
    )
    app.add_middleware(Guard, api=api)
    return app


def _lifespan(
    api: FastAPI, settings: CloudSettings
) -> Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]]:
    """Let the API's parts live as long as the console, and the watch of alarms beside them."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[Mapping[str, Any]]:
        async with api.router.lifespan_context(api) as found:
            state: dict[str, Any] = dict(found or {})
            app.state.service = Service(api, state, _api_url(settings))
            app.state.watch = AlarmWatch(state["alarm_feed"])
            watching = asyncio.create_task(app.state.watch.run(), name="watch of alarms")
            try:
                # Requests for the API's own paths find its state, as everywhere.
                yield state
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    return lifespan


def _api_url(settings: CloudSettings) -> str:
    """Where samples are taken; the API beside the console, unless its certificate has a name of its own."""
    is_plain = settings.http_cert_file is None and settings.http_port
    return settings.console.api_url or (f"http://127.0.0.1:{settings.http_port}" if is_plain else "")
