"""What if: the definition as it stands in the fields, over history, against the one in force."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from nicegui import ui

from cloud_api.console.parts.buttons import main_button
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.table import Column, show_rows, show_table
from cloud_api.console.screen import Screen

DAYS = (1, 7, 30, 90)
LOOK_S = 0.4


class Trial:
    """Runs the definition over the last days and shows what changes."""

    def __init__(
        self, screen: Screen, document: Callable[[], dict[str, Any]], take: Callable[[str, float], None]
    ) -> None:
        self._screen = screen
        self._document = document
        self._take = take

    def show(self) -> None:
        """Build it."""
        text = self._screen.text
        with element("section", "ms-card ms-no-print", id="trial"):
            heading(text("trial.title"))
            ui.label(text("trial.about")).classes("ms-muted")
            with element("div", "ms-row"):
                days = {each: self._screen.formats.length(each * 86_400) for each in DAYS}
                self._days = ui.select(days, label=text("trial.days"), value=DAYS[0])
                self._days.props("dense outlined stack-label").classes("ms-filter")
                against = {each: text(f"trial.{each}") for each in ("stored", "journal")}
                self._against = ui.select(against, label=text("trial.against"), value="stored")
                self._against.props("dense outlined stack-label").classes("ms-filter")
                self._button = main_button(text("trial.run"), self._run)
            self._place = element("div", "ms-stack", aria_live="polite")

    async def _run(self) -> None:
        now = self._screen.now()
        document = self._document()
        asked = {
            "definitions": [document],
            "from": (now - timedelta(days=self._days.value)).isoformat(),
            "to": now.isoformat(),
            "against": self._against.value,
        }
        replay = await self._screen.api.post("/alarm-definitions/replay", asked)
        self._button.disable()
        try:
            await self._follow(replay)
        finally:
            self._button.enable()

    async def _follow(self, replay: Mapping[str, Any]) -> None:
        self._place.clear()
        with self._place:
            progress = ui.label(self._screen.text("trial.running"))
        while replay["state"] == "running":
            await asyncio.sleep(LOOK_S)
            replay = await self._screen.api.get(f"/alarm-definitions/replay/{replay['id']}")
            share = self._screen.formats.percent(replay["progress"], 0)
            progress.text = f"{self._screen.text('trial.running')} {share}"
        self._place.clear()
        with self._place:
            if replay["error"]:
                ui.label(replay["error"])
            for result in replay["definitions"]:
                self._show(result)

    def _show(self, result: Mapping[str, Any]) -> None:
        screen, formats = self._screen, self._screen.formats
        with element("table", "ms-table ms-compare"):
            with element("thead"), element("tr"):
                for key in ("what", "before", "after"):
                    words("th", screen.text(f"trial.{key}"), scope="col")
            with element("tbody"):
                rows = (
                    ("alarms", formats.number(result["before"]), formats.number(result["after"])),
                    ("per_day", _rate(result["before_per_day"]), _rate(result["after_per_day"])),
                    ("active", formats.length(result["active_before_s"]), formats.length(result["active_after_s"])),
                )
                for key, before, after in rows:
                    with element("tr", data_row=key):
                        words("th", screen.text(f"trial.{key}"), scope="row")
                        words("td", before, "ms-figure")
                        words("td", after, "ms-figure ms-strong")
        counts = {key: result[key]["count"] for key in ("vanished", "new", "later", "earlier")}
        ui.label(screen.text("trial.moves", kept=result["kept"], places=result["places"], **counts))
        self._episodes(result)
        for problem in result["problems"]:
            ui.label(f"{problem['path']}: {problem['problem']}").classes("ms-uncertain")
        self._advice(result["advice"])

    def _episodes(self, result: Mapping[str, Any]) -> None:
        formats, text = self._screen.formats, self._screen.text
        for key in ("vanished", "new"):
            if not result[key]["items"]:
                continue
            with ui.expansion(text(f"trial.list_{key}", count=result[key]["count"])).props("dense"), element("ul"):
                for each in result[key]["items"]:
                    words("li", f"{each['path']}: {formats.instant(each['from'])} – {formats.instant(each['to'])}")

    def _advice(self, advice: list[Mapping[str, Any]]) -> None:
        if not advice:
            return
        screen, number, length = self._screen, self._screen.formats.number, self._screen.formats.length
        heading(screen.text("trial.advice"), 3)

        def verdict(item: Mapping[str, Any]) -> None:
            words("span", screen.text("trial.enough" if item["is_enough"] else "trial.too_late"))

        def take(item: Mapping[str, Any]) -> None:
            button = ui.button(number(float(f"{item['advised_limit']:.6g}"))).props("outline dense no-caps")
            button.on_click(lambda: self._take(item["level"], float(f"{item['advised_limit']:.6g}")))

        columns = [
            Column(screen.text("trial.place"), lambda item: words("span", item["path"], "ms-break")),
            Column(screen.text("trial.level"), lambda item: words("span", screen.text(f"level.{item['level']}"))),
            Column(screen.text("trial.limit"), lambda item: words("span", number(item["limit"]), "ms-figure")),
            Column(screen.text("trial.left"), lambda item: words("span", length(item["time_left_s"]), "ms-figure")),
            Column(screen.text("trial.needed"), lambda item: words("span", length(item["time_needed_s"]), "ms-figure")),
            Column(screen.text("trial.verdict"), verdict),
            Column(screen.text("trial.advised"), take),
        ]
        with element("div", "ms-scroll", tabindex=0):
            body = show_table(columns)
        with body:
            show_rows(columns, advice)


def _rate(value: float) -> str:
    return f"{value:.1f}"
