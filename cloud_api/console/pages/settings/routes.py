"""Routes: which alarms go to whom, when, and to whom next while nobody acknowledges."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, quiet_button
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.parts.table import Column, Pages, told
from cloud_api.console.screen import Screen

EVENTS = ("raise", "clear", "acknowledge", "shelve", "out_of_service")
STEPS = 3
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday")
SENT_SHOWN = 20


async def show_routes(screen: Screen) -> None:
    """Build the list, the form of a new one, and what was sent last."""
    channels = (await screen.api.get("/notification-channels"))["items"]
    names: dict[Any, str] = {each["id"]: each["name"] for each in channels}
    with element("section", "ms-card ms-stack"):
        heading(screen.text("routes.title"))
        desk = _Desk(screen, names)
        await desk.table.load()
        if names:
            with ui.expansion(screen.text("routes.new")).props("dense"):
                desk.show_form()
        else:
            ui.label(screen.text("routes.no_channel")).classes("ms-muted")
    await _show_sent(screen)


class _Desk:
    def __init__(self, screen: Screen, names: Mapping[Any, str]) -> None:
        self._screen = screen
        self._names = names
        text = screen.text
        columns = [
            told(text("routes.place"), lambda item: str(item["place"])),
            told(text("routes.name"), lambda item: item["name"], "ms-break"),
            told(text("channels.state"), lambda item: text(f"user_state.{item['state']}")),
            told(text("routes.match"), self._match, "ms-break"),
            told(text("routes.steps"), self._steps, "ms-break"),
            Column(text("users.do"), self._verbs),
        ]
        self.table = Pages(screen, columns, "/notification-routes", none_key="routes.none", size=None)

    def _match(self, item: Mapping[str, Any]) -> str:
        match = item["match"]
        parts = [self._screen.text(f"priority.{each}") for each in match.get("priorities") or []]
        for key in ("classes", "positions", "paths"):
            parts += match.get(key) or []
        return ", ".join(parts) or self._screen.text("routes.every")

    def _steps(self, item: Mapping[str, Any]) -> str:
        told_steps = [
            f"{step['after']}: {', '.join(self._names.get(each, each) for each in step['channels'])}"
            for step in item["steps"]
        ]
        return " → ".join(told_steps)

    def _verbs(self, item: Mapping[str, Any]) -> None:
        name = self._screen.text("channels.delete")
        attributed(quiet_button(name, partial(self._delete, item)), aria_label=f"{name}: {item['name']}")

    async def _delete(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("routes.delete_sure", name=item["name"])):
            await self._screen.api.delete(f"/notification-routes/{item['id']}")
            await self.table.load()

    def show_form(self) -> None:
        """The form of a new one."""
        screen, text = self._screen, self._screen.text
        steps: list[dict[str, Any]] = [{"after": after, "channels": []} for after in ("0s", "5m", "15m")]
        form = Form({"place": 100, "steps": steps})
        others = problem_place()
        with element("div", "ms-fields"):
            form.line("name", text("routes.name"))
            form.number("place", text("routes.place"), 100, text("routes.place_hint"))
            priorities: dict[Any, str] = {each: text(f"priority.{each}") for each in PRIORITIES}
            form.choices("match.priorities", text("routes.priorities"), priorities)
            form.items("match.positions", text("routes.positions"), is_text=True)
            form.items("match.paths", text("routes.paths"), is_text=True)
            form.choices("events", text("routes.events"), {e: text(f"route_event.{e}") for e in EVENTS}, ["raise"])
            form.line("calendar.zone", text("routes.zone"), hint=text("routes.zone_hint"))
            form.choices("shift.days", text("routes.days"), {each: text(f"day.{each}") for each in DAYS})
            form.line("shift.from", text("routes.from"))
            form.line("shift.to", text("routes.to"))
            for index in range(STEPS):
                form.line(f"steps.{index}.after", text("routes.after", number=index + 1))
                form.choices(f"steps.{index}.channels", text("routes.channels", number=index + 1), self._names)
            form.line("repeat.every", text("routes.every_time"), hint=text("routes.every_hint"))
            form.number("repeat.times", text("routes.times"))

        async def create() -> None:
            if await sent(screen, form, others, lambda: screen.api.post("/notification-routes", _body(form))):
                screen.done(text("routes.made"))
                await self.table.load()

        main_button(text("routes.create"), create)


def _body(form: Form) -> dict[str, Any]:
    """The route of the fields: steps without a channel are none, and a shift makes the calendar."""
    body = form.document()
    body["steps"] = [step for step in body["steps"] if step.get("channels")]
    if shift := body.pop("shift", None):
        body["calendar"] = {**body.get("calendar", {}), "shifts": [shift]}
    return body


async def _show_sent(screen: Screen) -> None:
    formats, text, now = screen.formats, screen.text, screen.now()
    columns = [
        told(text("sent.at"), lambda item: formats.when(item["created_at"], now)),
        told(text("sent.channel"), lambda item: item["channel_name"] or "–", "ms-break"),
        told(text("sent.alarms"), lambda item: formats.number(item["alarm_count"])),
        told(text("sent.state"), lambda item: text.maybe(f"test_state.{item['state']}", item["state"])),
        told(text("sent.error"), lambda item: item["last_error"] or "", "ms-break"),
    ]
    with element("section", "ms-card"):
        heading(text("sent.title"))
        await Pages(screen, columns, "/notifications", none_key="sent.none", size=SENT_SHOWN).load()
