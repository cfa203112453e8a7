"""What differs between two documents, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from cloud_api.console.parts.form import shown
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen


def show_changes(screen: Screen, changes: Mapping[str, Sequence[Any]]) -> None:
    """Members with what they were and what they are; signs beside the words, for nobody needs colour to read it."""
    if not changes:
        ui.label(screen.text("definitions.unchanged")).classes("ms-muted")
        return
    with element("div", "ms-scroll", tabindex=0), element("table", "ms-table ms-diff"):
        with element("thead"), element("tr"):
            for key in ("member", "before", "after"):
                words("th", screen.text(f"definitions.{key}"), scope="col")
        with element("tbody"):
            for path, (before, after) in changes.items():
                with element("tr"):
                    words("td", path, "ms-code")
                    _value("−", before, "del")
                    _value("+", after, "ins")


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


def _value(sign: str, value: Any, tag: str) -> None:
    with element("td"):
        if value is None:
            words("span", "–", "ms-muted")
        else:
            words(tag, f"{sign} {shown(value)}", "ms-code")
