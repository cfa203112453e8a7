"""Corrections of what was measured: another value or quality for a span of a series, and those made before."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.api import Refused
from cloud_api.console.parts.dialogs import form_dialog, save_or_cancel
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen
from schemas import status

NUMBERS = frozenset({"f64", "f32", "i64", "u64"})
STATUSES = {
    "good_local_override": status.GOOD_LOCAL_OVERRIDE,
    "bad_sensor_failure": status.BAD_SENSOR_FAILURE,
    "bad_out_of_service": status.BAD_OUT_OF_SERVICE,
    "bad": status.BAD,
    "uncertain_sensor_not_accurate": status.UNCERTAIN_SENSOR_NOT_ACCURATE,
    "uncertain_substitute_value": status.UNCERTAIN_SUBSTITUTE_VALUE,
    "good": status.GOOD,
}
MOST_SHOWN = 20


async def correct_span(
    screen: Screen, series_ids: Sequence[int], begin: str, end: str, then: Callable[[], Awaitable[None]]
) -> None:
    """Ask what was wrong between two instants; `then` is called when it is corrected."""
    found = {series_id: await screen.api.get(f"/series/{series_id}") for series_id in series_ids}
    first = next(iter(found))
    dialog, card = form_dialog(screen, screen.text("correcting.title"))
    with card:
        fields = element("div", "ms-stack")

        async def show(series_id: int) -> None:
            fields.clear()
            with fields:
                _show_form(screen, found[series_id], (begin, end), dialog, then)
                await _show_made(screen, series_id)

        if len(found) > 1:
            names = {series_id: each["path"] for series_id, each in found.items()}
            choice = ui.select(names, value=first, label=screen.text("entering.series"))
            choice.props("dense outlined").on_value_change(lambda event: show(event.value))
            choice.move(target_index=1)
        await show(first)
    dialog.open()


def _show_form(
    screen: Screen,
    series: Mapping[str, Any],
    span: tuple[str, str],
    dialog: ui.dialog,
    then: Callable[[], Awaitable[None]],
) -> None:
    text, zone = screen.text, screen.formats.zone
    words("p", series["path"], "ms-muted ms-break ms-hint")
    form = Form({"from": span[0], "to": span[1], "status": status.GOOD_LOCAL_OVERRIDE})
    with element("div", "ms-fields"):
        form.instant("from", text("correcting.from"), zone)
        form.instant("to", text("correcting.to"), zone, text("correcting.to_hint"))
    held = words("p", "", "ms-strong ms-hint", aria_live="polite")
    with element("div", "ms-fields"):
        _value_field(screen, form, series)
        qualities: dict[Any, str] = {code: text(f"correction_status.{name}") for name, code in STATUSES.items()}
        form.choice("status", text("correcting.status"), qualities)
    form.line("reason", text("correcting.reason"), hint=text("correcting.reason_hint"))
    words("p", text("correcting.note"), "ms-muted ms-hint")
    others = problem_place()

    async def count() -> None:
        held.text = await _held(screen, series, form.document())

    async def save() -> None:
        address = f"/series/{series['id']}/corrections"
        # A reason that is missing is said at its field, beside everything else.
        body = {"reason": "", **form.document()}
        made = await sent(screen, form, others, lambda: screen.api.post(address, body))
        if made is not None:
            dialog.close()
            screen.done(text("correcting.done", count=screen.formats.number(made["sample_count"])))
            await then()

    for path in ("from", "to"):
        form.on_change(path, count)
    screen.soon(count)
    save_or_cancel(screen, dialog, save)


def _value_field(screen: Screen, form: Form, series: Mapping[str, Any]) -> None:
    text, unit = screen.text, series["unit"]
    label = f"{text('correcting.value')} ({unit})" if unit else text("correcting.value")
    if series["kind"] == "bool":
        values: dict[Any, str] = {None: text("correcting.stays"), True: text("value.true"), False: text("value.false")}
        form.choice("value", label, values)
    elif series["kind"] in NUMBERS:
        form.number("value", label, hint=text("correcting.value_hint"))
    else:
        form.line("value", label, hint=text("correcting.value_hint"))


async def _held(screen: Screen, series: Mapping[str, Any], span: Mapping[str, Any]) -> str:
    """What stands there now; nothing while the ends are none."""
    wanted = ["count", "minimum", "maximum"] if series["kind"] in NUMBERS else ["count"]
    try:
        answer = await screen.api.get(
            "/query", series=series["id"], from_=span.get("from"), to=span.get("to"), points=1, aggregate=wanted
        )
    except Refused:
        return ""
    (curve,) = answer["series"]
    row = dict(zip(curve["columns"], curve["rows"][0], strict=True)) if curve["rows"] else {}
    low, high = (screen.formats.number(row.get(name), unit=series["unit"]) for name in ("minimum", "maximum"))
    count = screen.formats.number(row.get("count") or 0)
    key = "correcting.held" if "minimum" in wanted and row.get("minimum") is not None else "correcting.held_count"
    return screen.text(key, count=count, low=low, high=high)


async def _show_made(screen: Screen, series_id: int) -> None:
    """Corrections that were made before, the newest first."""
    found = await screen.api.get(f"/series/{series_id}/corrections", limit=MOST_SHOWN)
    if not found["items"]:
        return
    heading(screen.text("correcting.made"), 3)
    with element("ul", "ms-list"):
        for each in found["items"]:
            _show_one(screen, each)


def _show_one(screen: Screen, made: Mapping[str, Any]) -> Element:
    formats, text = screen.formats, screen.text
    names = {code: text(f"correction_status.{name}") for name, code in STATUSES.items()}
    quality = names.get(made["status"], f"0x{made['status']:08X}")
    what = quality if made["value"] is None else f"{formats.number(made['value'])} · {quality}"
    told = text(
        "correcting.one",
        begin=formats.instant(made["from"]),
        end=formats.instant(made["to"]),
        what=what,
        count=formats.number(made["sample_count"]),
        reason=made["reason"],
        who=made["principal"],
        when=formats.instant(made["at"]),
    )
    return words("li", told, "ms-break")
