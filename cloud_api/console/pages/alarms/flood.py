"""Flood mode: while alarms come faster than anybody reads, what came first stays in sight."""

from datetime import timedelta
from typing import Any

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.parts.html import element, heading, short_message, words
from cloud_api.console.parts.priority import priority_mark
from cloud_api.console.screen import Screen

EVERY_S = 10.0
LOOK_BACK = timedelta(hours=2)
FIRST_UPS = 3


async def follow_floods(screen: Screen, place: Element) -> None:
    """Look now and then whether a flood runs."""
    told: list[object] = [None]

    async def look() -> None:
        floods = await _running(screen)
        shown = [(flood["from"], flood["alarms"], [each["id"] for each in firsts]) for flood, firsts in floods]
        if shown == told[0] or place.is_deleted:
            return
        told[0] = shown
        place.clear()
        with place:
            for flood, firsts in floods:
                _show(screen, flood, firsts)

    await look()
    screen.every(EVERY_S, look)


async def _running(screen: Screen) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    now = screen.now()
    found = await screen.api.get("/alarms/kpi", from_=(now - LOOK_BACK).isoformat(), to=now.isoformat())
    running: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for position in found["positions"]:
        for flood in position["floods"]:
            if flood["is_open"]:
                firsts = await _firsts(screen, position["position"], flood["from"])
                running.append((flood | {"position": position["position"]}, firsts))
    return running


async def _firsts(screen: Screen, position: str | None, since: str) -> list[dict[str, Any]]:
    """The alarms that came up first and still stand."""
    page = await screen.api.get("/alarms", state="open", sort="oldest", position=position, limit=100)
    return [alarm for alarm in page["items"] if (alarm["annunciated_at"] or "") >= since][:FIRST_UPS]


def _show(screen: Screen, flood: dict[str, Any], firsts: list[dict[str, Any]]) -> None:
    formats, text = screen.formats, screen.text
    with element("section", "ms-card ms-flood"):
        title = text("alarms.flood.title", position=flood["position"] or text("alarms.flood.nobody"))
        since = formats.when(flood["from"], screen.now())
        alarms = formats.number(flood["alarms"])
        with element("div", "ms-row ms-flood-head"):
            heading(title)
            ui.label(text("alarms.flood.detail", since=since, alarms=alarms, peak=flood["peak"])).classes("ms-muted")
        for alarm in firsts:
            with element("div", "ms-row ms-flood-first"):
                ui.label(text("alarms.flood.first")).classes("ms-muted ms-figure")
                priority_mark(text, alarm["priority"])
                ui.label(formats.time(alarm["annunciated_at"])).classes("ms-figure")
                message = alarm["message_zh" if screen.is_chinese else "message_en"]
                with element("a", href=screen.here(alarm=alarm["id"])):
                    shown = message if alarm["path"] in message else f"{alarm['path']}: {message}"
                    words("span", short_message(shown, alarm["path"]))
