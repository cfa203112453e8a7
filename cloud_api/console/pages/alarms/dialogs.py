"""What is asked before something is done to an alarm: a comment, a reason and a time, a work order."""

from nicegui import ui

from cloud_api.console.parts.html import attributed, heading
from cloud_api.console.screen import Screen

LENGTHS = ("10m", "30m", "1h", "2h", "4h", "8h", "one_shot")
MOST_CHARACTERS = 2_000


async def ask_comment(screen: Screen, title: str, *, is_needed: bool = False) -> str | None:
    """Ask for a comment; None: rather not."""
    found = await _ask(screen, title, screen.text("alarms.comment"), is_needed=is_needed)
    return None if found is None else found[0]


async def ask_shelf(screen: Screen) -> tuple[str, str] | None:
    """Ask for how long and why; None: rather not."""
    choices = {each: screen.text(f"alarms.shelf.{each}") for each in LENGTHS}
    return await _ask(screen, screen.text("alarms.shelve"), screen.text("alarms.reason"), True, choices=choices)


async def ask_order(screen: Screen) -> tuple[str, str] | None:
    """Ask for a reason and the number of a work order; None: rather not."""
    title = screen.text("alarms.take_out")
    return await _ask(screen, title, screen.text("alarms.reason"), True, extra=screen.text("alarms.order_number"))


async def _ask(
    screen: Screen,
    title: str,
    label: str,
    is_needed: bool,
    *,
    choices: dict[str, str] | None = None,
    extra: str | None = None,
) -> tuple[str, str] | None:
    # At the page itself: what was pressed is built anew when its alarm changes.
    with screen.client.content, ui.dialog() as dialog, ui.card().classes("ms-dialog"):
        attributed(dialog, aria_label=title)
        # Only when it is hidden: the library gives the focus back to what was pressed.
        dialog.on("hide", dialog.delete)
        dialog.on("hide", js_handler="() => setTimeout(() => window.msAlarms?.regain(), 50)")
        heading(title)
        second: ui.select | ui.input | None = None
        if choices is not None:
            second = ui.select(choices, label=screen.text("alarms.how_long"), value="1h").props("outlined dense")
        elif extra is not None:
            second = ui.input(extra).props("outlined dense maxlength=200")
        words = ui.textarea(label).props(f"outlined autofocus autogrow maxlength={MOST_CHARACTERS}")
        words.classes("ms-wide")

        def send() -> None:
            said, chosen = (words.value or "").strip(), str(second.value or "").strip() if second else ""
            if (is_needed and not said) or (second is not None and not chosen):
                screen.warn(screen.text("alarms.needed"))
                return
            dialog.submit((said, chosen))

        with ui.row():
            ui.button(title, on_click=send, color=None).props("no-caps unelevated").classes("ms-primary")
            ui.button(screen.text("alarms.cancel"), on_click=lambda: dialog.submit(None)).props("no-caps flat")
    found: tuple[str, str] | None = await dialog
    return found
