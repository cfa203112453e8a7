"""Fields above a list that choose what it shows; what is chosen stands in the address."""

from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui

from cloud_api.console.screen import Screen

PAUSE_MS = 400


class Filters:
    """What a list is asked for, by the API's own parameters."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._names: list[str] = []
        self._then: Callable[[], Awaitable[None]] | None = None

    def then(self, load: Callable[[], Awaitable[None]]) -> None:
        """Say what to do when a choice changes."""
        self._then = load

    def text(self, name: str, label: str) -> ui.input:
        """A field for words."""
        field = ui.input(label, value=self._screen.query.get(name, ""))
        field.props(f"dense outlined stack-label clearable debounce={PAUSE_MS}").classes("ms-filter")
        self._follow(name, field)
        return field

    def choice(self, name: str, label: str, options: Mapping[str, str], otherwise: str = "") -> ui.select:
        """One of several; the first is none of them."""
        everything = self._screen.text("filters.all")
        shown = dict(options) if otherwise else {"": everything, **options}
        value = self._screen.query.get(name, otherwise)
        field = ui.select(shown, label=label, value=value if value in shown else otherwise)
        field.props("dense outlined stack-label options-dense").classes("ms-filter")
        self._follow(name, field)
        return field

    def chosen(self) -> dict[str, str | None]:
        """The parameters."""
        return {name: self._screen.query.get(name) or None for name in self._names}

    def _follow(self, name: str, field: ui.input | ui.select) -> None:
        self._names.append(name)

        async def change() -> None:
            self._screen.remember(**{name: field.value or None})
            if self._then:
                await self._then()

        field.on_value_change(change)
