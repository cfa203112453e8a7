"""A form over a document: each field knows the member that it edits, and what the API says of a member stands there."""

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.api import Refused
from cloud_api.console.parts.html import element
from cloud_api.console.refusals import problems_of
from cloud_api.console.screen import Screen
from cloud_api.console.words import Words

Control: TypeAlias = ui.input | ui.textarea | ui.select | ui.switch
ABSENT = object()


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

    def line(self, path: str, label: str, *, lines: bool = False, hint: str = "") -> Control:
        """One line of text, or several."""
        value = self.value(path, "")
        control = ui.textarea(label, value=value) if lines else ui.input(label, value=value)
        if lines:
            control.props("autogrow")
        return self._add(path, _hinted(control, hint), _text, "")

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

    def value(self, path: str, default: Any = None) -> Any:
        """What the document has there."""
        found = _find(self._original, path)
        return default if found is ABSENT or found is None else found

    def set(self, path: str, value: Any) -> None:
        """Change what a field shows."""
        control = self._entries[path].control
        if not isinstance(control, ui.switch):
            control.value = shown(value)

    def forget(self, prefix: str, replacement: Any = ABSENT) -> None:
        """Drop the fields below a member, and what the document has there."""
        self._entries = {path: entry for path, entry in self._entries.items() if not path.startswith(prefix + ".")}
        _put(self._original, prefix, replacement)

    def document(self) -> dict[str, Any]:
        """The document as the fields have it; members that no field shows stay as they were."""
        document: dict[str, Any] = json.loads(json.dumps(self._original))
        for path, entry in self._entries.items():
            value = entry.read(entry.control.value)
            is_default = value is None or value == entry.default
            was_said = _find(self._original, path) is not ABSENT
            if value is None or (is_default and not was_said):
                _put(document, path, ABSENT)
            else:
                _put(document, path, value)
        return _compact(document)

    def lock(self) -> None:
        """Only show: for whoever may not change it."""
        for entry in self._entries.values():
            entry.control.disable()

    def clear(self) -> None:
        """Forget what was wrong."""
        for entry in self._entries.values():
            _tell(entry.control, None)

    def show(self, words: Words, refused: Refused) -> list[str]:
        """Say at each field what the API has against it; what belongs to no field comes back."""
        self.clear()
        told: dict[str, list[str]] = {}
        others: list[str] = []
        for path, detail in problems_of(words, refused):
            field = self._field_of(path)
            if field is None or isinstance(self._entries[field].control, ui.switch):
                others.append(f"{path}: {detail}" if path else detail)
            else:
                inside = path.removeprefix(field).removeprefix(".")
                told.setdefault(field, []).append(f"{inside}: {detail}" if inside else detail)
        for field, details in told.items():
            _tell(self._entries[field].control, "; ".join(details))
        return others

    def _field_of(self, path: str) -> str | None:
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            if (found := ".".join(parts[:length])) in self._entries:
                return found
        return next((known for known in self._entries if known.startswith(path + ".")), None) if path else None

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
        if refused.kind not in {"body-invalid", "parameter-invalid"}:
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


def flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Members inside members, by dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(prefix + name, value)]
    return found


def pairs_of(text: str | None) -> dict[str, Any]:
    """`name = value` lines to a table."""
    table: dict[str, Any] = {}
    for line in (text or "").splitlines():
        name, _, value = line.partition("=")
        if name.strip():
            _put(table, name.strip(), _json(value.strip()))
    return table


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


def _find(document: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            return ABSENT
    return document


def _put(document: Any, path: str, value: Any) -> None:
    *parts, last = path.split(".")
    for part in parts:
        if isinstance(document, list):
            document = document[int(part)]
            continue
        if not isinstance(document.get(part), dict | list):
            if value is ABSENT:
                return
            document[part] = {}
        document = document[part]
    if isinstance(document, list):
        document[int(last)] = value
    elif value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = value


def _compact(document: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that are empty are not said at all."""
    kept = {name: _compact(value) if isinstance(value, dict) else value for name, value in document.items()}
    return {name: value for name, value in kept.items() if value != {}}


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
