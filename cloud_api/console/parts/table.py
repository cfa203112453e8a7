"""A table over a listing of the API: page after page by its cursor, never more than what was asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from cloud_api.console.parts.html import element, words
from cloud_api.console.screen import Screen

PAGE_SIZE = 100
Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and what builds a cell."""

    title: str
    build: Callable[[Item], object]
    classes: str = ""


class Pages:
    """Shows a listing, and more of it when asked."""

    def __init__(
        self,
        screen: Screen,
        columns: Sequence[Column],
        path: str,
        parameters: Callable[[], Mapping[str, Any]] = dict,
        none_key: str = "filters.none",
        size: int | None = PAGE_SIZE,
    ) -> None:
        self._screen = screen
        self._columns = columns
        self._path = path
        self._parameters = parameters
        self._none_key = none_key
        self._size = size
        self._cursor: str | None = None
        self._is_deep = False
        with element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("filters.list")):
            self._body = show_table(columns)
        self._none = ui.label(screen.text(none_key)).classes("ms-muted")
        self._more = ui.button(screen.text("filters.more"), on_click=self.load_more).props("outline no-caps")

    async def load(self) -> None:
        """Show the first page, of what is chosen now."""
        found = await self._ask(None)
        self._is_deep = False
        self._body.clear()
        self._show(found)
        self._none.set_visibility(not found["items"])

    async def refresh(self) -> None:
        """Show the first page anew, unless somebody has asked for more of it."""
        if not self._is_deep:
            await self.load()

    async def load_more(self) -> None:
        """Show the next page below."""
        self._is_deep = True
        self._show(await self._ask(self._cursor))

    async def _ask(self, cursor: str | None) -> Any:
        return await self._screen.api.get(self._path, limit=self._size, cursor=cursor, **self._parameters())

    def _show(self, found: Mapping[str, Any]) -> None:
        self._cursor = found.get("next")
        self._more.set_visibility(self._cursor is not None)
        with self._body:
            show_rows(self._columns, found["items"])


def show_table(columns: Sequence[Column]) -> Any:
    """A table with its head; its body comes back."""
    with element("table", "ms-table"):
        with element("thead"), element("tr"):
            for column in columns:
                words("th", column.title, column.classes, scope="col")
        return element("tbody")


def show_rows(columns: Sequence[Column], items: Sequence[Item]) -> None:
    """Rows of a table."""
    for item in items:
        with element("tr"):
            for column in columns:
                with element("td", column.classes):
                    column.build(item)


def told(title: str, read: Callable[[Item], str], classes: str = "ms-figure") -> Column:
    """A column of words or figures."""
    return Column(title, lambda item: words("span", read(item), classes))
