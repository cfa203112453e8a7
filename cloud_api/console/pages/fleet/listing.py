"""All agents in a table that keeps itself up to date."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from cloud_api.console.pages.fleet.certificates import first_to_end
from cloud_api.console.parts.html import element, words
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.screen import Screen

REFRESH_S = 10.0
AGED_S = 90.0


async def show_agents(screen: Screen) -> None:
    """Build the table."""
    with element("section", "ms-card"):
        table = Pages(screen, _columns(screen), "/agents", none_key="fleet.none")
        await table.load()
    screen.every(REFRESH_S, table.refresh)


def _columns(screen: Screen) -> list[Column]:
    formats = screen.formats

    def name(item: Mapping[str, Any]) -> None:
        with element("a", href=screen.here(agent=item["id"])):
            ui.label(item["id"])

    def devices(item: Mapping[str, Any]) -> None:
        running = sum(each["state"] == "running" for each in item["devices"])
        words("span", f"{running} / {len(item['devices'])}", _concern(running < len(item["devices"])))

    def tags(item: Mapping[str, Any]) -> None:
        delivering = sum(each["delivering_tags"] or 0 for each in item["devices"])
        configured = sum(each["configured_tags"] or 0 for each in item["devices"])
        shown = f"{formats.number(delivering)} / {formats.number(configured)}"
        words("span", shown, _concern(delivering < configured))

    def seen(item: Mapping[str, Any]) -> None:
        words("span", formats.ago(item["last_seen_at"], screen.now()), "ms-figure")

    def version(item: Mapping[str, Any]) -> None:
        words("span", item["version"] or "–", "ms-figure")

    return [
        Column(screen.text("fleet.agent"), name),
        Column(screen.text("fleet.state"), lambda item: state_mark(screen, item["status"])),
        Column(screen.text("fleet.seen"), seen),
        Column(screen.text("fleet.version"), version),
        Column(screen.text("fleet.devices"), devices),
        Column(screen.text("fleet.tags"), tags),
        Column(screen.text("fleet.backlog"), lambda item: show_backlog(screen, item["backlog"])),
        Column(screen.text("fleet.certificates"), lambda item: first_to_end(screen, item["certificates"])),
    ]


def state_mark(screen: Screen, state: str | None) -> None:
    """A state as a shape and a word; only what is not well has a colour."""
    name = screen.text(f"fleet_state.{state or 'unknown'}")
    sign = {"online": "●", "running": "●", "offline": "■", "unreachable": "■"}.get(state or "", "◆")
    words("span", f"{sign} {name}", _concern(sign == "■"))


def show_backlog(screen: Screen, backlog: Mapping[str, Any] | None) -> None:
    """How much waits, and for how long."""
    if backlog is None:
        words("span", "–", "ms-muted")
        return
    oldest = screen.formats.local(backlog["oldest_at"])
    age_s = (screen.now() - oldest).total_seconds() if oldest else 0.0
    shown = screen.text(
        "fleet.waiting", count=screen.formats.number(backlog["batches"]), size=screen.formats.size(backlog["bytes"])
    )
    late = screen.text("fleet.oldest", ago=screen.formats.length(age_s)) if age_s > AGED_S else ""
    words("span", f"{shown}{late}", _concern(bool(late)))


def _concern(is_concern: bool) -> str:
    return "ms-figure ms-uncertain ms-strong" if is_concern else "ms-figure"
