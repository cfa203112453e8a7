"""What an asset is, and the dialogs that change it: made, described in two languages, renamed, moved, removed."""

import json
from typing import Any

from nicegui import ui

from cloud_api.assets.models import AssetKind
from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen

MOST_TEMPLATES = 1_000


def show_facts(screen: Screen, asset: dict[str, Any]) -> None:
    """Show everything that is known of an asset."""
    text = screen.text
    facts: list[tuple[str, object]] = [
        (text("assets.kind"), text.maybe(f"asset_kind.{asset['kind']}", asset["kind"])),
        (text("assets.name_en"), asset["name"]["en"]),
        (text("assets.name_zh"), asset["name"]["zh"]),
        (text("assets.description"), asset["description"]),
        (text("assets.location"), asset["location"]),
        *((name, value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False))
          for name, value in asset["attributes"].items()),
    ]  # fmt: skip
    with element("dl", "ms-facts"):
        for name, value in facts:
            if value not in (None, ""):
                words("dt", name)
                words("dd", str(value))
        for document in asset["documents"]:
            words("dt", text("assets.document"))
            with element("dd"):
                words("a", document["title"], href=document["url"], rel="noreferrer")


class Editor:
    """Dialogs on one asset, or on the root where it is None."""

    def __init__(self, screen: Screen, asset: dict[str, Any] | None) -> None:
        self._screen = screen
        self._asset = asset

    async def create(self) -> None:
        """Make an asset below this one."""
        start = f"{self._asset['path']}/" if self._asset else ""
        await self._open(self._screen.text("assets.new"), {"path": start, "name": {}, "kind": "asset"}, is_new=True)

    async def change(self) -> None:
        """Change this one."""
        assert self._asset is not None
        await self._open(self._screen.text("assets.edit"), self._asset, is_new=False)

    def remove(self) -> None:
        """Remove it with all below, after a question."""
        assert self._asset is not None
        asset, screen = self._asset, self._screen

        async def remove() -> None:
            await screen.api.delete(f"/assets/{asset['id']}")
            ui.navigate.to(screen.address("/assets"))

        with ui.dialog() as dialog, ui.card():
            ui.label(screen.text("assets.remove_question", path=asset["path"]))
            with element("div", "ms-row"):
                ui.button(screen.text("assets.remove"), on_click=remove).props("no-caps")
                ui.button(screen.text("assets.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    async def _open(self, title: str, asset: dict[str, Any], *, is_new: bool) -> None:
        screen, text = self._screen, self._screen.text
        templates = (await screen.api.get("/asset-templates", limit=MOST_TEMPLATES))["items"]
        names = {0: text("assets.no_template")} | {each["id"]: each["name"] for each in templates}
        kinds = {each.value: text.maybe(f"asset_kind.{each}", each.value) for each in AssetKind}
        with ui.dialog() as dialog, ui.card().classes("ma-dialog"):
            heading(title)
            path = ui.input(text("assets.path"), value=asset["path"])
            ui.label(text("assets.path_hint")).classes("ms-muted")
            kind = ui.select(kinds, value=asset["kind"], label=text("assets.kind"))
            name_en = ui.input(text("assets.name_en"), value=asset["name"].get("en") or "")
            name_zh = ui.input(text("assets.name_zh"), value=asset["name"].get("zh") or "")
            description = ui.input(text("assets.description"), value=asset.get("description") or "")
            location = ui.input(text("assets.location"), value=asset.get("location") or "")
            template = ui.select(names, value=asset.get("template_id") or 0, label=text("assets.template"))
            shown = json.dumps(asset.get("attributes") or {}, ensure_ascii=False, indent=1)
            attributes = ui.textarea(text("assets.attributes"), value=shown)

            async def save() -> None:
                try:
                    described = json.loads(attributes.value or "{}")
                except ValueError as error:
                    screen.warn(f"{text('assets.attributes')}: {error}")
                    return
                body = {
                    "path": _written(path),
                    "kind": kind.value,
                    "name": {"en": _written(name_en), "zh": _written(name_zh)},
                    "description": _written(description),
                    "location": _written(location),
                    "template_id": template.value or None,
                    "attributes": described,
                }
                made = await self._send(asset, body, is_new=is_new)
                ui.navigate.to(screen.address("/assets", asset=made["id"]))

            with element("div", "ms-row"):
                ui.button(text("assets.save"), on_click=save).props("no-caps")
                ui.button(text("assets.cancel"), on_click=dialog.close).props("flat no-caps")
        dialog.open()

    async def _send(self, asset: dict[str, Any], body: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
        made: dict[str, Any]
        if is_new:
            made = await self._screen.api.post("/assets", {name: value for name, value in body.items() if value})
            return made
        if body["path"] == asset["path"]:
            body.pop("path")
        made = await self._screen.api.patch(f"/assets/{asset['id']}", body)
        return made


def _written(field: ui.input) -> str | None:
    return (field.value or "").strip() or None
