"""Users: made, changed, disabled, given a new password for one use, logged out everywhere."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission, Role
from cloud_api.console.parts.ask import ask, show_once
from cloud_api.console.parts.buttons import main_button, quiet_button
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

User = Mapping[str, Any]
CHANGEABLE = ("role", "display_name", "reach")


async def build(screen: Screen) -> None:
    """Build the page."""
    desk = _Desk(screen)
    with element("section", "ms-card"):
        desk.table = Pages(screen, desk.columns(), "/users", none_key="users.none")
        await desk.table.load()
    await desk.show_form()


def roles(screen: Screen) -> dict[Any, str]:
    """Roles by their names."""
    return {each.value: screen.text(f"role.{each.value}") for each in Role}


class _Desk:
    """The table and the verbs on its rows."""

    table: Pages

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._text = screen.text

    def columns(self) -> list[Column]:
        """The columns."""
        text, formats, now = self._text, self._screen.formats, self._screen.now()

        def name(item: User) -> None:
            with element("a", href=self._screen.here(id=item["id"])):
                ui.label(item["display_name"] or item["name"])
            if item["display_name"]:
                words("div", item["name"], "ms-muted")

        def state(item: User) -> None:
            words("div", text(f"user_state.{item['state']}"), "" if item["state"] == "enabled" else "ms-strong")
            if item["must_change_password"]:
                words("div", text("users.one_time"), "ms-muted")

        def reach(item: User) -> None:
            words("span", reach_words(self._screen, item["reach"]), "ms-break")

        def seen(item: User) -> None:
            words("span", formats.when(item["last_login_at"], now), "ms-figure")

        def factor(item: User) -> None:
            words("span", text("users.factor_yes" if item["has_second_factor"] else "users.factor_no"))

        return [
            Column(text("users.name"), name),
            Column(text("users.role"), lambda item: words("span", text(f"role.{item['role']}"))),
            Column(text("users.reach"), reach),
            Column(text("users.state"), state),
            Column(text("users.factor"), factor),
            Column(text("users.seen"), seen),
            Column(text("users.do"), self._verbs),
        ]

    def _verbs(self, item: User) -> None:
        text = self._text
        is_enabled = item["state"] == "enabled"
        with element("span", "ms-row"):
            self._verb(text("users.disable" if is_enabled else "users.enable"), item, self._switch)
            self._verb(text("users.reset"), item, self._reset)
            self._verb(text("users.end"), item, self._end_sessions)

    def _verb(self, name: str, item: User, do: Callable[[User], Awaitable[None]]) -> None:
        attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['name']}")

    async def _switch(self, item: User) -> None:
        is_enabled = item["state"] == "enabled"
        question = self._text("users.disable_sure", name=item["name"])
        if is_enabled and not await ask(self._screen, question):
            return
        change = {"state": "disabled" if is_enabled else "enabled"}
        await self._screen.api.patch(f"/users/{item['id']}", change)
        self._screen.done(self._text("users.changed", name=item["name"]))
        await self.table.load()

    async def _reset(self, item: User) -> None:
        if not await ask(self._screen, self._text("users.reset_sure", name=item["name"])):
            return
        made = await self._screen.api.post(f"/users/{item['id']}/reset")
        await self.table.load()
        await self._show_password(made)

    async def _end_sessions(self, item: User) -> None:
        if await ask(self._screen, self._text("users.end_sure", name=item["name"])):
            await self._screen.api.post(f"/users/{item['id']}/end-sessions")
            self._screen.done(self._text("users.ended", name=item["name"]))

    async def _show_password(self, made: Mapping[str, Any]) -> None:
        title = self._text("users.password_of", name=made["user"]["name"])
        await show_once(self._screen, title, made["one_time_password"], self._text("users.password_note"))

    async def show_form(self) -> None:
        """The form: a new user, or the one whom the address names."""
        screen, text = self._screen, self._text
        chosen = screen.query.get("id")
        user: User | None = await screen.api.get(f"/users/{chosen}") if chosen else None
        form = Form({key: user[key] for key in CHANGEABLE} if user else {"role": "viewer", "reach": ["**"]})
        with element("section", "ms-card", id="form"):
            heading(text("users.change", name=user["name"]) if user else text("users.new"))
            others = problem_place()
            with element("div", "ms-fields"):
                if user is None:
                    form.line("name", text("users.login"), hint=text("users.login_hint"))
                form.line("display_name", text("users.display_name"))
                form.choice("role", text("users.role"), roles(screen))
                form.items("reach", text("users.reach"), text("users.reach_hint"), is_text=True)

            async def save() -> None:
                if user is not None:
                    change = {"display_name": None, **form.document()}
                    if await sent(screen, form, others, lambda: screen.api.patch(f"/users/{chosen}", change)):
                        ui.navigate.to(screen.address(screen.page.address))
                    return
                made = await sent(screen, form, others, lambda: screen.api.post("/users", form.document()))
                if made is not None:
                    await self.table.load()
                    await self._show_password(made)

            with element("div", "ms-row"):
                main_button(text("users.save" if user else "users.create"), save)
                if user:
                    words("a", text("users.back"), "ms-action", href=screen.address(screen.page.address))


def reach_words(screen: Screen, reach: list[str]) -> str:
    """Where somebody may look."""
    return screen.text("users.everywhere") if reach == ["**"] else ", ".join(reach)


PAGE = Page("users", "/users", "group", Section.ADMINISTER, Permission.ADMINISTER, build)
