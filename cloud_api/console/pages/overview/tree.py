"""The plant: lines as tiles, and the whole tree with alarms and freshness rolled up."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from cloud_api.console.pages.overview.sign import Sign
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.screen import Screen

EVERY_S = 5.0
MOST = 500
TILE_KINDS = ("line", "area", "site")
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
        self._shape: object = None
        self._assets: dict[str, dict[str, Any]] = {}
        self._children: dict[str | None, list[str]] = {}
        self._signs: list[tuple[str, Sign]] = []
        # What somebody has folded or unfolded stays so when figures change.
        self._folded: set[str] = set(filter(None, screen.query.get("folded", "").split("|")))
        self._tiles = element("section", "ms-tiles ms-lines", aria_label=screen.text("overview.lines"))
        self._tree = element("section", "ms-card ms-tree", aria_label=screen.text("overview.plant"))

    async def refresh(self) -> None:
        """Read how everything stands; what has changed is changed in its place, and built anew with the plant alone."""
        found = await self._screen.api.get("/assets/standing", limit=MOST)
        if self._tree.is_deleted:
            return
        self._assets = {asset["path"]: asset for asset in found["items"]}
        shape = [(each["path"], each["parent"], each["kind"], self._name(each)) for each in self._assets.values()]
        if shape != self._shape:
            self._shape = shape
            self._build(is_cut=found["is_cut"])
        for path, sign in self._signs:
            sign.show(self._assets[path])

    def _build(self, *, is_cut: bool) -> None:
        self._signs.clear()
        self._tiles.clear()
        self._tree.clear()
        self._children.clear()
        for path, asset in self._assets.items():
            self._children.setdefault(asset["parent"] if asset["parent"] in self._assets else None, []).append(path)
        with self._tiles:
            for asset in _tiled(list(self._assets.values())):
                self._tile(asset)
        with self._tree:
            heading(self._screen.text("overview.plant"))
            if not self._assets:
                ui.label(self._screen.text("overview.empty")).classes("ms-muted")
            with element("ul", "ms-branch ms-root"):
                self._level(None)
            if is_cut:
                ui.label(self._screen.text("overview.cut", count=self._screen.formats.number(MOST)))

    def _tile(self, asset: dict[str, Any]) -> None:
        with element("a", "ms-card ms-line ms-worst-none", href=self._target(asset)) as frame:
            sign = Sign(self._screen, frame)
            with element("div", "ms-row ms-tight"):
                sign.mark()
                words("h2", self._name(asset), "ms-h2 ms-grow")
            words("div", self._above(asset), "ms-muted ms-line-path", title=asset["path"])
            sign.lines()
        self._signs.append((asset["path"], sign))

    def _level(self, parent: str | None) -> None:
        for path in self._children.get(parent, ()):
            with element("li"):
                if path in self._children:
                    self._branch(path)
                else:
                    with element("div", "ms-tree-line"):
                        element("span", "ms-fold")
                        self._row(path)

    def _branch(self, path: str) -> None:
        """A line with a button that folds what is below it; that is built when somebody first wants to see it."""
        with element("div", "ms-tree-line"):
            button = element("button", "ms-fold", type="button", aria_label=self._name(self._assets[path]))
            self._row(path)
        below = element("ul", "ms-branch")
        built = False

        def show(*, is_open: bool) -> None:
            nonlocal built
            attributed(button, aria_expanded="true" if is_open else "false")
            below.set_visibility(is_open)
            if is_open and not built:
                built = True
                before = len(self._signs)
                with below:
                    self._level(path)
                for each, sign in self._signs[before:]:
                    sign.show(self._assets[each])

        button.on("click", lambda: show(is_open=self._fold(path)))
        show(is_open=self._is_open(path))

    def _row(self, path: str) -> None:
        asset = self._assets[path]
        sign = Sign(self._screen)
        with element("span", "ms-tree-row"):
            sign.mark()
            words("a", self._name(asset), "ms-tree-name", href=self._target(asset))
            sign.lines("ms-tree-fresh")
        self._signs.append((path, sign))

    def _is_open(self, path: str) -> bool:
        return bool(self._assets[path]["depth"] < OPEN_DEPTH) is not (path in self._folded)

    def _fold(self, path: str) -> bool:
        """Fold or unfold; whether it is open now. What differs from the first sight stands in the address."""
        self._folded ^= {path}
        self._screen.remember(folded="|".join(sorted(self._folded)) or None)
        return self._is_open(path)

    def _name(self, asset: dict[str, Any]) -> str:
        name = asset["name"]["zh" if self._screen.is_chinese else "en"]
        return str(name or asset["path"].rpartition("/")[2])

    def _above(self, asset: dict[str, Any]) -> str:
        """Where it stands, in words that may be cut: its own name is above."""
        levels = asset["path"].split("/")[:-1]
        return " / ".join(levels[-2:]) if levels else asset["path"]

    def _target(self, asset: dict[str, Any]) -> str:
        return self._screen.address("/alarms", asset=asset["path"], list="open")


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
