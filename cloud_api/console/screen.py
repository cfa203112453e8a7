"""What a page is built with: who looks at it, how to ask the API, and how to say and remember things."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from nicegui import Client, background_tasks, ui

from cloud_api.auth.roles import Permission
from cloud_api.console.api import Api, Refused
from cloud_api.console.formats import Formats
from cloud_api.console.look import Look
from cloud_api.console.navigation import Destination
from cloud_api.console.refusals import explain
from cloud_api.console.watch import AlarmWatch
from cloud_api.console.words import Language, Words

PREFERENCES = "preferences"
ENDED = frozenset({"key-invalid", "key-missing"})

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Screen:
    """One page in one browser tab."""

    page: Destination
    client: Client
    api: Api
    me: Mapping[str, Any]
    look: Look
    text: Words
    formats: Formats
    watch: AlarmWatch
    # What the address says of the view; `remember` changes both.
    query: dict[str, str] = field(default_factory=dict[str, str])
    preferences: dict[str, Any] = field(default_factory=dict[str, Any])
    # Name, shifts and retention, as GET /site tells; empty for whoever must replace a password first.
    site: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_chinese(self) -> bool:
        """Whether the reader's language is Chinese, for what data have in both."""
        return self.text.language is Language.ZH

    def may(self, permission: Permission) -> bool:
        """Whether the person may do this; the API refuses it anyway."""
        return permission in self.me["permissions"]

    def remember(self, **values: object) -> None:
        """Put the view's state into the address: who reloads it, or opens it elsewhere, sees the same. None removes."""
        for name, value in values.items():
            if value is None or value == "":
                self.query.pop(name, None)
            else:
                self.query[name] = str(value)
        ui.navigate.history.replace(self.here())

    def here(self, **values: object) -> str:
        """The address of this very view, with some values changed."""
        return self.address(self.page.address, **{**self.query, **values})

    def address(self, path: str, **values: object) -> str:
        """The address of a page with this state; a kiosk stays one."""
        chosen = {name: str(value) for name, value in values.items() if value is not None}
        if self.look.is_kiosk:
            chosen.setdefault("kiosk", "1")
        return f"{path}?{urlencode(chosen)}" if chosen else path

    async def kept(self, name: str) -> dict[str, Any]:
        """What the person has kept under a name, as `alarms.filter`; empty where there is nothing."""
        found = await self.api.get("/me/views", prefix=name)
        return next((dict(view["content"]) for view in found["items"] if view["name"] == name), {})

    async def keep(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep a choice of the person, in the database: it is there in every browser."""
        await self.api.put(f"/me/views/{name}", {"content": dict(content)})

    async def prefer(self, **choices: Any) -> None:
        """Keep a preference."""
        self.preferences.update(choices)
        await self.keep(PREFERENCES, self.preferences)

    def soon(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something at once from where nothing can be awaited; what goes wrong is told as in an event."""

        async def run() -> None:
            if not self.client.is_deleted:
                with self.client.content:
                    await work()

        background_tasks.create(run(), name=f"work of {self.page.name}", context=self.client.content)

    def done(self, message: str) -> None:
        """Say that something was done."""
        self._notify(message, "positive", 4_000)

    def warn(self, message: str) -> None:
        """Say that something needs attention."""
        self._notify(message, "warning", 8_000)

    def _notify(self, message: str, kind: Literal["positive", "warning", "negative"], timeout_ms: int) -> None:
        # What was pressed may be gone by now; the page is not.
        if not self.client.is_deleted:
            with self.client.content:
                ui.notify(message, type=kind, position="bottom-left", timeout=timeout_ms, multi_line=True)

    def every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> ui.timer:
        """Do something again and again while the page is open; not while its browser is away."""

        async def step() -> None:
            if self.client.has_socket_connection:
                await work()

        return ui.timer(seconds, step, immediate=False)

    def on_failure(self, error: Exception) -> None:
        """Say what went wrong in an event: what the API refused in its words, everything else with a number."""
        if isinstance(error, Refused):
            if error.kind in ENDED:
                ui.navigate.to("/login?" + urlencode({"why": "ended", "next": self.address(self.page.address)}))
                return
            self._notify(self.refusal(error), "negative", 10_000)
            return
        number = note(error)
        self._notify(self.text("failure.unknown", number=number), "negative", 10_000)

    def refusal(self, error: Refused) -> str:
        """What the API has refused, and why, for a person."""
        return explain(self.text, error)

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


def note(error: Exception) -> str:
    """Write an error into the log under a number that people can tell each other."""
    number = secrets.token_hex(3)
    log.error("failure %s in the console", number, exc_info=error)
    return number
