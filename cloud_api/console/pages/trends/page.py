"""The trend page: its places and texts; the browser draws it from the API's own answers (static/trends/)."""

import secrets
from typing import Any

from nicegui import ui
from nicegui.elements.echart import EChart
from nicegui.events import GenericEventArguments

from cloud_api.console.parts.correcting import correct_span
from cloud_api.console.parts.entering import enter_value
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.scripts import bring_scripts
from cloud_api.console.screen import Screen

# The library's own element brings ECharts into the page's import map, from its wheel.
assert EChart
PREFIX = "trends.view."
MOST_TITLE = 100
# The tables of texts that the browser shows by itself.
TABLES = (
    "trends",
    "trends_range",
    "trends_kind",
    "entering",
    "problem",
    "statistic",
    "quality",
    "priority",
    "reason",
    "blame",
    "length",
    "value",
)


async def build(screen: Screen) -> None:
    """Build the page."""
    bring_scripts(screen, "trends/main.js", TABLES, "mt-status")
    _listen(screen)
    _listen_to_values(screen)
    with element("div", "mt"):
        with element("aside", "ms-card mt-side", aria_label=screen.text("trends.find")):
            element("div", id="mt-panel")
        with element("div", "ms-page ms-grow"):
            _chart(screen)
            with element("section", "ms-card"):
                heading(screen.text("trends.values"))
                element("div", "ms-muted", id="mt-selection")
                element(
                    "div",
                    "mt-scroll",
                    id="mt-table",
                    tabindex=0,
                    role="region",
                    aria_label=screen.text("trends.values"),
                )
                element("ul", "mt-notes", id="mt-notes", aria_label=screen.text("trends.notes"), hidden="")


def _chart(screen: Screen) -> None:
    with element("section", "ms-card", aria_label=screen.text("page.trends")):
        with element("div", "ms-row"):
            toggle = words("button", screen.text("trends.find"), "mt-button", id="mt-side-toggle", aria_expanded="true")
            toggle.props["type"] = "button"
            element("div", id="mt-controls")
        with element("div", "mt-row"):
            element("span", id="mt-span")
            element("span", id="mt-cursors", aria_live="polite")
        with element("div", "mt-plot"):
            hint = screen.text("trends.keys")
            element("div", id="mt-chart", tabindex=0, role="application", aria_label=hint, title="")
            words("div", screen.text("trends.empty"), id="mt-empty")
        element("div", id="mt-actions")
        element("div", id="mt-status", role="status")


def _listen(screen: Screen) -> None:
    def on_view(event: GenericEventArguments) -> None:
        """Know where the browser is, for links that keep the view."""
        kiosk = screen.query.get("kiosk")
        screen.query.clear()
        screen.query.update({name: str(value) for name, value in event.args.items() if value is not None})
        if kiosk:
            screen.query["kiosk"] = kiosk

    async def on_save(event: GenericEventArguments) -> None:
        content: dict[str, Any] = {"title": str(event.args["title"])[:MOST_TITLE], "query": event.args["query"]}
        await screen.keep(PREFIX + secrets.token_hex(6), content)
        screen.done(screen.text("trends.saved"))

    async def on_forget(event: GenericEventArguments) -> None:
        await screen.api.delete(f"/me/views/{event.args['name']}")

    async def on_note(event: GenericEventArguments) -> None:
        body = {name: event.args[name] for name in ("path", "from", "to", "text")}
        await screen.api.post("/notes", body)
        screen.done(screen.text("trends.note_kept"))
        ui.run_javascript("msTrendNotesChanged()")

    async def on_note_remove(event: GenericEventArguments) -> None:
        await screen.api.delete(f"/notes/{int(event.args['id'])}")
        ui.run_javascript("msTrendNotesChanged()")

    ui.on("trend_note", on_note)
    ui.on("trend_note_remove", on_note_remove)
    ui.on("trend_view", on_view)
    ui.on("trend_save", on_save)
    ui.on("trend_forget", on_forget)


def _listen_to_values(screen: Screen) -> None:
    """Values entered by hand, and measured ones corrected."""

    async def on_enter(event: GenericEventArguments) -> None:
        async def show() -> None:
            ui.run_javascript("msTrendNotesChanged()")

        await enter_value(screen, [int(each) for each in event.args["ids"]], show)

    async def on_correct(event: GenericEventArguments) -> None:
        async def show() -> None:
            ui.run_javascript("msTrendNotesChanged()")

        ids = [int(each) for each in event.args["ids"]]
        await correct_span(screen, ids, str(event.args["from"]), str(event.args["to"]), show)

    ui.on("trend_correct", on_correct)
    ui.on("trend_enter", on_enter)
