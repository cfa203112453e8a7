"""Alarms grouped by asset: the tree with what stands below each level; one of them narrows the list."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import attributed, element
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen

EVERY_S = 5.0
MOST = 2_000


class Groups:
    """The tree beside the list; there while grouping is on."""

    def __init__(self, screen: Screen, choose: Callable[[str | None], Awaitable[None]]) -> None:
        self._screen = screen
        self._choose = choose
        self._told: object = None
        self._place = element("nav", "ms-groups ms-card", aria_label=screen.text("alarms.group"))
        self._place.set_visibility(False)
        screen.every(EVERY_S, self.refresh)
        screen.soon(self.refresh)

    async def refresh(self) -> None:
        """Show the tree as it stands."""
        is_on = self._screen.query.get("group") == "1"
        self._place.set_visibility(is_on)
        if not is_on:
            return
        found = await self._screen.api.get("/assets/standing", limit=MOST)
        shown = [each for each in found["items"] if any(each["alarms"][priority] for priority in PRIORITIES)]
        told = ([(each["path"], each["alarms"]) for each in shown], self._screen.query.get("asset"))
        if told == self._told:
            return
        self._told = told
        self._place.clear()
        with self._place:
            self._entry(None, self._screen.text("alarms.everywhere"), 0, None)
            for each in shown:
                self._entry(each["path"], asset_name(self._screen, each), each["depth"], each["alarms"])

    def _entry(self, path: str | None, name: str, depth: int, alarms: dict[str, Any] | None) -> None:
        is_chosen = self._screen.query.get("asset") == path
        button = element("button", "ms-group", type="button", title=path, aria_pressed="true" if is_chosen else "false")
        button.style(f"padding-left: {8 + 14 * max(0, depth - 1)}px").on("click", lambda: self._choose(path))
        with button:
            worst = next((each for each in PRIORITIES if alarms and alarms[each]), None)
            if worst is not None and alarms is not None:
                priority_mark(self._screen.text, worst)
            ui.label(name).classes("ms-grow")
            if alarms is not None:
                count = sum(alarms[each] for each in PRIORITIES)
                attributed(ui.label(self._screen.formats.number(count)).classes("ms-figure ms-muted"))


def asset_name(screen: Screen, asset: dict[str, Any]) -> str:
    """What people call an asset in the reader's language, else the last part of its path."""
    name = asset["name"]["zh" if screen.is_chinese else "en"]
    return str(name or asset["path"].rpartition("/")[2])
