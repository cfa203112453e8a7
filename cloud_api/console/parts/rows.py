"""Lists of tables in a form, as the steps of a route: each a set of fields; one can be added, each taken out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.parts.buttons import quiet_button, side_button
from cloud_api.console.parts.form import Form
from cloud_api.console.parts.html import attributed, element, words
from cloud_api.console.parts.members import ABSENT, find


@dataclass(frozen=True, slots=True)
class RowTexts:
    """What people read: how a row is called by its number, the two buttons, and what no row at all means."""

    legend: Callable[[int], str]
    add: str
    remove: str
    none: str = ""


class Rows:
    """The tables of one list; `build` puts the fields of the table with an index, from 0."""

    def __init__(
        self,
        form: Form,
        path: str,
        texts: RowTexts,
        build: Callable[[int], object],
        blank: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._form = form
        self._path = path
        self._texts = texts
        self._build = build
        self._blank = blank

    def show(self) -> None:
        """Build them, and below them the button for one more."""
        with element("div", "ms-stack ms-rows"):
            self._place = element("div", "ms-stack")
            self._complaint = words("p", "", "ms-complaint", role="alert")
            self._form.place(self._path, self._complaint)
            self._add_button = side_button(self._texts.add, self._add, "add")
        self._show_rows()

    def _show_rows(self) -> None:
        self._place.clear()
        found: list[Any] = self._form.value(self._path, [])
        with self._place:
            if not found and self._texts.none:
                ui.label(self._texts.none).classes("ms-muted")
            for index in range(len(found)):
                self._row(index)

    def _row(self, index: int) -> None:
        name = self._texts.legend(index + 1)
        with element("fieldset", "ms-level-set"):
            words("legend", name)
            self._build(index)
            button = quiet_button(self._texts.remove, partial(self._remove, index), "delete")
            attributed(button, aria_label=f"{self._texts.remove}: {name}")

    def _add(self) -> None:
        found = self._present()
        self._keep([*found, dict(self._blank())])
        self._focus(self._place, "fieldset:last-child :is(input, textarea)")

    def _remove(self, index: int) -> None:
        found = self._present()
        self._keep([*found[:index], *found[index + 1 :]])
        self._focus(self._add_button)

    def _present(self) -> list[Any]:
        """The tables as the fields have them now."""
        found = find(self._form.document(), self._path)
        return [] if found is ABSENT else list(found or [])

    def _keep(self, tables: list[Any]) -> None:
        self._form.forget(self._path, tables or ABSENT)
        self._complaint.text = ""
        self._show_rows()

    def _focus(self, place: Element, selector: str = "") -> None:
        # What was pressed may be gone, and whoever has no mouse would begin at the top of the page; who types goes on.
        found = f"getHtmlElement({place.id})" + (f".querySelector('{selector}')" if selector else "")
        is_idle = f"[document.body, getHtmlElement({self._add_button.id})].includes(document.activeElement)"
        with self._place:
            ui.run_javascript(f"setTimeout(() => {{ if ({is_idle}) {found}?.focus(); }}, 50)")
