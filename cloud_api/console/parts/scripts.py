"""Scripts and styles of a page that draws by itself, and what they need to know: texts, language, permissions."""

import json
from collections.abc import Sequence

from nicegui import ui

from cloud_api.auth.roles import Permission
from cloud_api.console.files import STATIC
from cloud_api.console.screen import Screen

SETUP = "ms-trend-setup"


def bring_scripts(screen: Screen, script: str, tables: Sequence[str], waits_for: str, **more: object) -> None:
    """Begin a module of static/ when the element with the id `waits_for` is there; texts of these tables go along."""
    version = int(max(file.stat().st_mtime for file in (STATIC / "trends").iterdir()))
    setup = {
        "texts": {key: text for key, text in screen.text.texts.items() if key.partition(".")[0] in tables},
        "language": screen.text.language.tag,
        "me": screen.me["name"],
        "mayNote": screen.may(Permission.OPERATE),
        "mayEnter": screen.may(Permission.ENTER),
        "mayConfigure": screen.may(Permission.CONFIGURE),
    } | more
    shown = json.dumps(setup, ensure_ascii=False).replace("<", "\\u003c")
    ui.add_head_html(f'<link rel="stylesheet" href="/static/trends.css?{version}">')
    ui.add_body_html(f'<script type="application/json" id="{SETUP}">{shown}</script>')
    # Elements come to the page by Vue: the script begins when they are there.
    ui.add_body_html(
        f'<script>(function wait() {{ if (document.getElementById("{waits_for}")) import("/static/{script}");'
        " else setTimeout(wait, 20); })();</script>"
    )
