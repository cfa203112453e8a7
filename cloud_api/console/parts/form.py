"""A form over a document: each field knows the member that it edits, and what the API says of a member stands there."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.api import Refused
from cloud_api.console.parts.html import element
from cloud_api.console.parts.members import ABSENT, compact, find, flat, put
from cloud_api.console.refusals import problems_of
from cloud_api.console.screen import Screen
from cloud_api.console.words import Words

Control: TypeAlias = ui.input | ui.textarea | ui.select | ui.switch


@dataclass(frozen=True, slots=True)
class _Entry:
    control: Control
    read: Callable[[Any], Any]
    # What the API takes for a member that is not said: it is left out where it was left out before.
    default: Any


class Form:
    """Fields by the path of their member, as `condition.hi.limit`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._original: dict[str, Any] = json.loads(json.dumps(document))
        self._entries: dict[str, _Entry] = {}
        self._places: dict[str, ui.label] = {}

    def line(self, path: str, label: str, *, lines: bool = False, hint: str = "") -> Control:
        """One line of text, or several."""
        value = self.value(path, "")
        control = ui.textarea(label, value=value) if lines else ui.input(label, value=value)
        if lines:
            control.props("autogrow")
        return self._add(path, _hinted(control, hint), _text, "")

    def instant(self, path: str, label: str, zone: tzinfo, hint: str = "") -> Control:
        """A moment by the clock of a zone; one that nobody touches stays as it was said."""
        said: str | None = self.value(path)
        local = "" if said is None else _clock(said, zone)
        control = ui.input(label, value=local).props("type=datetime-local step=1")

        def read(text: str | None) -> str | None:
            return said if (text or "") == local else _instant(text, zone)

        return self._add(path, _hinted(control, hint), read, None)

    def number(self, path: str, label: str, default: Any = None, hint: str = "") -> Control:
        """A number; what is none is sent as it is, so that the API says what is allowed."""
        control = ui.input(label, value=shown(self.value(path, default)))
        control.props("input-class=ms-figure")
        return self._add(path, _hinted(control, hint), parsed, default)

    def choice(self, path: str, label: str, options: Mapping[Any, str], default: Any = None) -> Control:
        """One of several."""
        value = self.value(path, default)
        known = dict(options) if value in options or value is None else {**options, value: str(value)}
        return self._add(path, ui.select(known, label=label, value=value), lambda chosen: chosen, default)

    def switch(self, path: str, label: str, *, default: bool = False) -> Control:
        """Yes or no."""
        return self._add(path, ui.switch(label, value=bool(self.value(path, default))), bool, default)

    def items(self, path: str, label: str, hint: str = "", *, is_text: bool = False) -> Control:
        """Several values, one a line; numbers and true are such unless all of them are texts."""
        value = "\n".join(shown(each) for each in self.value(path, []))
        control = ui.textarea(label, value=value).props("autogrow")
        return self._add(path, _hinted(control, hint), _lines if is_text else _items, [])

    def choices(self, path: str, label: str, options: Mapping[Any, str], default: Sequence[Any] = ()) -> Control:
        """Any number of several."""
        value = list(self.value(path, list(default)))
        control = ui.select(dict(options), label=label, value=value, multiple=True)
        return self._add(path, control, lambda chosen: chosen or None, list(default))

    def pairs(self, path: str, label: str, hint: str = "") -> Control:
        """Names and values, `name = value` on each line; a dotted name is a member inside."""
        value = "\n".join(f"{name} = {shown(each)}" for name, each in flat(self.value(path, {})))
        control = ui.textarea(label, value=value).props("autogrow")
        return self._add(path, _hinted(control, hint), pairs_of, {})

    def labels(self, path: str, label: str, hint: str = "") -> Control:
        """What states are called, `state = English | 中文` on each line."""
        found: Mapping[str, Any] = self.value(path, {})
        lines = [f"{state} = {texts.get('en', '')} | {texts.get('zh', '')}" for state, texts in found.items()]
        control = ui.textarea(label, value="\n".join(lines)).props("autogrow")
        return self._add(path, _hinted(control, hint), _labels, {})

    def place(self, path: str, label: ui.label) -> None:
        """Where it is said what is wrong with a list as a whole, whatever is in it."""
        self._places[path] = label

    def value(self, path: str, default: Any = None) -> Any:
        """What the document has there."""
        found = find(self._original, path)
        return default if found is ABSENT or found is None else found

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def shown(self, path: str) -> Any:
        """What a field shows now."""
        return self._entries[path].control.value

    def on_change(self, path: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something each time a field has another value."""
        self._entries[path].control.on_value_change(do)

    def set(self, path: str, value: Any) -> None:
        """Change what a field shows."""
        control = self._entries[path].control
        if not isinstance(control, ui.switch):
            control.value = shown(value)

    def forget(self, prefix: str, replacement: Any = ABSENT) -> None:
        """Drop the fields below a member, and what the document has there."""
        self._entries = {path: entry for path, entry in self._entries.items() if not path.startswith(prefix + ".")}
        put(self._original, prefix, replacement)

    def document(self) -> dict[str, Any]:
        """The document as the fields have it; members that no field shows stay as they were."""
        document: dict[str, Any] = json.loads(json.dumps(self._original))
        for path, entry in self._entries.items():
            value = entry.read(entry.control.value)
            is_default = value is None or value == entry.default
            was_said = find(self._original, path) not in (ABSENT, None)
            if value is None or (is_default and not was_said):
                put(document, path, ABSENT)
            else:
                put(document, path, value)
        return compact(document)

    def lock(self) -> None:
        """Only show: for whoever may not change it."""
        for entry in self._entries.values():
            entry.control.disable()

    def clear(self) -> None:
        """Forget what was wrong."""
        for entry in self._entries.values():
            _tell(entry.control, None)
        for label in self._places.values():
            label.text = ""

    def show(self, words: Words, refused: Refused) -> list[str]:
        """Say at each field what the API has against it; what belongs to no field comes back."""
        self.clear()
        told: dict[str, list[str]] = {}
        others: list[str] = []
        for path, detail in problems_of(words, refused):
            field = self._field_of(path)
            if field in self._places:
                told.setdefault(field, []).append(detail)
            elif field is None or isinstance(self._entries[field].control, ui.switch):
                others.append(f"{path}: {detail}" if path else detail)
            else:
                inside = path.removeprefix(field).removeprefix(".")
                told.setdefault(field, []).append(f"{inside}: {detail}" if inside else detail)
        for field, details in told.items():
            if field in self._places:
                self._places[field].text = "; ".join(details)
            else:
                _tell(self._entries[field].control, "; ".join(details))
        return others

    def _field_of(self, path: str) -> str | None:
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if (found := ".".join(parts[:length])) in self._entries or (found == path and found in self._places):
                return found
            if found in self._places:
                return self._first_in(path, found)
        return self._first_in(path, None) if path else None

    def _first_in(self, path: str, otherwise: str | None) -> str | None:
        """A table that is missing is said at the first field in it."""
        return next((known for known in self._entries if known.startswith(path + ".")), otherwise)

    def _add(self, path: str, control: Control, read: Callable[[Any], Any], default: Any) -> Control:
        self._entries[path] = _Entry(control, read, default)
        if not isinstance(control, ui.switch):
            control.props("dense outlined stack-label no-error-icon").classes("ms-field")
            # Whoever corrects a field need not read the old complaint meanwhile.
            control.on_value_change(lambda: _tell(control, None))
        return control


async def sent(screen: Screen, form: Form, others: Element, ask: Callable[[], Awaitable[Any]]) -> Any | None:
    """Ask the API; None where it refuses what the fields say, and then they say why."""
    try:
        answer = await ask()
    except Refused as refused:
        # What is in conflict by one field, as a name that is taken, is said there as well.
        is_of_fields = refused.kind in {"body-invalid", "parameter-invalid"} or refused.document.get("field")
        if not is_of_fields:
            raise
        show_others(others, screen.text("filters.correct"), form.show(screen.text, refused))
        screen.warn(screen.text("filters.not_saved"))
        return None
    form.clear()
    show_others(others, "", ())
    return answer


def problem_place() -> Element:
    """Where `sent` says what belongs to no field."""
    place = element("div", "ms-problems", role="alert")
    place.set_visibility(False)
    return place


def shown(value: Any) -> str:
    """A value as people write it into a field."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def parsed(text: str | None) -> Any:
    """A number where it is one; else the text, and None for nothing."""
    stripped = (text or "").strip()
    if not stripped:
        return None
    try:
        value = json.loads(stripped)
    except ValueError:
        return stripped
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else stripped


def pairs_of(text: str | None) -> dict[str, Any]:
    """`name = value` lines to a table."""
    table: dict[str, Any] = {}
    for line in (text or "").splitlines():
        name, _, value = line.partition("=")
        if name.strip():
            put(table, name.strip(), _json(value.strip()))
    return table


def _clock(instant: str, zone: tzinfo) -> str:
    """What the clock of a zone shows; what is no instant stays, for the API to say so."""
    try:
        return datetime.fromisoformat(instant).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return instant


def _instant(local: str | None, zone: tzinfo) -> str | None:
    try:
        return datetime.fromisoformat(local).replace(tzinfo=zone).isoformat() if local else None
    except ValueError:
        return local


def _text(text: str | None) -> str | None:
    return (text or "").strip() or None


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _items(text: str | None) -> list[Any]:
    return [_json(line.strip()) for line in (text or "").splitlines() if line.strip()]


def _labels(text: str | None) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for line in (text or "").splitlines():
        state, _, texts = line.partition("=")
        en, _, zh = texts.partition("|")
        if state.strip():
            table[state.strip()] = {name: each.strip() for name, each in (("en", en), ("zh", zh)) if each.strip()}
    return table


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _hinted(control: Control, hint: str) -> Control:
    if hint:
        control.props["hint"] = hint
    return control


def _tell(control: Control, complaint: str | None) -> None:
    if not isinstance(control, ui.switch):
        control.error = complaint


def show_others(place: Element, title: str, details: Sequence[str]) -> None:
    """What is wrong and belongs to no field."""
    place.clear()
    place.set_visibility(bool(details))
    with place:
        if details:
            ui.label(title).classes("ms-h3")
        for detail in details:
            ui.label(detail)
