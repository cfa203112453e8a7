"""The list of calculated series, and below it the form of one."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.calculations.form import change_calculation, new_calculation
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import quiet_button
from cloud_api.console.parts.filters import Filters
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.table import Column, Pages, told
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("section", "ms-card ms-stack"):
        with element("div", "ms-row ms-no-print"):
            filters = Filters(screen)
            filters.text("path", screen.text("calculations.path_filter"))
        desk = _Desk(screen, filters)
        filters.then(desk.table.load)
        await desk.table.load()
    if screen.may(Permission.CONFIGURE):
        with element("section", "ms-card ms-no-print"):
            heading(screen.text("calculations.new"))
            new_calculation(screen, desk.changed)


class _Desk:
    """The table and what can be done with it."""

    def __init__(self, screen: Screen, filters: Filters) -> None:
        self._screen = screen
        text = screen.text
        columns = [
            Column(text("calculations.path"), self._path),
            told(text("calculations.expression"), lambda item: item["expression"], "ms-code"),
            told(text("calculations.unit"), lambda item: item["unit"] or "–"),
            told(text("calculations.mode"), lambda item: text(f"calculation_mode.{item['mode']}")),
            told(text("calculations.state"), self._state, "ms-break"),
            told(text("calculations.changed"), self._changed, "ms-break"),
            Column(text("users.do"), self._verbs),
        ]
        self.table = Pages(screen, columns, "/calculations", filters.chosen, "calculations.none")
        self._place = element("div", aria_live="polite")

    def _path(self, item: Mapping[str, Any]) -> None:
        target = self._screen.address("/trends", s=item["series_id"])
        words("a", item["path"], "ms-break", href=target)

    def _state(self, item: Mapping[str, Any]) -> str:
        state, text, formats = item["state"], self._screen.text, self._screen.formats
        if state is None:
            return "–"
        said = [text("calculations.until", at=formats.when(state["evaluated_until"], self._screen.now()))]
        if state["pending"]:
            said.append(text("calculations.pending", count=formats.number(state["pending"])))
        if state["waits_for"]:
            said.append(text("calculations.waits_for", device=state["waits_for"]))
        if state["problem"]:
            said.append(f"✗ {state['problem']}")
        return "; ".join(said)

    def _changed(self, item: Mapping[str, Any]) -> str:
        return f"{self._screen.formats.when(item['updated_at'], self._screen.now())} · {item['updated_by']}"

    def _verbs(self, item: Mapping[str, Any]) -> None:
        if not self._screen.may(Permission.CONFIGURE):
            return
        with element("span", "ms-row"):
            for key, do in (("routes.edit", self._edit), ("calculations.end", self._end)):
                name = self._screen.text(key)
                attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['path']}")

    async def _end(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("calculations.end_sure", path=item["path"])):
            self._place.clear()
            await self._screen.api.delete(f"/calculations/{item['id']}", version=item["version"])
            await self.table.load()

    async def _edit(self, item: Mapping[str, Any]) -> None:
        """In place, as it is now: somebody else may have changed it since the list was read."""
        found = await self._screen.api.get(f"/calculations/{item['id']}")
        self._place.clear()
        with self._place, element("section", "ms-stack", aria_label=found["path"]):
            heading(self._screen.text("calculations.change", path=found["path"]), 3)
            change_calculation(self._screen, found, self.changed, self._place.clear)
        ui.run_javascript(f"getHtmlElement({self._place.id}).scrollIntoView({{block: 'nearest'}})")

    async def changed(self) -> None:
        """Show what holds now."""
        self._screen.done(self._screen.text("calculations.kept"))
        await self.table.load()
        self._place.clear()  # the last thing: what was pressed stands in it
