"""The banner on every page: how many alarms stand in which priority, the foremost of them, and the sound."""

import json
from collections.abc import Mapping
from typing import Any

from nicegui import ui
from nicegui.element import Element

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.acknowledging import acknowledge_seen
from cloud_api.console.parts.html import attributed, element, short_message
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen
from cloud_api.console.watch import Standing


def show_banner(screen: Screen) -> None:
    """Build the banner and follow the alarms for as long as the page is open."""
    with element("section", "ms-banner-place", aria_label=screen.text("banner.region")):
        banner = _Banner(screen)
    leave = screen.watch.follow(screen.api, "\n".join(screen.me["reach"]), banner.tell)
    screen.client.on_delete(leave)


class _Banner:
    """One row: counts by priority, the foremost unacknowledged alarm, silence."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._told: tuple[object, ...] = ()
        with element("div", "ms-banner"):
            with element("div", "ms-banner-counts"):
                self._counts = {priority: self._count(priority) for priority in PRIORITIES}
            self._foremost = element("div", "ms-banner-foremost", aria_live="polite")
            with self._foremost:
                ui.label(screen.text("banner.reading")).classes("ms-muted")
            silence = ui.button(icon="volume_off").props("flat dense id=ms-silence")
            attributed(silence, aria_label=screen.text("banner.silence"), title=screen.text("banner.silence"))
            silence.on("click", js_handler="() => ms.silence()")
            if screen.look.is_kiosk:
                # Nobody sits before a wall: a clock that goes on says that the picture lives.
                element("span", "ms-clock", id="ms-clock", aria_hidden="true")

    def tell(self, standing: Standing) -> None:
        """Show what stands now; nothing is sent to the browser where nothing of it has changed."""
        foremost = standing.foremost[0] if standing.foremost else None
        shown = (foremost["id"], foremost["version"]) if foremost else None
        newest_at = standing.newest and standing.newest["annunciated_at"]
        told = (*(standing.counts[each] for each in PRIORITIES), standing.counts["unacknowledged"], shown, newest_at)
        if told == self._told or self._foremost.is_deleted:
            return
        self._told = told
        with self._screen.client:
            for priority, (link, label) in self._counts.items():
                count = standing.counts[priority]
                label.set_text(self._screen.formats.number(count))
                link.classes(remove="ms-none") if count else link.classes("ms-none")
            self._show_foremost(foremost, standing.counts["unacknowledged"])
            newest = standing.newest
            ring = None
            if foremost is not None and newest is not None:
                ring = {"loudest": foremost["priority"], "newest": newest["priority"], "at": newest["annunciated_at"]}
            ui.run_javascript(f"ms.alarms({json.dumps(ring)})")

    def _count(self, priority: str) -> tuple[Element, ui.label]:
        name = self._screen.text(f"priority.{priority}")
        target = self._screen.address("/alarms", priority=priority)
        with element("a", "ms-count ms-none", href=target, title=name) as link:
            priority_mark(self._screen.text, priority)
            return link, ui.label("0").classes("ms-figure")

    def _show_foremost(self, alarm: Mapping[str, Any] | None, count: int) -> None:
        screen = self._screen
        self._foremost.clear()
        with self._foremost:
            if alarm is None:
                ui.label(screen.text("banner.none")).classes("ms-muted")
                return
            priority_mark(screen.text, alarm["priority"])
            with element("a", "ms-banner-alarm", href=screen.address("/alarms", alarm=alarm["id"])):
                message = alarm["message_zh" if screen.is_chinese else "message_en"]
                shown = message if alarm["path"] in message else f"{alarm['path']}: {message}"
                ui.label(short_message(shown, alarm["path"]))
            ui.label(screen.formats.when(alarm["annunciated_at"], screen.now())).classes("ms-muted ms-figure")
            if screen.may(Permission.OPERATE):
                ui.button(screen.text("alarms.acknowledge"), on_click=lambda: self._acknowledge(alarm)).props(
                    "dense outline no-caps"
                )
            ui.label(screen.text("banner.unacknowledged", count=count)).classes("ms-figure ms-banner-more")

    async def _acknowledge(self, alarm: Mapping[str, Any]) -> None:
        await acknowledge_seen(self._screen, alarm, None)
