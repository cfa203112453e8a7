"""The first steps: replace the password for one use; name the plant, its shifts, and how long it keeps data."""

import re

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.password import show_password_form
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

AGES = ("30d", "90d", "180d", "1y", "2y", "5y", "forever")
_START = re.compile(r"\d{2}:\d{2}")


async def build(screen: Screen) -> None:
    """Build the step that is next."""
    with element("div", "ms-welcome"), element("section", "ms-card"):
        if screen.me["must_change_password"]:
            heading(screen.text("welcome.password"))
            ui.label(screen.text("welcome.password_detail"))
            show_password_form(screen, lambda: ui.navigate.to("/welcome"), is_first=True)
        elif screen.may(Permission.ADMINISTER):
            await _site(screen)
        else:
            heading(screen.text("welcome.ready"))
            ui.button(screen.text("welcome.go"), on_click=lambda: ui.navigate.to("/"), color=None).props(
                "no-caps unelevated"
            ).classes("ms-primary")


async def _site(screen: Screen) -> None:
    text = screen.text
    site = await screen.api.get("/site")
    used = site["retention_used"]
    heading(text("welcome.site"))
    ui.label(text("welcome.site_detail"))
    with element("div", "ms-form"):
        name = ui.input(text("welcome.name"), value=site["name"]).props("outlined dense maxlength=100")
        shifts = ui.input(text("welcome.shifts"), value=", ".join(site["shifts"])).props("outlined dense")
        raw = _age(screen, "raw", used["raw"])
        minutes = _age(screen, "minutes", used["minutes"])
        quarters = _age(screen, "quarters", used["quarters"])
        ui.label(text("welcome.retention_detail")).classes("ms-muted")

        async def save() -> None:
            ages = {"raw": raw.value, "minutes": minutes.value, "quarters": quarters.value}
            change = {
                "name": name.value or "",
                "shifts": _START.findall(shifts.value or ""),
                # What is left as it is stays the environment's.
                "retention": {key: site["retention"][key] if age == used[key] else age for key, age in ages.items()},
            }
            await screen.api.put("/site", change)
            ui.navigate.to("/")

        with element("div", "ms-row"):
            ui.button(text("welcome.save"), on_click=save, color=None).props("no-caps unelevated").classes("ms-primary")
            ui.button(text("welcome.later"), on_click=lambda: ui.navigate.to("/")).props("no-caps flat")


def _age(screen: Screen, name: str, present: str) -> ui.select:
    choices = {age: screen.text(f"welcome.age.{age}") for age in AGES}
    choices.setdefault(present, present)
    return ui.select(choices, label=screen.text(f"welcome.keep.{name}"), value=present).props("outlined dense")


PAGE = Page("welcome", "/welcome", "flag", Section.HIDDEN, Permission.READ, build)
