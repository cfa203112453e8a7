"""One group of rejects: what a mapping would make of it, and the replay."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen

KINDS = ("bool", "i64", "u64", "f32", "f64", "str", "json")
SHOWN = 8


class Replay:
    """The dialog."""

    def __init__(self, screen: Screen, group: dict[str, Any], refresh: Callable[[], Awaitable[None]]) -> None:
        self._screen = screen
        self._group = group
        self._refresh = refresh

    async def open(self) -> None:
        """Show it, with what the samples are now."""
        screen, text = self._screen, self._screen.text
        with ui.dialog() as self._dialog, ui.card().classes("mq-dialog"):
            heading(text.maybe(f"reject_reason.{self._group['reason']}", self._group["reason"]))
            ui.label(self._group["path"] or text("rejects.whole"))
            with element("div", "ms-row"):
                self._path = ui.input(text("rejects.new_path"))
                self._kind = ui.select(
                    {"": text("rejects.same_kind")} | {kind: kind for kind in KINDS},
                    value="",
                    label=text("rejects.kind"),
                )
                self._scale = ui.number(text("rejects.scale"))
                self._offset = ui.number(text("rejects.offset"))
            self._shown = element("div", aria_live="polite")
            self._rule = ui.checkbox(text("rejects.remember"))
            with element("div", "ms-row"):
                ui.button(text("rejects.preview"), on_click=self._preview).props("outline no-caps")
                ui.button(text("rejects.replay"), on_click=self._replay).props("no-caps")
                ui.button(text("rejects.close"), on_click=self._dialog.close).props("flat no-caps")
        self._dialog.open()
        await self._preview()
        _ = screen

    def _select(self) -> dict[str, Any]:
        return {name: self._group[name] for name in ("agent", "path", "reason") if self._group[name] is not None}

    def _mapping(self) -> dict[str, Any]:
        asked = {
            "path": (self._path.value or "").strip() or None,
            "kind": self._kind.value or None,
            "scale": self._scale.value,
            "offset": self._offset.value,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def _preview(self) -> None:
        text = self._screen.text
        body = {"select": self._select(), "mapping": self._mapping(), "samples": SHOWN}
        found = await self._screen.api.post("/rejects/preview", body)
        self._shown.clear()
        with self._shown:
            ui.label(text("rejects.meant", rejects=found["rejects"], samples=found["samples"]))
            for problem in found["problems"]:
                ui.label(f"⚠ {problem}")
            with element("table", "ms-table"), element("tbody"):
                for sample in found["shown"]:
                    with element("tr"):
                        words("td", sample["path"])
                        words("td", self._screen.formats.instant(sample["time"]))
                        words("td", f"{sample['before']} → {sample['after']}")

    async def _replay(self) -> None:
        remember = "rule" if self._rule.value else "no"
        body = {"select": self._select(), "mapping": self._mapping(), "remember": remember}
        report = await self._screen.api.post("/rejects/replay", body)
        done = self._screen.text(
            "rejects.done", replayed=report["replayed"], rejects=report["rejects"], left=report["left"]
        )
        if report["failures"]:
            self._screen.warn(f"{done} {report['failures'][0]['detail']}")
        else:
            self._screen.done(done)
            self._dialog.close()
        await self._refresh()
