"""A page as NiceGUI serves it: title, language and theme are those of whoever asks."""

import json
from typing import Any

from nicegui import ui

from cloud_api.console.files import STATIC
from cloud_api.console.look import present
from cloud_api.console.parts.sound import sounds
from cloud_api.console.registry import Page
from cloud_api.console.screen import Screen
from cloud_api.console.words import words

# The few texts that scripts show by themselves, also while the service is away.
SCRIPT_TEXTS = ("lost", "resumed", "reloaded")


class LookedPage(ui.page):
    """Asks the look of the present request where the library asks its settings."""

    def __init__(self, page: Page, **options: Any) -> None:
        super().__init__(page.address, **options)
        self._title_key = page.title_key

    def resolve_title(self) -> str:
        """The page's name in the reader's language."""
        return f"{words(present.get().language)(self._title_key)} · Millstream"

    def resolve_dark(self) -> bool | None:
        """Light or dark as the reader has chosen."""
        return present.get().theme.is_dark

    def resolve_language(self) -> Any:
        """The reader's language, for the library's own texts and the document."""
        return present.get().language.tag


def dress(screen: Screen) -> None:
    """Bring the console's styles, scripts and the texts that scripts show."""
    version = int(max(file.stat().st_mtime for file in STATIC.iterdir()))
    texts = {name: screen.text(f"frame.{name}") for name in SCRIPT_TEXTS}
    page = {
        "texts": texts,
        "language": screen.text.language.tag,
        "locale": screen.text.language.locale,
        "sound": sounds(screen.preferences),
    }
    shown = json.dumps(page, ensure_ascii=False)
    shown = shown.replace("<", "\\u003c")
    ui.add_head_html(f'<link rel="stylesheet" href="/static/console.css?{version}">')
    ui.add_head_html(f'<link rel="stylesheet" href="/static/forms.css?{version}">')
    ui.add_body_html(
        f'<script>window.msPage = {shown};</script><script src="/static/console.js?{version}"></script>'
        f'<script src="/static/sound.js?{version}"></script>'
    )
    classes = ["ms", "ms-kiosk"] if screen.look.is_kiosk else ["ms"]
    ui.query("body").classes(" ".join(classes))
    ui.colors(primary="#2f5d7c", positive="#3b7a57", negative="#b3261e", warning="#8a6d00", info="#2f5d7c")
    screen.client.on_exception(screen.on_failure)
