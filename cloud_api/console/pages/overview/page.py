"""The page of the overview: health, tiles, the shift, the tree; each part lives and fails for itself."""

from cloud_api.console.frame import show_safely
from cloud_api.console.pages.overview.health import show_health
from cloud_api.console.pages.overview.shift import show_shift
from cloud_api.console.pages.overview.tree import show_plant
from cloud_api.console.parts.html import element
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    await show_safely(screen, show_health)
    await show_safely(screen, show_plant)
    with element("div"):
        await show_safely(screen, show_shift)
