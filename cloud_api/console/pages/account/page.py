"""The page of one's own account."""

from cloud_api.console.pages.account.factor import show_factor
from cloud_api.console.pages.account.sessions import show_sessions
from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.password import show_password_form
from cloud_api.console.parts.safely import show_safely
from cloud_api.console.parts.sound import show_sound
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Build the page."""
    with element("div", "ms-tiles ms-account"):
        with element("section", "ms-card"):
            heading(screen.text("account.password"))
            show_password_form(screen, lambda: screen.done(screen.text("account.password_changed")))
        with element("section", "ms-card"):
            heading(screen.text("account.factor"))
            show_factor(screen)
        with element("section", "ms-card"):
            heading(screen.text("account.sound"))
            show_sound(screen)
    await show_safely(screen, show_sessions)
