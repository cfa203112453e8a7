"""The form of a route, new or already there; what changes one in place is shown before it is in force."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cloud_api.console.pages.settings.route_fields import Names, RouteFields
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.changes import differences, show_changes
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element
from cloud_api.console.screen import Screen

PATH = "/notification-routes"
_HEAD = ("id", "version", "updated_at", "updated_by")


def new_route(screen: Screen, names: Names, made: Callable[[], Awaitable[None]]) -> None:
    """The fields of a route that is to be made."""
    form = Form({"place": 100, "steps": [{"after": "0s", "channels": []}]})
    others = problem_place()
    RouteFields(screen, form, names).show()

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
    form = Form(before)
    others = problem_place()
    RouteFields(screen, form, names).show()

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


def _body(form: Form) -> dict[str, Any]:
    """The route of the fields: a list of nothing is none, nor is a calendar that knows no more than its clock."""
    body = form.document()
    for match in (body.get("match", {}), *(each.get("while") or {} for each in body.get("inhibit", []))):
        for name in [name for name, wanted in match.items() if not wanted]:
            del match[name]
    calendar = body.pop("calendar", None) or {}
    if any(value for name, value in calendar.items() if name != "zone"):
        body["calendar"] = calendar
    return body


def _named(route: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """With the names of channels, as people know them."""
    steps = [
        {**step, "channels": [names.get(each, each) for each in step.get("channels") or []]} for step in route["steps"]
    ]
    return {**route, "steps": steps}
