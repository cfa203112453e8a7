"""Where one is logged in, and how to end that."""

from functools import partial

from nicegui import ui

from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen


async def show_sessions(screen: Screen) -> None:
    """List one's own sessions."""
    found = await screen.api.get("/me/sessions")
    with element("section", "ms-card"):
        heading(screen.text("account.sessions"))
        with (
            element("div", "ms-scroll", tabindex=0, role="region", aria_label=screen.text("account.sessions")),
            element("table", "ms-table"),
        ):
            with element("thead"), element("tr"):
                for name in ("client", "address", "seen_at", "expires_at", "end"):
                    words("th", screen.text(f"account.column.{name}"), scope="col")
            with element("tbody"):
                for session in found["items"]:
                    with element("tr"):
                        words("td", session["client"] or "–", "ms-path")
                        words("td", session["address"])
                        words("td", screen.formats.instant(session["seen_at"]), "ms-figure")
                        words("td", screen.formats.instant(session["expires_at"]), "ms-figure")
                        with element("td"):
                            if session["is_this"]:
                                ui.label(screen.text("account.this"))
                            else:
                                end = partial(_end, screen, session["id"])
                                ui.button(screen.text("account.end"), on_click=end).props("no-caps dense outline")


async def _end(screen: Screen, session_id: int) -> None:
    await screen.api.delete(f"/me/sessions/{session_id}")
    ui.navigate.reload()
