"""The form that replaces one's own password."""

from collections.abc import Callable

from nicegui import ui

from cloud_api.console.parts.html import element
from cloud_api.console.screen import Screen


def show_password_form(screen: Screen, after: Callable[[], None], *, is_first: bool = False) -> None:
    """Ask for the old one and twice for the new one; the API says whether it is good enough."""
    text = screen.text
    with element("div", "ms-form"):
        label = text("account.one_time") if is_first else text("account.old")
        old = ui.input(label, password=True).props("outlined dense autocomplete=current-password maxlength=256")
        new = ui.input(text("account.new"), password=True).props(
            "outlined dense autocomplete=new-password maxlength=256"
        )
        again = ui.input(text("account.again"), password=True).props(
            "outlined dense autocomplete=new-password maxlength=256"
        )

        async def change() -> None:
            if new.value != again.value:
                screen.warn(text("account.differ"))
                return
            await screen.api.put("/me/password", {"old": old.value or "", "new": new.value or ""})
            for field in (old, new, again):
                field.set_value("")
            after()

        ui.button(text("account.change"), on_click=change, color=None).props("no-caps unelevated").classes("ms-primary")
