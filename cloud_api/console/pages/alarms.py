"""The alarms that stand, and what to do about each."""

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element, heading
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("section", "ms-card"):
        heading(screen.text("page.alarms"))


PAGE = Page("alarms", "/alarms", "notifications_active", Section.OPERATE, Permission.READ, build)
