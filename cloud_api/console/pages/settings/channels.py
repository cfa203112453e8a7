"""Channels: by which ways people are told; each can be tried."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, quiet_button
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading
from cloud_api.console.parts.table import Column, Pages, told
from cloud_api.console.screen import Screen

KINDS = ("email", "webhook", "service")
LANGUAGES = ("both", "en", "zh")
SECURITIES = ("starttls", "tls", "none")


async def show_channels(screen: Screen) -> None:
    """Build the list and the form of a new one."""
    with element("section", "ms-card ms-stack"):
        heading(screen.text("channels.title"))
        desk = _Desk(screen)
        await desk.table.load()
        with ui.expansion(screen.text("channels.new")).props("dense"):
            desk.show_form()


class _Desk:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        text = screen.text
        columns = [
            told(text("channels.name"), lambda item: item["name"], "ms-break"),
            told(text("channels.kind"), lambda item: text(f"channel_kind.{item['kind']}")),
            told(text("channels.language"), lambda item: text(f"channel_language.{item['language']}")),
            told(text("channels.state"), lambda item: text(f"user_state.{item['state']}")),
            told(text("channels.where"), _where, "ms-break"),
            Column(text("users.do"), self._verbs),
        ]
        self.table = Pages(screen, columns, "/notification-channels", none_key="channels.none", size=None)

    def _verbs(self, item: Mapping[str, Any]) -> None:
        with element("span", "ms-row"):
            for key, do in (("channels.test", self._test), ("channels.delete", self._delete)):
                name = self._screen.text(key)
                attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['name']}")

    async def _test(self, item: Mapping[str, Any]) -> None:
        answer = await self._screen.api.post(f"/notification-channels/{item['id']}/test")
        if answer["error"]:
            self._screen.warn(self._screen.text("channels.failed", error=answer["error"]))
        else:
            self._screen.done(self._screen.text(f"test_state.{answer['state']}"))

    async def _delete(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("channels.delete_sure", name=item["name"])):
            await self._screen.api.delete(f"/notification-channels/{item['id']}")
            await self.table.load()

    def show_form(self) -> None:
        """The form; what it asks for depends on the kind."""
        text = self._screen.text
        kinds = {each: text(f"channel_kind.{each}") for each in KINDS}
        kind = ui.select(kinds, label=text("channels.kind"), value="email").props("dense outlined stack-label")
        place = element("div", "ms-stack")

        def build() -> None:
            place.clear()
            with place:
                self._fields(str(kind.value))

        kind.on_value_change(build)
        build()

    def _fields(self, kind: str) -> None:
        screen, text = self._screen, self._screen.text
        form = Form({"kind": kind, "language": "both"})
        others = problem_place()
        with element("div", "ms-fields"):
            form.line("name", text("channels.name"))
            form.choice("language", text("channels.language"), {e: text(f"channel_language.{e}") for e in LANGUAGES})
            if kind == "email":
                form.line("host", text("channels.host"))
                form.number("port", text("channels.port"))
                securities: dict[Any, str] = {each: text(f"channel_security.{each}") for each in SECURITIES}
                form.choice("security", text("channels.security"), securities, "starttls")
                form.line("username", text("channels.username"))
                form.line("password", text("channels.password")).props("type=password autocomplete=new-password")
                form.line("sender", text("channels.sender"))
                form.items("to", text("channels.to"), text("channels.to_hint"), is_text=True)
            if kind == "webhook":
                form.line("url", text("channels.url"))
                form.line("secret", text("channels.secret")).props("type=password autocomplete=new-password")
            if kind == "service":
                hint = text("channels.address_hint")
                form.line("address", text("channels.address"), hint=hint).props("type=password autocomplete=off")

        async def create() -> None:
            if await sent(screen, form, others, lambda: screen.api.post("/notification-channels", form.document())):
                screen.done(text("channels.made"))
                ui.navigate.reload()

        main_button(text("channels.create"), create)


def _where(item: Mapping[str, Any]) -> str:
    settings = item["settings"]
    return item["service"] or settings.get("url") or ", ".join(settings.get("to", []))
