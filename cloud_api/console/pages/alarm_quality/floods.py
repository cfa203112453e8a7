"""Floods on a time line: where they lie, how long and how high."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.table import show_rows, show_table, told
from cloud_api.console.screen import Screen

LEAST_PERCENT = 0.4


def show_floods(screen: Screen, floods: list[Mapping[str, Any]], start: datetime, end: datetime) -> None:
    """Build the line and the table below it."""
    formats = screen.formats
    with element("section", "ms-card"):
        heading(screen.text("alarm_quality.floods"))
        ui.label(screen.text("alarm_quality.floods_about")).classes("ms-muted")
        with element(
            "div", "ms-timeline", role="img", aria_label=screen.text("alarm_quality.flood_count", count=len(floods))
        ):
            for flood in floods:
                _bar(flood, start, end)
        with element("div", "ms-timeline-ends ms-muted ms-figure"):
            ui.label(formats.instant(start, seconds=False))
            ui.label(formats.instant(end, seconds=False))
        if not floods:
            ui.label(screen.text("alarm_quality.clean")).classes("ms-muted")
            return
        columns = [
            told(screen.text("alarm_quality.from"), lambda item: formats.instant(item["from"])),
            told(screen.text("alarm_quality.length"), lambda item: _length(screen, item)),
            told(screen.text("alarm_quality.alarms"), lambda item: formats.number(item["alarms"])),
            told(screen.text("alarm_quality.peak"), lambda item: formats.number(item["peak"])),
        ]
        with element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("alarm_quality.floods")):
            body = show_table(columns)
        with body:
            show_rows(columns, floods)


def _bar(flood: Mapping[str, Any], start: datetime, end: datetime) -> None:
    whole = (end - start).total_seconds()
    left = 100 * (datetime.fromisoformat(flood["from"]) - start).total_seconds() / whole
    width = 100 * (datetime.fromisoformat(flood["to"]) - start).total_seconds() / whole - left
    left = min(max(left, 0.0), 100 - LEAST_PERCENT)
    element("span", "ms-flood-span").style(
        f"left: {left:.3f}%; width: {min(max(width, LEAST_PERCENT), 100 - left):.3f}%"
    )


def _length(screen: Screen, flood: Mapping[str, Any]) -> str:
    length = datetime.fromisoformat(flood["to"]) - datetime.fromisoformat(flood["from"])
    shown = screen.formats.length(length.total_seconds())
    return screen.text("alarm_quality.going_on", length=shown) if flood["is_open"] else shown
