"""The list of definitions, and definitions as files."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import events, ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.definitions.changes import show_difference
from cloud_api.console.pages.definitions.fields import KINDS
from cloud_api.console.parts.buttons import file_button, main_button
from cloud_api.console.parts.filters import Filters
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.parts.priority import PRIORITIES, priority_mark
from cloud_api.console.parts.table import Column, Pages
from cloud_api.console.screen import Screen

EXPORT = "/api/v1/alarm-definitions/export?format="


async def show_list(screen: Screen) -> None:
    """Build the list."""
    with element("section", "ms-card"):
        with element("div", "ms-row"):
            filters = Filters(screen)
            filters.text("q", screen.text("definitions.q"))
            filters.choice("kind", screen.text("definitions.kind"), {k: screen.text(f"condition.{k}") for k in KINDS})
            filters.choice("priority", screen.text("definitions.priority"), _priorities(screen))
            filters.text("position", screen.text("definitions.position"))
            filters.text("path", screen.text("definitions.path"))
        table = Pages(screen, _columns(screen), "/alarm-definitions", filters.chosen, "definitions.none")
        filters.then(table.load)
        await table.load()
    if screen.may(Permission.CONFIGURE):
        _new(screen)
    _files(screen, table.load)


def _priorities(screen: Screen) -> dict[str, str]:
    return {each: screen.text(f"priority.{each}") for each in PRIORITIES}


def _columns(screen: Screen) -> list[Column]:
    def name(item: Mapping[str, Any]) -> None:
        definition = item["definition"]
        with element("span", "ms-row ms-tight ms-grey"):
            priority_mark(screen.text, definition["priority"])
            with element("a", href=screen.here(id=item["id"])):
                ui.label(definition["name"])
            if not definition["enabled"]:
                ui.label(screen.text("definitions.off")).classes("ms-chip")

    def target(item: Mapping[str, Any]) -> None:
        told = item["definition"]["target"]
        words("span", told["path"] or f"{told['template']}: {told['tag']}", "ms-break")

    def changed(item: Mapping[str, Any]) -> None:
        words("span", f"{screen.formats.when(item['updated_at'], screen.now())} · {item['updated_by']}")

    return [
        Column(screen.text("definitions.name"), name),
        Column(screen.text("definitions.kind"), lambda item: _kind(screen, item)),
        Column(screen.text("definitions.target"), target),
        Column(screen.text("definitions.position"), lambda item: words("span", item["definition"]["position"])),
        Column(screen.text("definitions.version"), lambda item: words("span", str(item["version"]), "ms-figure")),
        Column(screen.text("definitions.changed"), changed),
    ]


def _kind(screen: Screen, item: Mapping[str, Any]) -> None:
    words("span", screen.text(f"condition.{item['definition']['condition']['kind']}"))


def _new(screen: Screen) -> None:
    with element("section", "ms-card ms-no-print"):
        heading(screen.text("definitions.new"))
        with element("div", "ms-row"):
            for kind in KINDS:
                with element("a", "ms-action", href=screen.address(screen.page.address, new=kind)):
                    ui.label(screen.text(f"condition.{kind}"))


def _files(screen: Screen, reload: Callable[[], Any]) -> None:
    with element("section", "ms-card ms-no-print"):
        heading(screen.text("definitions.files"))
        with element("div", "ms-row"):
            for form in ("toml", "csv"):
                link = words("a", screen.text("definitions.export", form=form.upper()), "ms-action", href=EXPORT + form)
                attributed(link, download=f"alarm-definitions.{form}")
        if screen.may(Permission.CONFIGURE):
            _Import(screen, reload).show()


class _Import:
    """A file that is looked at first and applied then."""

    def __init__(self, screen: Screen, reload: Callable[[], Any]) -> None:
        self._screen = screen
        self._reload = reload
        self._wanted: dict[str, Any] = {}

    def show(self) -> None:
        """Build it."""
        text = self._screen.text
        self._prune = ui.switch(text("definitions.prune"))
        file_button(self._screen, text("definitions.import"), ".toml,.csv", self._look)
        self._place = element("div", "ms-import", aria_live="polite")

    async def _look(self, event: events.UploadEventArguments) -> None:
        content = (await event.file.read()).decode("utf-8-sig", errors="replace")
        form = "csv" if event.file.name.lower().endswith(".csv") else "toml"
        self._wanted = {"format": form, "content": content, "prune": self._prune.value}
        self._place.clear()
        difference = await self._screen.api.post("/alarm-definitions/import", self._wanted | {"dry_run": True})
        with self._place:
            show_difference(self._screen, difference)
            if difference["created"] or difference["changed"] or difference["deleted"]:
                main_button(self._screen.text("definitions.apply"), self._apply)

    async def _apply(self) -> None:
        await self._screen.api.post("/alarm-definitions/import", self._wanted)
        self._place.clear()
        self._screen.done(self._screen.text("definitions.applied"))
        await self._reload()
