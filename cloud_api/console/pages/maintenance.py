"""Maintenance: where and until when somebody works; stale and bad-quality alarms there wait meanwhile."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, quiet_button
from cloud_api.console.parts.filters import Filters
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

STATES = ("open", "planned", "active", "ended", "all")


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("section", "ms-card"):
        with element("div", "ms-row ms-no-print"):
            filters = Filters(screen)
            states = {each: screen.text(f"maintenance_state.{each}") for each in STATES}
            filters.choice("state", screen.text("maintenance.state"), states, "open")
        desk = _Desk(screen, filters)
        filters.then(desk.table.load)
        await desk.table.load()
    if screen.may(Permission.MAINTAIN):
        desk.show_form()


class _Desk:
    """The table and what can be done with it."""

    def __init__(self, screen: Screen, filters: Filters) -> None:
        self._screen = screen
        self._text = screen.text
        self.table = Pages(screen, self._columns(), "/maintenance", filters.chosen, "maintenance.none")

    def _columns(self) -> list[Column]:
        text, formats, now = self._text, self._screen.formats, self._screen.now()

        def place(item: Mapping[str, Any]) -> None:
            words("span", item["device"] or item["asset"] or item["path"], "ms-break")

        def covers(item: Mapping[str, Any]) -> None:
            told = text(
                "maintenance.covers", series=formats.number(item["series"]), alarms=formats.number(item["alarms"])
            )
            words("span", told)

        return [
            Column(text("maintenance.place"), place),
            Column(text("maintenance.state"), lambda item: words("span", text(f"maintenance_state.{item['state']}"))),
            Column(text("maintenance.from"), lambda item: words("span", formats.when(item["from"], now), "ms-figure")),
            Column(
                text("maintenance.until"), lambda item: words("span", formats.when(item["until"], now), "ms-figure")
            ),
            Column(text("maintenance.reason"), lambda item: words("span", item["reason"], "ms-break")),
            Column(text("maintenance.who"), lambda item: words("span", item["who"])),
            Column(text("maintenance.what"), covers),
            Column(text("maintenance.do"), self._verbs),
        ]

    def _verbs(self, item: Mapping[str, Any]) -> None:
        if item["state"] == "ended" or not self._screen.may(Permission.MAINTAIN):
            return
        name = self._text("maintenance.end")
        place = item["device"] or item["asset"] or item["path"]
        attributed(quiet_button(name, partial(self._end, item, place)), aria_label=f"{name}: {place}")

    async def _end(self, item: Mapping[str, Any], place: str) -> None:
        if await ask(self._screen, self._text("maintenance.end_sure", place=place)):
            await self._screen.api.delete(f"/maintenance/{item['id']}")
            self._screen.done(self._text("maintenance.ended"))
            await self.table.load()

    def show_form(self) -> None:
        """The form of a new one."""
        screen, text = self._screen, self._text
        form = Form({"duration": "4h"})
        with element("section", "ms-card ms-no-print"):
            heading(text("maintenance.new"))
            others = problem_place()
            with element("div", "ms-fields"):
                form.line("device", text("maintenance.device"), hint=text("maintenance.one"))
                form.line("asset", text("maintenance.asset"))
                form.line("path", text("maintenance.path"))
                form.line("from", text("maintenance.from"), hint=text("maintenance.from_hint"))
                form.line("duration", text("maintenance.duration"), hint=text("maintenance.duration_hint"))
                form.line("reason", text("maintenance.reason"))

            async def begin() -> None:
                body = form.document()
                if await sent(screen, form, others, lambda: screen.api.post("/maintenance", body)):
                    screen.done(text("maintenance.begun"))
                    await self.table.load()

            main_button(text("maintenance.begin"), begin)


PAGE = Page("maintenance", "/maintenance", "build", Section.MAINTAIN, Permission.READ, build)
