"""What differs between two documents, member by member, for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from cloud_api.console.parts.form import shown
from cloud_api.console.parts.html import element, words
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


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Members that are not the same, with both values; what is null or empty counts as not said."""
    old, new = _members(before), _members(after)
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def _members(value: Any, name: str = "") -> dict[str, Any]:
    """Tables and lists of tables by dotted names, counted from 1 as people count."""
    inside: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        inside = [(str(key), each) for key, each in value.items()]
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        inside = [(str(number), each) for number, each in enumerate(value, 1)]
    elif value is None or value == []:
        return {}
    else:
        return {name: value}
    below = [_members(member, f"{name}.{key}" if name else key) for key, member in inside]
    return {path: each for members in below for path, each in members.items()}


def _value(sign: str, value: Any, tag: str) -> None:
    with element("td"):
        if value is None:
            words("span", "–", "ms-muted")
        else:
            words(tag, f"{sign} {shown(value)}", "ms-code")
