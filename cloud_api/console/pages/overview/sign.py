"""How one asset stands, in a tile or in a line of the tree: worst alarm, counts, freshness, changed in their place."""

from datetime import datetime, timedelta
from typing import Any

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.parts.html import element, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen

FRESH = timedelta(minutes=2)


def worst_of(asset: dict[str, Any]) -> str | None:
    """The priority of the worst open alarm at or below an asset."""
    return next((each for each in PRIORITIES if asset["alarms"][each]), None)


class Sign:
    """The places of one asset's standing; only what has changed goes to the browser."""

    def __init__(self, screen: Screen, frame: Element | None = None) -> None:
        self._screen = screen
        self._frame = frame
        self._told: tuple[object, ...] = ()
        self._worst: str | None = None

    def mark(self) -> None:
        """Build the place of the mark."""
        self._mark = element("span", "ms-sign-mark")

    def lines(self, classes: str = "") -> None:
        """Build the places of counts and freshness."""
        self._counts: ui.label = words("span", "", "ms-muted")
        self._fresh: ui.label = words("span", "", f"ms-muted {classes}")

    def show(self, asset: dict[str, Any]) -> None:
        """Show how the asset stands now."""
        total = sum(asset["alarms"][each] for each in PRIORITIES)
        told = (worst_of(asset), self._alarms(asset, total), freshness(self._screen, asset))
        if told == self._told or self._counts.is_deleted:
            return
        self._told = told
        worst, alarms, fresh = told
        if worst != self._worst:
            self._show_worst(worst)
        self._counts.set_text(alarms)
        shown, hidden = ("ms-figure", "ms-muted") if total else ("ms-muted", "ms-figure")
        self._counts.classes(shown, remove=hidden)
        self._fresh.set_text(fresh)

    def _show_worst(self, worst: str | None) -> None:
        if self._frame is not None:
            self._frame.classes(f"ms-worst-{worst or 'none'}", remove=f"ms-worst-{self._worst or 'none'}")
        self._worst = worst
        self._mark.clear()
        if worst:
            with self._mark:
                priority_mark(self._screen.text, worst)

    def _alarms(self, asset: dict[str, Any], total: int) -> str:
        text, formats = self._screen.text, self._screen.formats
        if not total:
            return text("overview.no_alarm")
        waiting = asset["alarms"]["unacknowledged"]
        return text("overview.alarms", count=formats.number(total), waiting=formats.number(waiting))


def freshness(screen: Screen, asset: dict[str, Any]) -> str:
    """In words, so that a tick of the clock alone changes nothing."""
    text, formats, now = screen.text, screen.formats, screen.now()
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
