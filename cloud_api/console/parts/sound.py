"""Which priorities sound in this person's browsers, each with a test."""

from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.screen import Screen

SILENT_AT_FIRST = frozenset({"low"})


def sounds(preferences: dict[str, Any]) -> dict[str, bool]:
    """Which priorities sound; nobody has to choose first."""
    chosen = preferences.get("sound", {})
    return {priority: bool(chosen.get(priority, priority not in SILENT_AT_FIRST)) for priority in PRIORITIES}


def show_sound(screen: Screen) -> None:
    """A switch and a test for each priority."""
    chosen = sounds(screen.preferences)
    for priority in PRIORITIES:
        with element("div", "ms-row ms-tight"):
            priority_mark(screen.text, priority)
            name = screen.text(f"priority.{priority}")
            switch = ui.switch(name, value=chosen[priority]).classes("ms-grow")
            switch.on_value_change(partial(_choose, screen, priority))
            test = ui.button(screen.text("account.sound_test")).props("no-caps dense outline")
            test.on("click", js_handler=f"() => ms.sound.play('{priority}')")
            test.props["aria-label"] = f"{screen.text('account.sound_test')}: {name}"


async def _choose(screen: Screen, priority: str, event: Any) -> None:
    await screen.prefer(sound=sounds(screen.preferences) | {priority: bool(event.value)})
    ui.run_javascript(f"msPage.sound['{priority}'] = {'true' if event.value else 'false'}")
