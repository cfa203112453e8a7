"""Buttons by their weight: one main thing to do, others beside it, quiet ones."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from cloud_api.console.screen import Screen

LARGEST_FILE = 24_000_000


def main_button(text: str, on_click: Callable[..., Any]) -> ui.button:
    """The main thing to do in its place."""
    return ui.button(text, color=None, on_click=on_click).props("no-caps unelevated").classes("ms-primary")


def side_button(text: str, on_click: Callable[..., Any], icon: str | None = None) -> ui.button:
    """Something else that can be done there."""
    return ui.button(text, icon=icon, on_click=on_click).props("outline no-caps")


def quiet_button(text: str, on_click: Callable[..., Any], icon: str | None = None) -> ui.button:
    """Something in a row of a list."""
    return ui.button(text, icon=icon, on_click=on_click).props("flat dense no-caps")


def file_button(
    screen: Screen, text: str, endings: str, on_file: Callable[[events.UploadEventArguments], Any]
) -> ui.button:
    """Choose a file of the person's own; the library's widget for it is none that a keyboard or a reader can use."""
    too_large = screen.text("filters.file_refused")
    upload = ui.upload(on_upload=on_file, on_rejected=lambda: screen.warn(too_large), max_file_size=LARGEST_FILE)
    upload.props(f"accept={endings} auto-upload").style("display: none")
    button = side_button(text, lambda: None, "upload_file")
    button.on("click", js_handler=f"() => getElement({upload.id}).pickFiles()")
    return button
