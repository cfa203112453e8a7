"""The form of a calculated series, new or already there; tried over the last hour before it is in force."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from nicegui.element import Element

from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.changes import differences, show_changes
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element, words
from cloud_api.console.screen import Screen

PATH = "/calculations"
MODES = ("on_the_fly", "materialised")
CHANGED = ("expression", "variables", "mode", "unit", "description")
TRIED, ROWS, ROWS_SHOWN = timedelta(hours=1), 10_000, 5

Then = Callable[[], Awaitable[None]]


def new_calculation(screen: Screen, made: Then) -> None:
    """The fields of one that is to be made."""
    form = Form({"mode": "on_the_fly"})
    others = problem_place()
    with element("div", "ms-fields"):
        form.line("path", screen.text("calculations.path"), hint=screen.text("calculations.path_hint"))
    _fields(screen, form)
    result = element("div", "ms-stack", aria_live="polite")

    async def create() -> None:
        if await sent(screen, form, others, lambda: screen.api.post(PATH, form.document())):
            result.clear()
            await made()

    with element("div", "ms-row"):
        main_button(screen.text("calculations.create"), create)
        side_button(screen.text("calculations.try"), lambda: _try(screen, form, others, result))


def change_calculation(screen: Screen, found: Mapping[str, Any], changed: Then, leave: Callable[[], object]) -> None:
    """The fields of one that is there; what they change is shown before it is in force."""
    before = {name: found[name] for name in CHANGED}
    form = Form(before)
    others = problem_place()
    _fields(screen, form)
    result = element("div", "ms-stack", aria_live="polite")

    async def save() -> None:
        body = form.document()
        changes = differences(before, body)
        if not changes:
            screen.done(screen.text("definitions.unchanged"))
            return
        question = screen.text("calculations.change_sure", path=found["path"])
        if not await ask(screen, question, lambda: show_changes(screen, changes)):
            return
        address, version = f"{PATH}/{found['id']}", found["version"]
        if await sent(screen, form, others, lambda: screen.api.put(address, body, version=version)):
            await changed()

    with element("div", "ms-row"):
        main_button(screen.text("calculations.save"), save)
        side_button(screen.text("calculations.try"), lambda: _try(screen, form, others, result))
        side_button(screen.text("routes.leave"), leave)


def _fields(screen: Screen, form: Form) -> None:
    text = screen.text
    with element("div", "ms-fields"):
        line = form.line("expression", text("calculations.expression"), hint=text("calculations.expression_hint"))
        line.classes("ms-wide")
        form.pairs("variables", text("calculations.variables"), text("calculations.variables_hint")).classes("ms-wide")
        form.choice("mode", text("calculations.mode"), {each: text(f"calculation_mode.{each}") for each in MODES})
        form.line("unit", text("calculations.unit"), hint=text("calculations.unit_hint"))
        form.line("description", text("calculations.description"))
        form.instant(
            "backfill_from",
            text("calculations.backfill"),
            screen.formats.zone,
            text("calculations.backfill_hint"),
        )


async def _try(screen: Screen, form: Form, others: Element, result: Element) -> None:
    """What the expression gives of the last hour, with nothing kept."""
    document, now = form.document(), screen.now()
    body: dict[str, Any] = {name: document[name] for name in ("expression", "variables") if name in document}
    body |= {"from": (now - TRIED).isoformat(), "to": now.isoformat(), "limit": ROWS}
    result.clear()
    found = await sent(screen, form, others, lambda: screen.api.post(f"{PATH}/preview", body))
    if found is None:
        return
    formats, items = screen.formats, found["items"]
    with result:
        count = formats.number(len(items))
        words("p", screen.text("calculations.tried", count=count, unit=found["unit"] or "–"), "ms-strong ms-hint")
        with element("ul", "ms-list"):
            for each in found["inputs"]:
                words("li", f"{each['name']}: {each['path']} ({each['unit'] or '–'})", "ms-break")
            for row in items[-ROWS_SHOWN:]:
                value = formats.number(row["value"], unit=found["unit"])
                words("li", f"{formats.instant(row['time'])}: {value}", "ms-figure")
