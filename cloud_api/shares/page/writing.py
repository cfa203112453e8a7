"""The page of a share in both languages, without script, image or anything from elsewhere (pure)."""

import base64
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from cloud_api.instants import format_at
from cloud_api.shares.guests.models import SharedDescription, SharedSeriesList

LANGUAGES = ("en", "zh")
DAYS = {"day": 1, "week": 7, "month": 30}
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top;"
    "border-bottom:1px solid #ddd}th{font-weight:600}pre{background:#f4f4f4;padding:.6rem;overflow:auto}"
    "input,button{font:inherit;padding:.5rem;box-sizing:border-box}input{width:100%;margin:.25rem 0 1rem}"
    "button{background:#0b57d0;color:#fff;border:0;border-radius:.3rem}a{color:#0b57d0}.warn{color:#b3261e}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_TEXTS = Path(__file__).parents[1] / "texts"


@cache
def texts(language: str) -> Mapping[str, str]:
    """Every text of a language."""
    return tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))


def write_door(problem: str | None = None, reason: str = "") -> str:
    """The page for who has not shown a key yet; `problem` names a text that says why not."""
    said = "" if problem is None else f'<p class="warn">{_both(problem, reason=reason)}</p>'
    form = (
        f'<form method="post" action="/shared/open"><label>{_both("key")}<input name="key" type="password" required '
        f'maxlength="100" autocomplete="off"></label><button>{_both("open")}</button></form>'
    )
    return _page(_both("title"), f"{said}<p>{_both('enter')}</p>{form}")


def write_share(about: SharedDescription, series: SharedSeriesList, base: str) -> str:
    """The page of a share; `base` is where programs find this service."""
    facts = "".join(f"<tr><th>{_both(name)}</th><td>{value}</td></tr>" for name, value in _facts(about))
    parts = [
        f"<table>{facts}</table>",
        f"<h2>{_both('series')}</h2>{_series(series)}" if series.items else "",
        f"<h2>{_both('downloads')}</h2>{_downloads(about, series)}",
        f"<h2>{_both('programs')}</h2><p>{_both('curl')}</p><pre>{escape(_curl(about, series, base))}</pre>",
        f"<p>{_both('units')}</p><p>{_both('rules')}</p>",
        f'<form method="post" action="/shared/leave"><button>{_both("leave")}</button></form>',
    ]
    return _page(escape(about.name), "".join(parts))


def _facts(about: SharedDescription) -> list[tuple[str, str]]:
    window = about.window
    is_empty = window.from_ >= window.to
    left = _both("unlimited") if about.rows_left is None else str(about.rows_left)
    facts = [
        ("from", escape(about.provider)),
        ("to", escape(about.recipient)),
        ("purpose", f"{escape(about.purpose_en)}<br>{escape(about.purpose_zh)}"),
        ("until", _at(about.expires_at)),
        ("window", _both("nothing") if is_empty else f"{_at(window.from_)} … {_at(window.to)}"),
        ("floor", escape(about.floor)),
        ("clock", escape(about.time_zone or "UTC")),
        ("left", left),
    ]
    if about.alarm_priorities:
        facts.append(("alarms", escape(", ".join(about.alarm_priorities))))
    return facts


def _series(series: SharedSeriesList) -> str:
    head = "".join(f"<th>{_both(name)}</th>" for name in ("name", "unit", "aggregates", "classes"))
    rows = "".join(
        f"<tr><td>{escape(each.series)}</td><td>{escape(each.unit or '')}</td>"
        f"<td>{escape(', '.join(each.aggregates))}</td><td>{escape(_limits(each.classes))}</td></tr>"
        for each in series.items
    )
    return f"<table><tr>{head}</tr>{rows}</table>"


def _downloads(about: SharedDescription, series: SharedSeriesList) -> str:
    lines: list[str] = []
    for what, name in _kinds(about, series):
        links = [
            f'<a href="{escape(f"/shared/{what}.csv?{urlencode(_window(about, days))}")}">{_both(length)}</a>'
            for length, days in DAYS.items()
        ]
        lines.append(f"<tr><th>{_both(name)} (CSV)</th><td>{' | '.join(links)}</td></tr>")
    return f"<table>{''.join(lines)}</table>"


def _kinds(about: SharedDescription, series: SharedSeriesList) -> list[tuple[str, str]]:
    kinds: list[tuple[str, str]] = []
    if any(each.aggregates for each in series.items):
        kinds.append(("data", "data"))
    if any(each.classes for each in series.items):
        kinds.append(("classes", "time_in_classes"))
    if about.alarm_priorities:
        kinds.append(("alarms", "alarm_counts"))
    return kinds


def _window(about: SharedDescription, days: int) -> dict[str, str]:
    """The end is said when it is downloaded: intervals end while a page lies open."""
    return {"days": str(days), "interval": about.floor.value}


def _curl(about: SharedDescription, series: SharedSeriesList, base: str) -> str:
    window = urlencode({"from": _plain(about.window.from_), "to": _plain(about.window.to)}, safe=":")
    head = 'curl -H "Authorization: Bearer $KEY"'
    lines = [f'{head} "{base}/api/v1/shared"', f'{head} "{base}/api/v1/shared/series"']
    lines += [
        f'{head} -H "Accept: text/csv" "{base}/api/v1/shared/{what}?{window}&interval={about.floor.value}"'
        for what, _ in _kinds(about, series)
    ]
    return "\n".join(lines)


def _limits(limits: Sequence[float] | None) -> str:
    return "" if limits is None else ", ".join(f"{each:g}" for each in limits)


def _at(at: datetime) -> str:
    return escape(_plain(at))


def _plain(at: datetime) -> str:
    return format_at(at).replace(".000000Z", "Z")


def _both(name: str, **values: str) -> str:
    return escape(" · ".join(texts(language)[name].format(**values) for language in LANGUAGES))


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )
