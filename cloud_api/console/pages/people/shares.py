"""Shares: what other companies may read, who has read, and taking it back at once."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.people.share_form import change_share, show_new_share
from cloud_api.console.pages.people.terms import show_terms
from cloud_api.console.parts.ask import ask, show_once
from cloud_api.console.parts.buttons import quiet_button, side_button
from cloud_api.console.parts.changes import differences, show_changes
from cloud_api.console.parts.form import Form, problem_place, sent
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.table import Column, Pages, told
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen

READS_SHOWN = 50
OFFERED = timedelta(days=365)


async def build(screen: Screen) -> None:
    """Show one share where the address names one, else all."""
    if screen.query.get("id"):
        await _show_share(screen, screen.query["id"])
        return
    with element("section", "ms-card"):
        await Pages(screen, _columns(screen), "/grants", none_key="shares.none").load()
    if screen.may(Permission.SHARE):
        show_new_share(screen, screen.now() + OFFERED)


def _columns(screen: Screen) -> list[Column]:
    formats, text = screen.formats, screen.text

    def name(item: Mapping[str, Any]) -> None:
        with element("a", href=screen.here(id=item["id"])):
            ui.label(item["name"])

    def changed(item: Mapping[str, Any]) -> str:
        return f"{formats.when(item['changed_at'], screen.now())} · {item['changed_by']}"

    return [
        Column(text("shares.name"), name),
        told(text("shares.recipient"), lambda item: item["recipient"], "ms-break"),
        told(text("shares.state"), lambda item: text(f"share_state.{item['state']}")),
        told(text("shares.expires"), lambda item: formats.date(item["expires_at"])),
        told(text("shares.today"), lambda item: formats.number(item["spent_rows_today"])),
        told(text("shares.total"), lambda item: formats.number(item["spent_rows"])),
        told(text("shares.changed"), changed),
    ]


async def _show_share(screen: Screen, share_id: str) -> None:
    share = await screen.api.get(f"/grants/{share_id}")
    with element("div", "ms-row ms-no-print"), element("a", href=screen.address(screen.page.address)):
        ui.label(screen.text("shares.back"))
    with element("section", "ms-card ms-stack"):
        state = screen.text(f"share_state.{share['state']}")
        heading(f"{share['name']} · {state}")
        show_terms(screen, share)
        if screen.may(Permission.SHARE):
            _verbs(screen, share)
    await _Keys(screen, share).show()
    await _show_reads(screen, share_id)
    await _show_versions(screen, share_id)


def _verbs(screen: Screen, share: Mapping[str, Any]) -> None:
    async def do(verb: str) -> None:
        if await ask(screen, screen.text(f"share_sure.{verb}", name=share["name"])):
            await screen.api.post(f"/grants/{share['id']}/{verb}")
            ui.navigate.reload()

    async def edit() -> None:
        """As it is now: somebody else may have changed it since the page was opened."""
        place.clear()
        found = await screen.api.get(f"/grants/{share['id']}")
        with place:
            heading(screen.text("shares.change", name=found["name"]))
            change_share(screen, found, place.clear)

    offered = {"active": ("pause", "revoke"), "paused": ("resume", "revoke")}.get(share["state"], ())
    with element("div", "ms-row ms-no-print"):
        if share["state"] != "revoked":
            side_button(screen.text("shares.edit"), edit)
        for verb in offered:
            side_button(screen.text(f"share_verb.{verb}"), partial(do, verb))
    place = element("div", "ms-no-print", aria_live="polite")


class _Keys:
    """Keys and links of a share."""

    def __init__(self, screen: Screen, share: Mapping[str, Any]) -> None:
        self._screen = screen
        self._share = share
        self._path = f"/grants/{share['id']}/keys"

    async def show(self) -> None:
        """Build the list and the form of a new one."""
        with element("section", "ms-card ms-stack"):
            heading(self._screen.text("shares.keys"))
            self._table = Pages(self._screen, self._columns(), self._path, none_key="keys.none", size=None)
            await self._table.load()
            if self._screen.may(Permission.SHARE) and self._share["state"] not in {"revoked", "expired"}:
                self._show_form()

    def _columns(self) -> list[Column]:
        text, formats, now = self._screen.text, self._screen.formats, self._screen.now()
        return [
            told(text("keys.name"), lambda item: item["name"], "ms-break"),
            told(text("shares.kind"), lambda item: text(f"share_key.{item['kind']}")),
            told(text("keys.prefix"), lambda item: item["prefix"], "ms-code"),
            told(text("users.state"), lambda item: text(f"key_state.{item['state']}")),
            told(text("keys.expires"), lambda item: formats.date(item["expires_at"])),
            told(text("keys.used"), lambda item: formats.when(item["last_used_at"], now)),
            Column(text("users.do"), self._verbs),
        ]

    def _verbs(self, item: Mapping[str, Any]) -> None:
        if item["state"] != "valid" or not self._screen.may(Permission.SHARE):
            return
        with element("span", "ms-row"):
            for key, do in (("keys.rotate", self._rotate), ("keys.revoke", self._revoke)):
                name = self._screen.text(key)
                attributed(quiet_button(name, partial(do, item)), aria_label=f"{name}: {item['name']}")

    async def _revoke(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("keys.revoke_sure", name=item["name"])):
            await self._screen.api.delete(f"{self._path}/{item['id']}")
            await self._table.load()

    async def _rotate(self, item: Mapping[str, Any]) -> None:
        if await ask(self._screen, self._screen.text("keys.rotate_sure", name=item["name"])):
            await self._show_once(await self._screen.api.post(f"{self._path}/{item['id']}/rotate", {}))

    async def _show_once(self, made: Mapping[str, Any]) -> None:
        await self._table.load()
        title = self._screen.text("keys.key_of", name=made["grant_key"]["name"])
        await show_once(self._screen, title, made["link"] or made["key"], self._screen.text("keys.note"))

    def _show_form(self) -> None:
        screen, text = self._screen, self._screen.text
        form = Form({"kind": "key"})
        others = problem_place()
        with element("div", "ms-fields ms-no-print"):
            form.line("name", text("shares.key_name"))
            form.choice("kind", text("shares.kind"), {each: text(f"share_key.{each}") for each in ("key", "link")})
            form.number("days", text("keys.days"), hint=text("shares.days_hint"))

        async def create() -> None:
            made = await sent(screen, form, others, lambda: screen.api.post(self._path, form.document()))
            if made is not None:
                await self._show_once(made)

        side_button(text("keys.create"), create)


async def _show_reads(screen: Screen, share_id: str) -> None:
    text, formats = screen.text, screen.formats
    columns = [
        told(text("shares.at"), lambda item: formats.instant(item["at"])),
        told(text("shares.key"), lambda item: f"{item['key']} ({item['key_prefix']})", "ms-break"),
        told(text("audit.address"), lambda item: item["address"]),
        told(text("shares.what"), lambda item: text.maybe(f"share_read.{item['what']}", item["what"])),
        told(text("shares.rows"), lambda item: formats.number(item["rows"])),
        told(text("audit.outcome"), lambda item: text.maybe(f"outcome.{item['outcome']}", item["outcome"])),
    ]
    with element("section", "ms-card"):
        heading(text("shares.reads"))
        await Pages(screen, columns, f"/grants/{share_id}/reads", none_key="shares.no_reads", size=READS_SHOWN).load()


async def _show_versions(screen: Screen, share_id: str) -> None:
    """What was agreed when, the newest first; each beside the one before it."""
    items = (await screen.api.get(f"/grants/{share_id}/versions"))["items"]
    with element("section", "ms-card"):
        heading(screen.text("shares.versions"))
        for item, before in zip(items, [*items[1:], None], strict=True):
            title = screen.text(
                "shares.version",
                version=item["version"],
                who=item["changed_by"],
                when=screen.formats.when(item["changed_at"], screen.now()),
                state=screen.text(f"share_state.{item['state']}"),
            )
            with ui.expansion(title).classes("ms-version").props("dense"):
                if before is None:
                    words("p", screen.text("shares.first_version"), "ms-muted")
                else:
                    show_changes(screen, differences(_agreed(before), _agreed(item)))


def _agreed(version: Mapping[str, Any]) -> dict[str, Any]:
    return {name: version[name] for name in ("name", "state", "terms")}


PAGE = Page("shares", "/shares", "handshake", Section.ADMINISTER, Permission.SHARE, build)
