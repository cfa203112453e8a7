"""Dialogs that hold a form: above the whole page, closed by what is done in them or by leaving."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.element import Element

from cloud_api.console.parts.buttons import main_button, side_button
from cloud_api.console.parts.html import attributed, element, heading
from cloud_api.console.screen import Screen


def form_dialog(screen: Screen, title: str) -> tuple[ui.dialog, Element]:
    """A dialog, closed yet, and the card in it that takes the fields."""
    # A part of the page may be built anew meanwhile; the dialog is none of it.
    with screen.client.content, ui.dialog() as dialog, ui.card().classes("ms-dialog") as card:
        attributed(dialog, aria_label=title)
        heading(title)
    dialog.on("hide", dialog.delete)
    return dialog, card


def save_or_cancel(screen: Screen, dialog: ui.dialog, save: Callable[[], Awaitable[None]]) -> None:
    """The two ways out."""
    with element("div", "ms-row"):
        main_button(screen.text("entering.save"), save)
        side_button(screen.text("entering.cancel"), dialog.close)
