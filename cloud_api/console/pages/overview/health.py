"""The row of figures: agents, backlog, freshness, disk."""

from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from cloud_api.console.api import Refused
from cloud_api.console.parts.html import element
from cloud_api.console.screen import Screen

EVERY_S = 10.0
FEW_DAYS = 30.0
OLD_BACKLOG = timedelta(minutes=2)
MOST = 1_000


async def show_health(screen: Screen) -> None:
    """Show the figures and keep them fresh."""
    place = element("section", "ms-tiles ms-health", aria_label=screen.text("overview.health"))
    told: list[object] = [None]

    async def look() -> None:
        agents = await _agents(screen)
        days = (await screen.api.health()).get("days_to_full")
        shown = _figures(screen, agents, days)
        if shown == told[0] or place.is_deleted:
            return
        told[0] = shown
        place.clear()
        with place:
            for title, figure, note, needs_somebody in shown:
                _tile(screen, title, figure, note, needs_somebody=needs_somebody)

    await look()
    screen.every(EVERY_S, look)


async def _agents(screen: Screen) -> list[dict[str, Any]] | None:
    """All agents, None for those who may not see the fleet."""
    try:
        found = await screen.api.get("/agents", limit=MOST)
    except Refused as refused:
        if refused.kind == "outside-reach":
            return None
        raise
    return [agent for agent in found["items"] if agent["replaced_by"] is None]


def _figures(
    screen: Screen, agents: list[dict[str, Any]] | None, days: float | None
) -> list[tuple[str, str, str, bool]]:
    text, formats = screen.text, screen.formats
    figures: list[tuple[str, str, str, bool]] = []
    if agents is not None:
        online = [agent for agent in agents if agent["status"] == "online"]
        figures.append(_of(screen, "agents", len(online), len(agents)))
        # What an agent said last holds no longer once it is silent.
        devices = [device for agent in online for device in agent["devices"]]
        running = sum(device["state"] == "running" for device in devices)
        figures.append(_of(screen, "devices", running, sum(len(agent["devices"]) for agent in agents)))
        delivering = sum(device["delivering_tags"] or 0 for device in devices)
        configured = sum(device["configured_tags"] or 0 for agent in agents for device in agent["devices"])
        figures.append(_of(screen, "tags", delivering, configured))
        figures.append(_backlog(screen, [agent["backlog"] for agent in agents if agent["backlog"]]))
    if days is None:
        figures.append((text("overview.disk"), "–", text("overview.does_not_fill"), False))
    else:
        shown = text("overview.days", count=formats.number(round(days)))
        figures.append((text("overview.disk"), shown, text("overview.until_full"), days < FEW_DAYS))
    return figures


def _of(screen: Screen, name: str, well: int, of: int) -> tuple[str, str, str, bool]:
    """How many of them are well, and, where some are not, how many."""
    text, number = screen.text, screen.formats.number
    note = text(f"overview_well.{name}")
    if well < of:
        note = text(f"overview_not_well.{name}", count=number(of - well))
    return text(f"overview.{name}"), f"{number(well)} / {number(of)}", note, well < of


def _backlog(screen: Screen, waiting: list[dict[str, Any]]) -> tuple[str, str, str, bool]:
    text, formats = screen.text, screen.formats
    batches = sum(backlog["batches"] or 0 for backlog in waiting)
    oldest = min((backlog["oldest_at"] for backlog in waiting if backlog["oldest_at"]), default=None)
    is_late = oldest is not None and screen.now() - datetime.fromisoformat(oldest) > OLD_BACKLOG
    note = text("overview.up_to_date")
    if is_late:
        note = text("overview.oldest", ago=formats.ago(oldest, screen.now()))
    return text("overview.backlog"), formats.number(batches), note, is_late


def _tile(screen: Screen, title: str, figure: str, note: str, *, needs_somebody: bool) -> None:
    with element("div", "ms-card ms-figure-tile" + (" ms-attention" if needs_somebody else "")):
        ui.label(title).classes("ms-muted")
        ui.label(figure).classes("ms-large")
        ui.label(f"⚠ {note}" if needs_somebody else note).classes("ms-muted")
