"""What surrounds every page: header, navigation, alarm banner."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui

from cloud_api.console.look import Theme
from cloud_api.console.navigation import Destination, Section
from cloud_api.console.parts.banner import show_banner
from cloud_api.console.parts.html import attributed, element, words
from cloud_api.console.parts.safely import show_safely, show_trouble
from cloud_api.console.screen import Screen
from cloud_api.console.words import Language


async def show_frame(screen: Screen, build: Callable[[Screen], Awaitable[None]], pages: Sequence[Destination]) -> None:
    """Build the frame, the ways to all pages, and the page inside it."""
    words("a", screen.text("frame.skip"), "ms-skip", href="#ms-main")
    if not screen.look.is_kiosk:
        _header(screen)
        _navigation(screen, pages)
    show_banner(screen)
    with element("main", "ms-main", id="ms-main", tabindex=-1):
        if screen.look.is_kiosk:
            words("h1", screen.text(screen.page.title_key), "ms-hidden")
        await show_safely(screen, build if screen.may(screen.page.permission) else _forbidden)


async def _forbidden(screen: Screen) -> None:
    """What stands in the place of a page that the person's role does not open."""
    show_trouble(screen, screen.text("failure.forbidden"), screen.text("failure.forbidden_detail"))


def _header(screen: Screen) -> None:
    with element("header", "ms-header"):
        menu = ui.button(icon="menu").props("flat dense round").classes("ms-menu")
        attributed(menu, aria_label=screen.text("frame.menu"), aria_controls="ms-nav")
        menu.on("click", js_handler="() => ms.navigation()")
        ui.label(screen.site["name"] or "Millstream").classes("ms-brand")
        words("h1", screen.text(screen.page.title_key), "ms-header-title")
        ui.space()
        element("span", "ms-clock", id="ms-clock", aria_hidden="true")
        _language_switch(screen)
        _theme_switch(screen)
        _person_menu(screen)


def _language_switch(screen: Screen) -> None:
    other = Language.EN if screen.is_chinese else Language.ZH

    async def switch() -> None:
        await screen.prefer(language=other.value)
        ui.run_javascript(f"ms.choose('language', '{other.value}')")

    label = "中文" if other is Language.ZH else "English"
    button = ui.button(label, on_click=switch).props("flat dense no-caps").classes("ms-language")
    attributed(button, lang=other.tag, aria_label=f"{screen.text('frame.language')}: {label}")


def _theme_switch(screen: Screen) -> None:
    other = Theme.LIGHT if screen.look.theme is Theme.DARK else Theme.DARK

    async def switch() -> None:
        await screen.prefer(theme=other.value)
        ui.run_javascript(f"ms.choose('theme', '{other.value}')")

    label = screen.text("frame.theme_light" if other is Theme.LIGHT else "frame.theme_dark")
    icon = "light_mode" if other is Theme.LIGHT else "dark_mode"
    button = ui.button(icon=icon, on_click=switch).props("flat dense round").classes("ms-theme")
    attributed(button, aria_label=label, title=label)


def _person_menu(screen: Screen) -> None:
    name = str(screen.me.get("display_name") or screen.me["name"])
    with ui.button(name, icon="person").props("flat dense no-caps").classes("ms-person") as button, ui.menu():
        ui.menu_item(screen.text("page.account"), lambda: ui.navigate.to("/account"))
        ui.menu_item(screen.text("frame.kiosk"), lambda: ui.navigate.to(screen.here(kiosk=1)))
        ui.menu_item(screen.text("frame.log_out")).on("click", js_handler="() => ms.logOut()")
    attributed(button, aria_label=f"{screen.text('frame.person')}: {name}", aria_haspopup="menu")


def _navigation(screen: Screen, pages: Sequence[Destination]) -> None:
    with element("nav", "ms-nav", id="ms-nav", aria_label=screen.text("frame.navigation")):
        for section in Section:
            shown = [page for page in pages if page.section is section and screen.may(page.permission)]
            if section is Section.HIDDEN or not shown:
                continue
            ui.label(screen.text(f"section.{section.value}")).classes("ms-nav-section")
            for page in shown:
                here = "page" if page.name == screen.page.name else None
                with element("a", "ms-nav-link", href=page.address, aria_current=here):
                    attributed(ui.icon(page.icon), aria_hidden="true")
                    ui.label(screen.text(page.title_key))
