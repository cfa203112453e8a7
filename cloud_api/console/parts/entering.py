"""Values that people enter: the form for one value, and the form for a series that takes them."""

import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from nicegui import ui

from cloud_api.console.parts.dialogs import form_dialog, save_or_cancel
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element, words
from cloud_api.console.screen import Screen

Then: TypeAlias = Callable[[], Awaitable[None]]
KINDS = ("f64", "i64", "bool", "str")


async def enter_value(screen: Screen, series_ids: Sequence[int], then: Then) -> None:
    """Ask for a value of one of these series; `then` is called when it is kept."""
    found = [await screen.api.get(f"/entry-series/{series_id}") for series_id in series_ids]
    names = {each["series_id"]: each["path"] for each in found}
    by_id = {each["series_id"]: each for each in found}
    dialog, card = form_dialog(screen, screen.text("entering.title"))
    with card:
        fields = element("div", "ms-page")

        def show(series_id: int) -> None:
            fields.clear()
            with fields:
                _value_form(screen, by_id[series_id], dialog, then)

        if len(found) > 1:
            first = found[0]["series_id"]
            choice = ui.select(names, value=first, label=screen.text("entering.series"))
            choice.props("dense outlined").on_value_change(lambda event: show(event.value))
            choice.move(target_index=1)
        show(found[0]["series_id"])
    dialog.open()


def new_series(screen: Screen, path: str, then: Then) -> None:
    """Ask for a series below a path that is to take values."""
    text = screen.text
    dialog, card = form_dialog(screen, text("entering.new_series"))
    with card:
        form = Form({"path": path, "kind": "f64"})
        form.line("path", text("entering.path"), hint=text("entering.path_hint"))
        form.choice("kind", text("entering.kind"), {kind: text(f"entering_kind.{kind}") for kind in KINDS})
        form.line("unit", text("entering.unit"))
        form.line("description", text("entering.description"))
        form.number("low", text("entering.low"))
        form.number("high", text("entering.high"))
        form.items("choices", text("entering.choices"), text("entering.choices_hint"))
        others = problem_place()

        async def save() -> None:
            body = form.document()
            if body.get("kind") == "str" and "choices" in body:
                body["choices"] = [each if isinstance(each, str) else json.dumps(each) for each in body["choices"]]
            if await sent(screen, form, others, lambda: screen.api.post("/entry-series", body)) is not None:
                dialog.close()
                screen.done(text("entering.series_made"))
                await then()

        save_or_cancel(screen, dialog, save)
    dialog.open()


def _value_form(screen: Screen, series: dict[str, Any], dialog: ui.dialog, then: Then) -> None:
    text = screen.text
    words("p", series["path"], "ms-muted")
    form = Form({"if_exists": "refuse"})
    _value_field(screen, form, series)
    form.instant("time", text("entering.time"), screen.formats.zone, text("entering.time_hint"))
    form.line("comment", text("entering.comment"))
    options = {each: text(f"entering_exists.{each}") for each in ("refuse", "replace")}
    form.choice("if_exists", text("entering.if_exists"), options, default="refuse")
    others = problem_place()
    once = secrets.token_hex(8)

    async def save() -> None:
        body = {"value": None, **form.document()}
        address = f"/series/{series['series_id']}/entries"
        # Pressed twice it is one entry; another value is another one.
        key = f"{once}-{hashlib.blake2b(json.dumps(body).encode(), digest_size=8).hexdigest()}"
        if await sent(screen, form, others, lambda: screen.api.post_once(address, body, key)) is not None:
            dialog.close()
            screen.done(text("entering.kept"))
            await then()

    save_or_cancel(screen, dialog, save)


def _value_field(screen: Screen, form: Form, series: dict[str, Any]) -> None:
    text, unit = screen.text, series["unit"]
    label = f"{text('entering.value')} ({unit})" if unit else text("entering.value")
    if series["choices"] is not None:
        form.choice("value", label, {each: screen.formats.number(each) for each in series["choices"]})
    elif series["kind"] == "bool":
        form.choice("value", label, {True: text("value.true"), False: text("value.false")})
    elif series["kind"] == "str":
        form.line("value", label)
    else:
        low, high = (screen.formats.number(series[name]) for name in ("low", "high"))
        has_range = series["low"] is not None or series["high"] is not None
        form.number("value", label, hint=text("entering.range", low=low, high=high) if has_range else "")
