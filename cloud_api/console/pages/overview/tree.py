"""The plant: lines as tiles, and the whole tree with alarms and freshness rolled up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen

EVERY_S = 5.0
MOST = 500
TILE_KINDS = ("line", "area", "site")
FRESH = timedelta(minutes=2)
OPEN_DEPTH = 4


async def show_plant(screen: Screen) -> None:
    """Show tiles and tree and keep them fresh."""
    plant = _Plant(screen)
    await plant.refresh()
    screen.every(EVERY_S, plant.refresh)


class _Plant:
    """Both, from one question."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._told: object = None
        # What somebody has folded or unfolded stays so when figures change.
        self._folded: set[str] = set(filter(None, screen.query.get("folded", "").split("|")))
        self._tiles = element("section", "ms-tiles ms-lines", aria_label=screen.text("overview.lines"))
        self._tree = element("section", "ms-card ms-tree", aria_label=screen.text("overview.plant"))

    async def refresh(self) -> None:
        """Read how everything stands; build anew what has changed."""
        found = await self._screen.api.get("/assets/standing", limit=MOST)
        assets: list[dict[str, Any]] = found["items"]
        shown = [(each["path"], each["alarms"], each["bad"], each["silent"], self._freshness(each)) for each in assets]
        if shown == self._told or self._tree.is_deleted:
            return
        self._told = shown
        self._tiles.clear()
        self._tree.clear()
        with self._tiles:
            for asset in _tiled(assets):
                self._tile(asset)
        with self._tree:
            heading(self._screen.text("overview.plant"))
            if not assets:
                ui.label(self._screen.text("overview.empty")).classes("ms-muted")
            children: dict[str | None, list[dict[str, Any]]] = {}
            known = {asset["path"] for asset in assets}
            for asset in assets:
                children.setdefault(asset["parent"] if asset["parent"] in known else None, []).append(asset)
            with element("ul", "ms-branch ms-root"):
                self._level(children, None)
            if found["is_cut"]:
                ui.label(self._screen.text("overview.cut", count=self._screen.formats.number(MOST)))

    def _tile(self, asset: dict[str, Any]) -> None:
        worst = _worst(asset)
        with element("a", f"ms-card ms-line ms-worst-{worst or 'none'}", href=self._target(asset)):
            with element("div", "ms-row ms-tight"):
                if worst:
                    priority_mark(self._screen.text, worst)
                words("h2", self._name(asset), "ms-h2 ms-grow")
            words("div", self._above(asset), "ms-muted ms-line-path", title=asset["path"])
            self._counts(asset)
            ui.label(self._freshness(asset)).classes("ms-muted")

    def _level(self, children: dict[str | None, list[dict[str, Any]]], parent: str | None) -> None:
        for asset in children.get(parent, ()):
            with element("li"):
                if asset["path"] in children:
                    self._branch(asset, children)
                else:
                    with element("div", "ms-tree-line"):
                        element("span", "ms-fold")
                        self._row(asset)

    def _branch(self, asset: dict[str, Any], children: dict[str | None, list[dict[str, Any]]]) -> None:
        """A line with a button that folds what is below it."""
        is_open = _is_open_at_first(asset) is not (asset["path"] in self._folded)
        with element("div", "ms-tree-line"):
            button = element("button", "ms-fold", type="button", aria_label=self._name(asset))
            self._row(asset)
        with element("ul", "ms-branch") as below:
            self._level(children, asset["path"])

        def show(*, is_open: bool) -> None:
            attributed(button, aria_expanded="true" if is_open else "false")
            below.set_visibility(is_open)

        def toggle() -> None:
            show(is_open=self._fold(asset))

        button.on("click", toggle)
        show(is_open=is_open)

    def _fold(self, asset: dict[str, Any]) -> bool:
        """Fold or unfold; whether it is open now. What differs from the first sight stands in the address."""
        self._folded ^= {asset["path"]}
        self._screen.remember(folded="|".join(sorted(self._folded)) or None)
        return _is_open_at_first(asset) is not (asset["path"] in self._folded)

    def _row(self, asset: dict[str, Any]) -> None:
        worst = _worst(asset)
        with element("span", "ms-tree-row"):
            with element("span", "ms-tree-mark"):
                if worst:
                    priority_mark(self._screen.text, worst)
            with element("a", "ms-tree-name", href=self._target(asset)):
                ui.label(self._name(asset))
            self._counts(asset)
            ui.label(self._freshness(asset)).classes("ms-muted ms-tree-fresh")

    def _counts(self, asset: dict[str, Any]) -> None:
        text, formats = self._screen.text, self._screen.formats
        total = sum(asset["alarms"][each] for each in PRIORITIES)
        shown = text("overview.no_alarm")
        if total:
            waiting = asset["alarms"]["unacknowledged"]
            shown = text("overview.alarms", count=formats.number(total), waiting=formats.number(waiting))
        ui.label(shown).classes("ms-figure" if total else "ms-muted")

    def _freshness(self, asset: dict[str, Any]) -> str:
        """In words, so that a tick of the clock alone changes nothing."""
        text, formats, now = self._screen.text, self._screen.formats, self._screen.now()
        if not asset["series"]:
            return text("overview.no_series")
        parts = [text("overview.series", count=formats.number(asset["series"]))]
        oldest = asset["oldest_at"] and datetime.fromisoformat(asset["oldest_at"])
        if oldest is not None and now - oldest > FRESH:
            parts.append("⚠ " + text("overview.old", at=formats.when(oldest, now)))
        elif oldest is not None:
            parts.append(text("overview.fresh"))
        if asset["bad"]:
            parts.append("✕ " + text("overview.bad", count=formats.number(asset["bad"])))
        if asset["silent"]:
            parts.append(text("overview.silent", count=formats.number(asset["silent"])))
        return " · ".join(parts)

    def _name(self, asset: dict[str, Any]) -> str:
        name = asset["name"]["zh" if self._screen.is_chinese else "en"]
        return str(name or asset["path"].rpartition("/")[2])

    def _above(self, asset: dict[str, Any]) -> str:
        """Where it stands, in words that may be cut: its own name is above."""
        levels = asset["path"].split("/")[:-1]
        return " / ".join(levels[-2:]) if levels else asset["path"]

    def _target(self, asset: dict[str, Any]) -> str:
        return self._screen.address("/alarms", asset=asset["path"], list="open")


def _is_open_at_first(asset: dict[str, Any]) -> bool:
    return bool(asset["depth"] < OPEN_DEPTH)


def _worst(asset: dict[str, Any]) -> str | None:
    return next((each for each in PRIORITIES if asset["alarms"][each]), None)


def _tiled(assets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines; where there are none, the areas, or the sites; and what hangs directly below a single line."""
    for kind in TILE_KINDS:
        found = [asset for asset in assets if asset["kind"] == kind]
        if len(found) == 1 and kind == "line":
            below = [asset for asset in assets if asset["parent"] == found[0]["path"]]
            return [*found, *below]
        if found:
            return found
    return [asset for asset in assets if asset["parent"] is None]
