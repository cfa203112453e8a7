"""API keys: made and shown once, rotated with an overlap, revoked."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from cloud_api.auth.roles import Permission, Scope
from cloud_api.console.pages.people.users import reach_words, roles
from cloud_api.console.parts.ask import ask, show_once
from cloud_api.console.parts.buttons import main_button, quiet_button
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

Key = Mapping[str, Any]


async def build(screen: Screen) -> None:
    """Build the page."""
    desk = _Desk(screen)
    with element("section", "ms-card"):
        desk.table = Pages(screen, desk.columns(), "/api-keys", none_key="keys.none", size=None)
        await desk.table.load()
    desk.show_form()


class _Desk:
    """The table and the verbs on its rows."""

    table: Pages

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._text = screen.text

    def columns(self) -> list[Column]:
        """The columns."""
        text, formats, now = self._text, self._screen.formats, self._screen.now()

        def rights(item: Key) -> None:
            told = [text(f"role.{item['role']}")] if item["role"] else []
            words("span", ", ".join([*told, *(text(f"scope.{each}") for each in item["scopes"])]))

        def reach(item: Key) -> None:
            words("span", reach_words(self._screen, item["reach"]), "ms-break")

        def expires(item: Key) -> None:
            shown = formats.date(item["expires_at"]) if item["expires_at"] else text("keys.never")
            words("span", shown, "ms-figure")

        return [
            Column(text("keys.name"), lambda item: words("span", item["name"])),
            Column(text("keys.prefix"), lambda item: words("span", item["prefix"], "ms-code")),
            Column(text("keys.rights"), rights),
            Column(text("users.reach"), reach),
            Column(text("users.state"), lambda item: words("span", text(f"key_state.{item['state']}"))),
            Column(text("keys.expires"), expires),
            Column(text("keys.used"), lambda item: words("span", formats.when(item["last_used_at"], now), "ms-figure")),
            Column(text("users.do"), self._verbs),
        ]

    def _verbs(self, item: Key) -> None:
        if item["state"] != "valid":
            return
        with element("span", "ms-row"):
            for name, do in ((self._text("keys.rotate"), self._rotate), (self._text("keys.revoke"), self._revoke)):
                attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['name']}")

    async def _rotate(self, item: Key) -> None:
        if not await ask(self._screen, self._text("keys.rotate_sure", name=item["name"])):
            return
        made = await self._screen.api.post(f"/api-keys/{item['id']}/rotate", {})
        await self.table.load()
        await self._show(made)

    async def _revoke(self, item: Key) -> None:
        if await ask(self._screen, self._text("keys.revoke_sure", name=item["name"])):
            await self._screen.api.delete(f"/api-keys/{item['id']}")
            self._screen.done(self._text("keys.revoked", name=item["name"]))
            await self.table.load()

    async def _show(self, made: Mapping[str, Any]) -> None:
        title = self._text("keys.key_of", name=made["api_key"]["name"])
        await show_once(self._screen, title, made["key"], self._text("keys.note"))

    def show_form(self) -> None:
        """The form of a new key."""
        screen, text = self._screen, self._text
        form = Form({"role": "viewer", "reach": ["**"], "days": 365})
        with element("section", "ms-card"):
            heading(text("keys.new"))
            others = problem_place()
            with element("div", "ms-fields"):
                form.line("name", text("keys.name"))
                form.choice("role", text("users.role"), {None: text("keys.no_role"), **roles(screen)})
                form.choices("scopes", text("keys.scopes"), {each.value: text(f"scope.{each.value}") for each in Scope})
                form.number("days", text("keys.days"), hint=text("keys.days_hint"))
                form.items("reach", text("users.reach"), text("users.reach_hint"), is_text=True)

            async def create() -> None:
                made = await sent(screen, form, others, lambda: screen.api.post("/api-keys", form.document()))
                if made is not None:
                    await self.table.load()
                    await self._show(made)

            main_button(text("keys.create"), create)


PAGE = Page("keys", "/keys", "key", Section.ADMINISTER, Permission.ADMINISTER, build)
