"""One definition: its fields, what is wrong with them, what a change would do, what it was before."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.api import Refused
from cloud_api.console.pages.definitions.fields import Fields
from cloud_api.console.pages.definitions.trial import Trial
from cloud_api.console.parts.ask import ask
from cloud_api.console.parts.buttons import main_button, quiet_button, side_button
from cloud_api.console.parts.changes import show_changes
from cloud_api.console.parts.form import Form, show_others
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.screen import Screen

PLACES = 50


async def show_editor(screen: Screen) -> None:
    """Build the page of one definition, of a copy or of a new one."""
    stored = None if "new" in screen.query else await _read(screen, screen.query.get("id") or screen.query["copy"])
    is_copy = "copy" in screen.query
    if stored is None:
        document: dict[str, Any] = {"condition": {"kind": screen.query["new"]}}
    else:
        document = dict(stored["document"])
    if is_copy:
        document["name"] = screen.text("definitions.copy_of", name=document["name"])
    editor = _Editor(screen, document, None if is_copy else stored)
    editor.show()
    if stored is not None and not is_copy:
        await _show_places(screen, stored)
        await _show_versions(screen, stored, editor)


async def _read(screen: Screen, definition_id: str) -> dict[str, Any]:
    """The definition and its document as it was written: defaults that nobody has said are not in it."""
    stored = await screen.api.get(f"/alarm-definitions/{definition_id}")
    version = await screen.api.get(f"/alarm-definitions/{definition_id}/versions/{stored['version']}")
    return {**stored, "document": version["definition"]}


class _Editor:
    """The form, and the row of what can be done with it."""

    def __init__(self, screen: Screen, document: Mapping[str, Any], stored: Mapping[str, Any] | None) -> None:
        self._screen = screen
        self._stored = stored
        self._document = document
        self._may = screen.may(Permission.CONFIGURE)

    def show(self) -> None:
        """Build it."""
        screen = self._screen
        with element("div", "ms-row ms-no-print"):
            with element("a", href=screen.address(screen.page.address)):
                ui.label(screen.text("definitions.back"))
            if self._stored:
                facts = screen.text(
                    "definitions.facts",
                    version=self._stored["version"],
                    who=self._stored["updated_by"],
                    when=screen.formats.when(self._stored["updated_at"], screen.now()),
                )
                ui.label(facts).classes("ms-muted")
        self._fields = element("div", "ms-stack")
        self.fill(self._document)
        if not self._may:
            return
        with element("section", "ms-card ms-stick ms-no-print", aria_label=screen.text("definitions.actions")):
            self._others = element("div", "ms-problems", role="alert")
            self._others.set_visibility(False)
            with element("div", "ms-row"):
                main_button(screen.text("definitions.save"), self._save)
                side_button(screen.text("definitions.check"), self._check)
                if self._stored:
                    copied = screen.address(screen.page.address, copy=self._stored["id"])
                    words("a", screen.text("definitions.copy"), "ms-action", href=copied)
                    quiet_button(screen.text("definitions.delete"), self._delete)
            self._result = element("div", "ms-stack", aria_live="polite")
        Trial(screen, self.form.document, self._take).show()

    def fill(self, document: Mapping[str, Any]) -> None:
        """Put a document into the fields."""
        self.form = Form(document)
        self._fields.clear()
        with self._fields:
            Fields(self._screen, self.form).show()
        if not self._may:
            self.form.lock()

    def _take(self, level: str, limit: float) -> None:
        self.form.set(f"condition.{level}.limit", limit)

    async def _look(self) -> Mapping[str, Any] | None:
        """Ask the API what it would say; None where it refuses, and then the fields say why."""
        self._result.clear()
        asked = {"definition": self.form.document(), "id": self._stored["id"] if self._stored else None}
        try:
            answer = await self._screen.api.post("/alarm-definitions/check", asked)
        except Refused as refused:
            if refused.kind != "body-invalid":
                raise
            others = self.form.show(self._screen.text, refused)
            show_others(self._others, self._screen.text("definitions.problems"), others)
            self._screen.warn(self._screen.text("definitions.refused"))
            return None
        self.form.clear()
        show_others(self._others, "", ())
        return answer

    async def _check(self) -> None:
        answer = await self._look()
        if answer is None:
            return
        text = self._screen.text
        with self._result:
            heading(text("definitions.would_change"), 3)
            show_changes(self._screen, answer["changes"])
            heading(text("definitions.would_stand", watched=answer["watched"], unfit=answer["unfit"]), 3)
            with element("ul", "ms-list"):
                for place in answer["places"]:
                    words("li", place["path"] + (f" – {place['problem']}" if place["problem"] else ""))

    async def _save(self) -> None:
        if await self._look() is None:
            return
        document = self.form.document()
        if self._stored is None:
            stored = await self._screen.api.post("/alarm-definitions", document)
        else:
            path = f"/alarm-definitions/{self._stored['id']}"
            stored = await self._screen.api.put(path, document, version=self._stored["version"])
        self._screen.done(self._screen.text("definitions.saved", version=stored["version"], count=stored["watched"]))
        ui.navigate.to(self._screen.address(self._screen.page.address, id=stored["id"]))

    async def _delete(self) -> None:
        stored = self._stored
        assert stored is not None  # the button is there for what is stored
        name = stored["definition"]["name"]
        if await ask(self._screen, self._screen.text("definitions.delete_sure", name=name)):
            await self._screen.api.delete(f"/alarm-definitions/{stored['id']}", version=stored["version"])
            ui.navigate.to(self._screen.address(self._screen.page.address))


async def _show_places(screen: Screen, stored: Mapping[str, Any]) -> None:
    def levels(item: Mapping[str, Any]) -> None:
        told = [
            f"{screen.text.maybe('level.' + str(each['level']), '')} {screen.formats.number(each['limit'])}".strip()
            for each in item["levels"]
            if each["limit"] is not None
        ]
        words("span", item["problem"] or " · ".join(told), "ms-uncertain" if item["problem"] else "ms-figure")

    with element("section", "ms-card"):
        heading(screen.text("definitions.places", watched=stored["watched"], unfit=stored["unfit"]))
        columns = [
            Column(screen.text("definitions.target"), lambda item: words("span", item["path"], "ms-break")),
            Column(screen.text("definitions.numbers"), levels),
        ]
        await Pages(screen, columns, f"/alarm-definitions/{stored['id']}/places", size=PLACES).load()


async def _show_versions(screen: Screen, stored: Mapping[str, Any], editor: _Editor) -> None:
    found = await screen.api.get(f"/alarm-definitions/{stored['id']}/versions")
    with element("section", "ms-card"):
        heading(screen.text("definitions.versions"))
        for item in found["items"]:
            title = screen.text(
                f"version_change.{item['change']}",
                version=item["version"],
                who=item["changed_by"],
                when=screen.formats.when(item["changed_at"], screen.now()),
            )
            with ui.expansion(title).classes("ms-version").props("dense"):
                show_changes(screen, item["changes"])
                if item["version"] != stored["version"] and screen.may(Permission.CONFIGURE):
                    restore = partial(_restore, screen, editor, item)
                    side_button(screen.text("definitions.restore"), restore)


def _restore(screen: Screen, editor: _Editor, item: Mapping[str, Any]) -> None:
    editor.fill(item["definition"])
    screen.done(screen.text("definitions.restored", version=item["version"]))
