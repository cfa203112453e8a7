"""Buttons by their weight: one main thing to do, others beside it, quiet ones."""

from collections.abc import Callable
from typing import Any

from nicegui import ui


def main_button(text: str, on_click: Callable[..., Any]) -> ui.button:
    """The main thing to do in its place."""
    return ui.button(text, color=None, on_click=on_click).props("no-caps unelevated").classes("ms-primary")


def side_button(text: str, on_click: Callable[..., Any], icon: str | None = None) -> ui.button:
    """Something else that can be done there."""
    return ui.button(text, icon=icon, on_click=on_click).props("outline no-caps")


def quiet_button(text: str, on_click: Callable[..., Any], icon: str | None = None) -> ui.button:
    """Something in a row of a list."""
    return ui.button(text, icon=icon, on_click=on_click).props("flat dense no-caps")
