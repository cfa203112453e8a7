"""The two small pages at the end of a log-in, in both languages, without script (pure)."""

from html import escape

from cloud_api.users.oidc.refusals import Why

_HEAD = '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">{more}'
_PAGE = _HEAD + "<title>Millstream</title></head><body>{body}</body></html>"


def onward(path: str) -> str:
    """Go on to `path`.

    A page and not a redirect: along redirects that another site began, browsers keep the SameSite=Strict session back.
    """
    place = escape(path)
    more = f'<meta http-equiv="refresh" content="0;url={place}">'
    return _PAGE.format(more=more, body=f'<p><a href="{place}">Continue · 继续</a></p>')


def refusal(title: str, detail: str, why: Why | None) -> str:
    """Say why it was refused, and the way to try again."""
    lines = [title, detail] if why is None else [detail, why.chinese]
    body = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return _PAGE.format(more="", body=f'{body}<p><a href="/">Millstream</a></p>')
