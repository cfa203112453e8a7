"""The overview: what stands where in the plant, and how fresh it is."""

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element, heading
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    found = await screen.api.get("/assets")
    with element("section", "ms-card"):
        heading(screen.text("page.overview"))
    del found


PAGE = Page("overview", "/", "dashboard", Section.OPERATE, Permission.READ, build)
