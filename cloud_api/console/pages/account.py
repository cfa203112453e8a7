"""One's own account: password, second factor, sessions."""

from cloud_api.auth.roles import Permission
from cloud_api.console.parts.html import element, heading
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("section", "ms-card"):
        heading(screen.text("page.account"))


PAGE = Page("account", "/account", "person", Section.HIDDEN, Permission.READ, build)
