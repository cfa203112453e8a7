"""The page of the overview: health, tiles, the shift, the tree; each part lives and fails for itself."""

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.overview.health import show_health
from cloud_api.console.pages.overview.shift import show_shift
from cloud_api.console.pages.overview.tree import show_plant
from cloud_api.console.parts.html import element
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    if screen.site["set_up_at"] is None and not screen.look.is_kiosk and screen.may(Permission.ADMINISTER):
        with element("section", "ms-card ms-setup ms-row"):
            ui.label(screen.text("overview.set_up"))
            with element("a", href="/welcome"):
                ui.label(screen.text("page.welcome"))
    await show_safely(screen, show_health)
    await show_safely(screen, show_plant)
    with element("div"):
        await show_safely(screen, show_shift)
