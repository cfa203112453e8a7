"""The page of assets: search and tree on the left, the chosen asset on the right."""

from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments, ValueChangeEventArguments

from cloud_api.auth.roles import Permission
from cloud_api.console.api import Refused
from cloud_api.console.pages.assets.editing import Editor, show_facts
from cloud_api.console.pages.assets.templates import show_report
from cloud_api.console.parts.buttons import side_button
from cloud_api.console.parts.entering import enter_value, new_series
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.parts.scripts import bring_scripts
from cloud_api.console.screen import Screen

MOST = 5_000
FOUND = 50
TABLES = ("tags", "entering", "problem", "quality", "length", "value")


async def build(screen: Screen) -> None:
    """Build the page."""
    chosen = await _chosen(screen)
    bring_scripts(screen, "tags.js", TABLES, "ma-tags", asset=None if chosen is None else _names(chosen))
    with element("div", "mt"):
        with element("aside", "ms-card mt-side", aria_label=screen.text("assets.tree")):
            await show_safely(screen, lambda screen: _find(screen, chosen))
        with element("div", "ms-page ms-grow"):
            if chosen is None:
                with element("section", "ms-card"):
                    ui.label(screen.text("assets.choose"))
                    _new_button(screen, None)
            else:
                await _show(screen, chosen)
            element("div", id="ma-tags-end")


async def _chosen(screen: Screen) -> dict[str, Any] | None:
    number = screen.query.get("asset", "")
    if not number.isdigit():
        return None
    try:
        found: dict[str, Any] = await screen.api.get(f"/assets/{number}")
    except Refused as refused:
        if refused.kind != "not-found":
            raise
        screen.query.pop("asset")
        return None
    return found


def _names(asset: dict[str, Any]) -> dict[str, Any]:
    return {"id": asset["id"], "path": asset["path"]}


def shown_name(screen: Screen, asset: dict[str, Any]) -> str:
    """What people call it in the reader's language; else the last level of its path."""
    name = asset["name"]["zh" if screen.is_chinese else "en"] or asset["name"]["en"] or asset["name"]["zh"]
    return str(name or asset["path"].rpartition("/")[2])


async def _find(screen: Screen, chosen: dict[str, Any] | None) -> None:
    found = element("ul", "mt-found", aria_label=screen.text("assets.found"))

    async def search(event: ValueChangeEventArguments[str | None]) -> None:
        asked = (event.value or "").strip()
        items = (await screen.api.get("/assets", q=asked, limit=FOUND))["items"] if asked else []
        found.clear()
        with found:
            for asset in items:
                with element("li"), element("a", href=screen.address("/assets", asset=asset["id"])):
                    ui.label(f"{shown_name(screen, asset)} · {asset['path']}")
            if asked and not items:
                words("li", screen.text("assets.nothing"), "ms-muted")

    label = screen.text("assets.search")
    attributed(ui.input(label, on_change=search).props("dense outlined debounce=250"), aria_label=label)
    found.move(target_index=-1)
    _tree(screen, (await screen.api.get("/assets", limit=MOST))["items"], chosen)


def _tree(screen: Screen, assets: list[dict[str, Any]], chosen: dict[str, Any] | None) -> None:
    """As nested lists of links: read by anybody, opened by the browser alone."""
    below: dict[str | None, list[dict[str, Any]]] = {}
    known = {asset["path"] for asset in assets}
    for asset in assets:
        below.setdefault(asset["parent"] if asset["parent"] in known else None, []).append(asset)
    here = "" if chosen is None else str(chosen["path"])

    def level(parent: str | None) -> None:
        with element("ul"):
            for asset in below.get(parent, []):
                path = str(asset["path"])
                link = {"href": screen.address("/assets", asset=asset["id"]), "title": path}
                current = "page" if path == here else None
                with element("li"):
                    if path not in below:
                        words("a", shown_name(screen, asset), "ma-leaf", aria_current=current, **link)
                        continue
                    is_open = here.startswith(f"{path}/") or path == here or asset["depth"] < 3
                    words("a", shown_name(screen, asset), "ma-leaf", aria_current=current, **link)
                    with element("details", open="" if is_open else None):
                        element("summary", aria_label=screen.text("assets.below", name=shown_name(screen, asset)))
                        level(path)

    level(None)


async def _show(screen: Screen, asset: dict[str, Any]) -> None:
    with element("section", "ms-card"):
        with element("div", "ms-row"):
            heading(shown_name(screen, asset))
            ui.label(asset["path"]).classes("ms-muted ms-grow")
            _new_button(screen, asset)
            if screen.may(Permission.CONFIGURE):
                editor = Editor(screen, asset)
                ui.button(screen.text("assets.edit"), on_click=editor.change).props("outline no-caps")
                ui.button(screen.text("assets.remove"), on_click=editor.remove).props("outline no-caps")
        show_facts(screen, asset)
    with element("section", "ms-card", aria_label=screen.text("assets.tags")):
        with element("div", "ms-row"):
            heading(screen.text("assets.tags")).classes("ms-grow")
            _entering(screen, asset)
        element("div", "mt-scroll", id="ma-tags", tabindex=0, role="region", aria_label=screen.text("assets.tags"))
    if asset["template_id"] is not None:
        with element("section", "ms-card", aria_label=screen.text("assets.template")):
            heading(f"{screen.text('assets.template')}: {asset['template']}")
            await show_safely(screen, lambda screen: show_report(screen, asset))


def _entering(screen: Screen, asset: dict[str, Any]) -> None:
    """Values by hand: the tags say which take them; engineers make series for them."""

    async def on_enter(event: GenericEventArguments) -> None:
        async def show() -> None:
            ui.run_javascript("msTagsChanged()")

        await enter_value(screen, [int(event.args["id"])], show)

    async def again() -> None:
        ui.navigate.to(screen.address("/assets", asset=asset["id"]))

    ui.on("tag_enter", on_enter)
    if screen.may(Permission.CONFIGURE):
        side_button(
            screen.text("entering.new_series"), lambda: new_series(screen, f"{asset['path']}/", again), icon="edit_note"
        )


def _new_button(screen: Screen, parent: dict[str, Any] | None) -> None:
    if screen.may(Permission.CONFIGURE):
        ui.button(screen.text("assets.new"), on_click=Editor(screen, parent).create).props("outline no-caps")
