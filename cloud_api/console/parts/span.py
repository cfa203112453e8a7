"""A stretch of time as a page's address says it: `8h`, `7d`, or from one instant to another."""

import re
from datetime import datetime, timedelta
from functools import partial

from nicegui import ui

from cloud_api.console.parts.html import attributed, element
from cloud_api.console.screen import Screen

SPANS = ("1h", "8h", "24h", "7d", "30d")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_FORM = re.compile(r"([1-9]\d{0,3})([mhd])")


def read_span(screen: Screen, default: str = "24h") -> tuple[datetime, datetime]:
    """The stretch that the address means; the default's where it means none."""
    query = screen.query
    if (start := _instant(query.get("from"))) and (end := _instant(query.get("to"))) and start < end:
        return start, end
    match = _FORM.fullmatch(query.get("range", default)) or _FORM.fullmatch(default)
    length = int(match[1]) * _UNITS[match[2]] if match else timedelta(days=1)
    now = screen.now()
    return now - length, now


def span_buttons(screen: Screen, default: str = "24h") -> None:
    """Choose one of the usual stretches; the page is loaded with it."""
    chosen = "" if screen.query.get("from") else screen.query.get("range", default)
    with element("div", "ms-row ms-no-print", role="group", aria_label=screen.text("span.label")):
        for each in SPANS:
            target = screen.here(range=each, **{"from": None, "to": None})
            button = ui.button(screen.text(f"span.{each}"), color=None, on_click=partial(_go, target))
            button.props("no-caps unelevated dense").classes("ms-tab")
            attributed(button, aria_pressed="true" if each == chosen else "false")


def _go(target: str) -> None:
    ui.navigate.to(target)


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
