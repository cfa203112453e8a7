"""The page of data quality, from the large to the small: heat map, holes, rejects."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from cloud_api.console.pages.quality.heat import show_heat
from cloud_api.console.pages.quality.holes import show_holes
from cloud_api.console.pages.quality.rejects import show_rejects
from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    ui.add_head_html('<link rel="stylesheet" href="/static/quality.css">')
    parts: tuple[tuple[str, Callable[[Screen], Awaitable[None]]], ...] = (
        (screen.text("quality_page.completeness"), show_heat),
        (screen.text("quality_page.holes"), show_holes),
        (screen.text("quality_page.rejects"), show_rejects),
    )
    for title, show in parts:
        with element("section", "ms-card", aria_label=title):
            heading(title)
            await show_safely(screen, show)
