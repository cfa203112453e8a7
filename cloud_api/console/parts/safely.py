"""A page or a part of one that fails: what is shown in its place."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from cloud_api.console.api import Refused
from cloud_api.console.parts.html import element, heading
from cloud_api.console.screen import Screen, note


async def show_safely(screen: Screen, build: Callable[[Screen], Awaitable[None]]) -> None:
    """Build a page or a part of one; what goes wrong is said in its place, and the rest stays usable."""
    with element("div", "ms-page") as place:
        try:
            await build(screen)
        except Refused as refused:
            place.clear()
            with place:
                show_trouble(screen, screen.text("failure.refused"), screen.refusal(refused))
        except Exception as error:  # noqa: BLE001 the boundary: a page that fails must not take the alarms along
            number = note(error)
            place.clear()
            with place:
                show_trouble(screen, screen.text("failure.page"), screen.text("failure.unknown", number=number))


def show_trouble(screen: Screen, title: str, detail: str) -> None:
    """Say what went wrong, with a way to try again."""
    with element("section", "ms-card ms-trouble", role="alert"):
        heading(title)
        ui.label(detail)
        ui.button(screen.text("failure.again"), on_click=ui.navigate.reload).props("outline no-caps")
