"""The form of a route, new or already there; what changes one in place is shown before it is in force."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.changes import differences, show_changes
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.screen import Screen

PATH = "/notification-routes"
EVENTS = ("raise", "clear", "acknowledge", "shelve", "out_of_service")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "free_day")
GROUPS = ("position", "class", "priority", "definition", "area", "line", "alarm")
ENDS = ("acknowledged", "acknowledged_or_cleared")
STEPS, SHIFTS = 3, 1
_HEAD = ("id", "version", "updated_at", "updated_by")

Names = Mapping[Any, str]


def new_route(screen: Screen, names: Names, made: Callable[[], Awaitable[None]]) -> None:
    """The fields of a route that is to be made."""
    form = Form(_roomy({"place": 100, "steps": [{"after": after, "channels": []} for after in ("0s", "5m", "15m")]}))
    others = problem_place()
    _fields(screen, form, names)

    async def create() -> None:
        if await sent(screen, form, others, lambda: screen.api.post(PATH, _body(form))):
            await made()

    main_button(screen.text("routes.create"), create)


def change_route(
    screen: Screen,
    names: Names,
    route: Mapping[str, Any],
    changed: Callable[[], Awaitable[None]],
    leave: Callable[[], object],
) -> None:
    """The fields of one that is there; what they change is shown before it is in force."""
    text = screen.text
    before = {name: value for name, value in route.items() if name not in _HEAD}
    form = Form(_roomy(before))
    others = problem_place()
    _fields(screen, form, names)

    async def save() -> None:
        body = _body(form)
        changes = differences(_named(before, names), _named(body, names))
        if not changes:
            screen.done(text("definitions.unchanged"))
            return
        if not await ask(screen, text("routes.change_sure", name=route["name"]), lambda: show_changes(screen, changes)):
            return
        address, version = f"{PATH}/{route['id']}", route["version"]
        if await sent(screen, form, others, lambda: screen.api.put(address, body, version=version)):
            await changed()

    with element("div", "ms-row"):
        main_button(text("routes.save"), save)
        side_button(text("routes.leave"), leave)


def _fields(screen: Screen, form: Form, names: Names) -> None:
    text = screen.text
    with element("div", "ms-fields"):
        form.line("name", text("routes.name"))
        form.number("place", text("routes.place"), 100, text("routes.place_hint"))
        states: dict[Any, str] = {each: text(f"user_state.{each}") for each in ("enabled", "disabled")}
        form.choice("state", text("channels.state"), states, "enabled")
        priorities: dict[Any, str] = {each: text(f"priority.{each}") for each in PRIORITIES}
        form.choices("match.priorities", text("routes.priorities"), priorities)
        form.items("match.classes", text("routes.classes"), is_text=True)
        form.items("match.positions", text("routes.positions"), is_text=True)
        form.items("match.paths", text("routes.paths"), is_text=True)
        form.choices("events", text("routes.events"), {e: text(f"route_event.{e}") for e in EVENTS}, ["raise"])
    with element("div", "ms-fields"):
        form.line("calendar.zone", text("routes.zone"), hint=text("routes.zone_hint"))
        form.line("calendar.country", text("routes.country"), hint=text("routes.country_hint"))
        for index in range(len(form.value("calendar.shifts"))):
            form.choices(f"calendar.shifts.{index}.days", text("routes.days"), {e: text(f"day.{e}") for e in DAYS})
            form.line(f"calendar.shifts.{index}.from", text("routes.from"))
            form.line(f"calendar.shifts.{index}.to", text("routes.to"))
        outsides: dict[Any, str] = {each: text(f"route_outside.{each}") for each in ("skip", "hold")}
        form.choice("outside", text("routes.outside"), outsides, "skip")
    with element("div", "ms-fields"):
        for index in range(len(form.value("steps"))):
            form.line(f"steps.{index}.after", text("routes.after", number=index + 1))
            form.choices(f"steps.{index}.channels", text("routes.channels", number=index + 1), names)
        form.line("repeat.every", text("routes.every_time"), hint=text("routes.every_hint"))
        form.number("repeat.times", text("routes.times"))
        form.choice("until", text("routes.until"), {each: text(f"route_until.{each}") for each in ENDS}, ENDS[0])
        form.choices("group.by", text("routes.group"), {e: text(f"route_group.{e}") for e in GROUPS}, ["position"])
        thens: dict[Any, str] = {each: text(f"route_then.{each}") for each in ("continue", "stop")}
        form.choice("then", text("routes.then"), thens, "continue")


def _roomy(route: Mapping[str, Any]) -> dict[str, Any]:
    """With room for what is not said yet: some steps, a shift."""
    roomy: dict[str, Any] = json.loads(json.dumps(route))
    calendar = roomy.get("calendar") or {}
    roomy["calendar"] = {**calendar, "shifts": _filled(calendar.get("shifts", []), SHIFTS)}
    roomy["steps"] = _filled(roomy["steps"], STEPS)
    return roomy


def _filled(tables: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    return [*tables, *({} for _ in range(least - len(tables)))]


def _body(form: Form) -> dict[str, Any]:
    """The route of the fields: steps without a channel are none, nor is a list of nothing or a calendar of no shift."""
    body = form.document()
    body["match"] = {name: wanted for name, wanted in body.get("match", {}).items() if wanted}
    body["steps"] = [step for step in body["steps"] if step.get("channels")]
    calendar = body.pop("calendar", None) or {}
    shifts = [shift for shift in calendar.get("shifts", []) if shift]
    if shifts or calendar.keys() - {"shifts", "zone", "holidays", "workdays"} or calendar.get("zone"):
        body["calendar"] = {**calendar, "shifts": shifts}
    return body


def _named(route: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """With the names of channels, as people know them."""
    steps = [{**step, "channels": [names.get(each, each) for each in step["channels"]]} for step in route["steps"]]
    return {**route, "steps": steps}
