"""The fields of a route: which alarms, when, what waits for its cause, who is told step by step, in which messages."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from cloud_api.console.parts.dates import offer_calendar
from cloud_api.console.parts.form import Form
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.parts.rows import Rows, RowTexts
from cloud_api.console.screen import Screen

EVENTS = ("raise", "clear", "acknowledge", "shelve", "out_of_service")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS = (*WEEKDAYS, "workday", "free_day")
GROUPS = ("position", "class", "priority", "definition", "area", "line", "alarm")
SAME = ("position", "class", "area", "line")
ENDS = ("acknowledged", "acknowledged_or_cleared")
MIDNIGHT = "00:00:00"

Names = Mapping[Any, str]


class RouteFields:
    """The fields over one form, group by group."""

    def __init__(self, screen: Screen, form: Form, names: Names) -> None:
        self._screen = screen
        self._text = screen.text
        self._form = form
        self._names = names

    def show(self) -> None:
        """Build them."""
        for title, build in (
            ("which", self._which),
            ("when", self._when),
            ("inhibit", self._inhibit),
            ("whom", self._whom),
            ("grouping", self._grouping),
        ):
            with element("section", "ms-stack ms-form-part", aria_label=self._text(f"route_part.{title}")):
                heading(self._text(f"route_part.{title}"), 3)
                build()

    def _which(self) -> None:
        form, text = self._form, self._text
        with element("div", "ms-fields"):
            form.line("name", text("routes.name"))
            form.number("place", text("routes.place"), 100, text("routes.place_hint"))
            states: dict[Any, str] = {each: text(f"user_state.{each}") for each in ("enabled", "disabled")}
            form.choice("state", text("channels.state"), states, "enabled")
            self._match("match")
            form.choices("events", text("routes.events"), {e: text(f"route_event.{e}") for e in EVENTS}, ["raise"])
            thens: dict[Any, str] = {each: text(f"route_then.{each}") for each in ("continue", "stop")}
            form.choice("then", text("routes.then"), thens, "continue")

    def _match(self, prefix: str) -> None:
        form, text = self._form, self._text
        priorities: dict[Any, str] = {each: text(f"priority.{each}") for each in PRIORITIES}
        form.choices(f"{prefix}.priorities", text("routes.priorities"), priorities)
        form.items(f"{prefix}.classes", text("routes.classes"), text("routes.a_line"), is_text=True)
        form.items(f"{prefix}.positions", text("routes.positions"), text("routes.a_line"), is_text=True)
        form.items(f"{prefix}.paths", text("routes.paths"), text("routes.paths_hint"), is_text=True)

    def _when(self) -> None:
        form, text = self._form, self._text
        texts = RowTexts(
            lambda number: text("routes.shift", number=number),
            text("routes.add_shift"),
            text("routes.remove"),
            text("routes.always"),
        )
        Rows(form, "calendar.shifts", texts, self._shift).show()
        with element("div", "ms-fields"):
            form.line("calendar.zone", text("routes.zone"), hint=text("routes.zone_hint"))
            form.line("calendar.country", text("routes.country"), hint=text("routes.country_hint"))
            form.line("calendar.subdivision", text("routes.subdivision"), hint=text("routes.subdivision_hint"))
            for name in ("holidays", "workdays"):
                field = form.items(f"calendar.{name}", text(f"routes.{name}"), text("routes.dates_hint"), is_text=True)
                assert isinstance(field, ui.textarea)  # items are written into one
                offer_calendar(field, text("routes.choose_days", name=text(f"routes.{name}")))
            outsides: dict[Any, str] = {each: text(f"route_outside.{each}") for each in ("skip", "hold")}
            form.choice("outside", text("routes.outside"), outsides, "skip")

    def _shift(self, index: int) -> None:
        form, text = self._form, self._text
        prefix = f"calendar.shifts.{index}"
        with element("div", "ms-fields"):
            form.choices(f"{prefix}.days", text("routes.days"), {e: text(f"day.{e}") for e in DAYS}, WEEKDAYS)
            for name in ("from", "to"):
                form.line(f"{prefix}.{name}", text(f"routes.{name}"), hint=text(f"routes.{name}_hint"))
        self._suggest_zone()

    def _suggest_zone(self) -> None:
        """Who says a time means the clock on the wall there, not UTC."""
        zone = self._screen.formats.zone
        if "calendar.zone" in self._form and not self._form.shown("calendar.zone") and isinstance(zone, ZoneInfo):
            self._form.set("calendar.zone", zone.key)

    def _inhibit(self) -> None:
        text = self._text
        words("p", text("routes.inhibit_hint"), "ms-muted ms-hint")
        texts = RowTexts(
            lambda number: text("routes.inhibition", number=number),
            text("routes.add_inhibition"),
            text("routes.remove"),
        )
        Rows(self._form, "inhibit", texts, self._inhibition).show()

    def _inhibition(self, index: int) -> None:
        form, text = self._form, self._text
        prefix = f"inhibit.{index}"
        with element("div", "ms-fields"):
            self._match(f"{prefix}.while")
            same: dict[Any, str] = {each: text(f"route_group.{each}") for each in SAME}
            field = form.choices(f"{prefix}.same", text("routes.same"), same)
            field.props["hint"] = text("routes.same_hint")

    def _whom(self) -> None:
        form, text = self._form, self._text
        texts = RowTexts(
            lambda number: text("routes.step", number=number),
            text("routes.add_step"),
            text("routes.remove"),
        )
        Rows(form, "steps", texts, self._step).show()
        with element("div", "ms-fields"):
            form.line("repeat.every", text("routes.every_time"), hint=text("routes.every_hint"))
            form.number("repeat.times", text("routes.times"))
            form.choice("until", text("routes.until"), {each: text(f"route_until.{each}") for each in ENDS}, ENDS[0])

    def _step(self, index: int) -> None:
        form, text = self._form, self._text
        with element("div", "ms-fields"):
            form.line(f"steps.{index}.after", text("routes.after", number=index + 1), hint=text("routes.after_hint"))
            form.choices(f"steps.{index}.channels", text("routes.channels", number=index + 1), self._names)

    def _grouping(self) -> None:
        form, text = self._form, self._text
        with element("div", "ms-fields"):
            form.choices("group.by", text("routes.group"), {e: text(f"route_group.{e}") for e in GROUPS}, ["position"])
            form.line("group.wait", text("routes.wait"), hint=text("routes.wait_hint"))
            form.line("group.interval", text("routes.interval"), hint=text("routes.interval_hint"))
            form.number("group.flood_over", text("routes.flood_over"), 10, text("routes.flood_hint"))
