"""Routes: which alarms go to whom, when, and to whom next while nobody acknowledges."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.console.pages.settings.route_form import change_route, new_route
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import quiet_button
from cloud_api.console.parts.html import attributed, element, heading
from cloud_api.console.parts.table import Column, Pages, told
from cloud_api.console.screen import Screen

SENT_SHOWN = 20


async def show_routes(screen: Screen) -> None:
    """Build the list, the form of a new one, and what was sent last."""
    channels = (await screen.api.get("/notification-channels"))["items"]
    names: dict[Any, str] = {each["id"]: each["name"] for each in channels}
    with element("section", "ms-card ms-stack"):
        heading(screen.text("routes.title"))
        desk = _Desk(screen, names)
        await desk.table.load()
        if names:
            with ui.expansion(screen.text("routes.new")).props("dense"):
                desk.show_form()
        else:
            ui.label(screen.text("routes.no_channel")).classes("ms-muted")
    await _show_sent(screen)


class _Desk:
    def __init__(self, screen: Screen, names: Mapping[Any, str]) -> None:
        self._screen = screen
        self._names = names
        text = screen.text
        columns = [
            told(text("routes.place"), lambda item: str(item["place"])),
            told(text("routes.name"), lambda item: item["name"], "ms-break"),
            told(text("channels.state"), lambda item: text(f"user_state.{item['state']}")),
            told(text("routes.match"), self._match, "ms-break"),
            told(text("routes.steps"), self._steps, "ms-break"),
            Column(text("users.do"), self._verbs),
        ]
        self.table = Pages(screen, columns, "/notification-routes", none_key="routes.none", size=None)
        self._place = element("div", aria_live="polite")

    def _match(self, item: Mapping[str, Any]) -> str:
        match = item["match"]
        parts = [self._screen.text(f"priority.{each}") for each in match.get("priorities") or []]
        for key in ("classes", "positions", "paths"):
            parts += match.get(key) or []
        return ", ".join(parts) or self._screen.text("routes.every")

    def _steps(self, item: Mapping[str, Any]) -> str:
        told_steps = [
            f"{step['after']}: {', '.join(self._names.get(each, each) for each in step['channels'])}"
            for step in item["steps"]
        ]
        return " → ".join(told_steps)

    def _verbs(self, item: Mapping[str, Any]) -> None:
        with element("span", "ms-row"):
            for key, do in (("routes.edit", self._edit), ("channels.delete", self._delete)):
                name = self._screen.text(key)
                attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['name']}")

    async def _delete(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("routes.delete_sure", name=item["name"])):
            self._place.clear()
            await self._screen.api.delete(f"/notification-routes/{item['id']}")
            await self.table.load()

    async def _edit(self, item: Mapping[str, Any]) -> None:
        """In place, as it is now: somebody else may have changed it since the list was read."""
        route = await self._screen.api.get(f"/notification-routes/{item['id']}")
        self._place.clear()
        with self._place, element("section", "ms-stack", aria_label=route["name"]):
            heading(self._screen.text("routes.change", name=route["name"]), 3)
            change_route(self._screen, self._names, route, self._changed, self._place.clear)
        ui.run_javascript(f"getHtmlElement({self._place.id}).scrollIntoView({{block: 'nearest'}})")

    async def _changed(self) -> None:
        self._screen.done(self._screen.text("routes.made"))
        await self.table.load()
        self._place.clear()  # the last thing: what was pressed stands in it

    def show_form(self) -> None:
        """The form of a new one."""

        async def made() -> None:
            self._screen.done(self._screen.text("routes.made"))
            await self.table.load()

        new_route(self._screen, self._names, made)


async def _show_sent(screen: Screen) -> None:
    formats, text, now = screen.formats, screen.text, screen.now()
    columns = [
        told(text("sent.at"), lambda item: formats.when(item["created_at"], now)),
        told(text("sent.channel"), lambda item: item["channel_name"] or "–", "ms-break"),
        told(text("sent.alarms"), lambda item: formats.number(item["alarm_count"])),
        told(text("sent.state"), lambda item: text.maybe(f"test_state.{item['state']}", item["state"])),
        told(text("sent.error"), lambda item: item["last_error"] or "", "ms-break"),
    ]
    with element("section", "ms-card"):
        heading(text("sent.title"))
        await Pages(screen, columns, "/notifications", none_key="sent.none", size=SENT_SHOWN).load()
