"""The page: each part by itself, so that one that fails leaves the others."""

from typing import Any

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.settings.channels import show_channels
from cloud_api.console.pages.settings.routes import show_routes
from cloud_api.console.parts.buttons import main_button
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.screen import Screen

AGES = ("30d", "90d", "180d", "1y", "2y", "5y", "forever")
KEPT = ("raw", "minutes", "quarters")


async def build(screen: Screen) -> None:
    """Build the page."""
    await show_safely(screen, _site)
    await show_safely(screen, show_channels)
    await show_safely(screen, show_routes)
    await show_safely(screen, _state)


async def _site(screen: Screen) -> None:
    site = await screen.api.get("/site")
    text = screen.text
    form = Form({"name": site["name"], "shifts": site["shifts"], "retention": site["retention_used"]})
    with element("section", "ms-card"):
        heading(text("settings.site"))
        others = problem_place()
        with element("div", "ms-fields"):
            form.line("name", text("settings.name"))
            form.items("shifts", text("settings.shifts"), text("settings.shifts_hint"), is_text=True)
            for kind in KEPT:
                ages: dict[Any, str] = {age: text(f"age.{age}") for age in AGES}
                form.choice(f"retention.{kind}", text(f"settings.{kind}"), ages)

        async def save() -> None:
            change: dict[str, Any] = {"name": "", **form.document()}
            # What is left as it is stays the environment's.
            used, chosen = site["retention_used"], site["retention"]
            change["retention"] = {
                kind: chosen[kind] if age == used[kind] else age for kind, age in change["retention"].items()
            }
            if await sent(screen, form, others, lambda: screen.api.put("/site", change)):
                screen.done(text("settings.saved"))

        if screen.may(Permission.ADMINISTER):
            main_button(text("settings.save"), save)
        else:
            form.lock()


async def _state(screen: Screen) -> None:
    health = await screen.api.health()
    days = health.get("days_to_full")
    with element("section", "ms-card"):
        heading(screen.text("settings.state"))
        with element("dl", "ms-facts"):
            for name, state in health["parts"].items():
                words("dt", screen.text.maybe(f"settings_part.{name}", name))
                words("dd", screen.text.maybe(f"settings_state.{state}", state))
            words("dt", screen.text("settings.full"))
            shown = "settings.not_known" if days is None else "settings.days"
            words("dd", screen.text(shown, days=screen.formats.number(days)))
