"""What differs between two documents, for people."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from cloud_api.console.parts.changes import show_changes
from cloud_api.console.parts.html import element, heading
from cloud_api.console.screen import Screen


def show_difference(screen: Screen, difference: Mapping[str, Any]) -> None:
    """What applying a file changes."""
    unchanged = difference["unchanged"]
    with element("div", "ms-row"):
        for key in ("created", "changed", "deleted"):
            ui.label(screen.text(f"definitions.count_{key}", count=len(difference[key]))).classes("ms-chip")
        ui.label(screen.text("definitions.count_unchanged", count=unchanged)).classes("ms-chip")
    for key in ("created", "deleted"):
        if difference[key]:
            heading(screen.text(f"definitions.list_{key}"), 3)
            ui.label(", ".join(difference[key]))
    for name, changes in difference["changed"].items():
        heading(name, 3)
        show_changes(screen, changes)
