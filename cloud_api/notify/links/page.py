"""The page of a link, in both languages, without script, image or anything from elsewhere (pure)."""

from collections.abc import Mapping
from html import escape
from typing import Any

from cloud_api.instants import format_at
from cloud_api.notify.links.service import Link, LinkState
from cloud_api.notify.wording import LANGUAGES, say

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "section+section{border-top:1px solid #ccc;margin-top:1rem;padding-top:1rem}"
    "input,button{font:inherit;padding:.5rem;width:100%;box-sizing:border-box;margin:.25rem 0 1rem}"
    "button{background:#0b57d0;color:#fff;border:0;border-radius:.3rem}li{margin:.4rem 0}"
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Frame-Options": "DENY",
}


def render(link: Link) -> str:
    """Write the page: a form while the link is open, else what became of it."""
    body = _form(link) if link.state is LinkState.OPEN else "".join(_outcome(link, each) for each in LANGUAGES)
    title = " · ".join(say(language, "page", "title") for language in LANGUAGES)
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def _form(link: Link) -> str:
    questions = "".join(f"<p>{escape(say(language, 'page', 'question'))}</p>" for language in LANGUAGES)
    alarms = "".join(_alarm(alarm) for alarm in link.alarms)
    more = link.alarm_count - len(link.alarms)
    hidden = (
        "".join(f"<p>{escape(say(each, 'body', 'more', count=more))}</p>" for each in LANGUAGES) if more > 0 else ""
    )
    return (
        f'{questions}<ul>{alarms}</ul>{hidden}<form method="post"><label>{_both("name")}'
        f'<input name="name" maxlength="100" required autocomplete="name"></label><label>{_both("comment")}'
        f'<input name="comment" maxlength="1000"></label><button>{_both("button")}</button></form>'
    )


def _alarm(alarm: Mapping[str, Any]) -> str:
    names = " · ".join(say(language, "priority", alarm["priority"]) for language in LANGUAGES)
    texts = "<br>".join(escape(alarm[f"message_{language}"]) for language in LANGUAGES if alarm[f"message_{language}"])
    return f"<li><b>{escape(names)}</b> {escape(alarm['path'])}<br>{texts}<br><small>{escape(alarm['at'])}</small></li>"


def _outcome(link: Link, language: str) -> str:
    if link.acknowledged is not None:
        lines = [say(language, "page", "done", count=link.acknowledged)]
        if skipped := link.alarm_count - link.acknowledged:
            lines.append(say(language, "page", "skipped", count=skipped))
    else:
        at = "" if link.used_at is None else format_at(link.used_at)
        lines = [say(language, "page", link.state.value, at=at)]
    return "<section>" + "".join(f"<p>{escape(line)}</p>" for line in lines) + "</section>"


def _both(name: str) -> str:
    return escape(" · ".join(say(language, "page", name) for language in LANGUAGES))
