"""The second factor: set up with an authenticator, proved by its first code, removed by the password."""

import segno
from nicegui import ui

from cloud_api.console.parts.html import element, heading, words
from cloud_api.console.screen import Screen


def show_factor(screen: Screen) -> None:
    """Show whether there is one, and what can be done about it."""
    place = element("div", "ms-form")
    with place:
        if screen.me["has_second_factor"]:
            _remove(screen)
        else:
            ui.label(screen.text("account.factor_none"))
            ui.button(screen.text("account.factor_begin"), on_click=lambda: _begin(screen, place)).props(
                "no-caps outline"
            )


async def _begin(screen: Screen, place: ui.element) -> None:
    made = await screen.api.post("/me/second-factor")
    place.clear()
    with place:
        ui.label(screen.text("account.factor_enter"))
        _show_code(screen, made["uri"])
        ui.label(screen.text("account.factor_type"))
        words("code", made["secret"], "ms-secret")
        with element("a", href=made["uri"]):
            ui.label(screen.text("account.factor_open"))
        code = ui.input(screen.text("login.code")).props("outlined dense inputmode=numeric autocomplete=one-time-code")

        async def confirm() -> None:
            answer = await screen.api.put("/me/second-factor", {"code": (code.value or "").replace(" ", "")})
            place.clear()
            with place:
                heading(screen.text("account.recovery"), 3)
                ui.label(screen.text("account.recovery_detail"))
                words("pre", "\n".join(answer["recovery_codes"]), "ms-secret")

        ui.button(screen.text("account.factor_confirm"), on_click=confirm, color=None).props(
            "no-caps unelevated"
        ).classes("ms-primary")


def _show_code(screen: Screen, uri: str) -> None:
    """What a telephone's camera reads; dark on light in the dark theme too, for not every camera reads the inverse."""
    drawn = segno.make(uri, micro=False).svg_inline(scale=4, dark="#000", light="#fff")
    with element("div", role="img", aria_label=screen.text("account.factor_picture")):
        ui.html(drawn, sanitize=False)


def _remove(screen: Screen) -> None:
    ui.label(screen.text("account.factor_there"))
    password = ui.input(screen.text("login.password"), password=True).props(
        "outlined dense autocomplete=current-password"
    )

    async def remove() -> None:
        await screen.api.post("/me/second-factor/remove", {"password": password.value or ""})
        ui.navigate.reload()

    ui.button(screen.text("account.factor_remove"), on_click=remove).props("no-caps outline")
