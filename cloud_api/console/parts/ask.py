"""A question before something that cannot be taken back."""

from collections.abc import Callable

from nicegui import ui

from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.html import attributed, element, heading, words
from cloud_api.console.screen import Screen


async def ask(screen: Screen, question: str, show: Callable[[], object] = lambda: None) -> bool:
    """Ask, below what `show` builds; True when the person goes on."""
    with ui.dialog() as dialog, ui.card().classes("ms-dialog"):
        attributed(dialog, aria_label=question)
        # Only when it is hidden: the library gives the focus back to what was pressed.
        dialog.on("hide", dialog.delete)
        words("p", question)
        show()
        with element("div", "ms-row"):
            main_button(screen.text("ask.yes"), lambda: dialog.submit(True))
            side_button(screen.text("ask.no"), lambda: dialog.submit(False))
    return bool(await dialog)


async def show_once(screen: Screen, title: str, secret: str, note: str) -> None:
    """Show something that is shown now and never again."""
    with ui.dialog().props("persistent") as dialog, ui.card().classes("ms-dialog"):
        attributed(dialog, aria_label=title)
        dialog.on("hide", dialog.delete)
        heading(title)
        words("p", note)
        words("p", secret, "ms-secret ms-code")
        with element("div", "ms-row"):
            copy = ui.button(screen.text("ask.copy"), icon="content_copy").props("outline no-caps")
            copy.on_click(lambda: ui.clipboard.write(secret))
            main_button(screen.text("ask.seen"), lambda: dialog.submit(True))
    await dialog
