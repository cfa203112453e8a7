"""Which paths a pattern names: `*` within one level, `**` over levels, `?` one character (pure)."""

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_PIECES = re.compile(r"\*\*|\*|\?|[^*?]+")


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern names this path, letter by letter."""
    return _compiled(pattern).fullmatch(path) is not None


def near(wanted: str, known: Iterable[str]) -> Sequence[str]:
    """The names that somebody may have meant."""
    return difflib.get_close_matches(wanted, list(known), n=3, cutoff=0.5)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_regular(piece) for piece in _PIECES.findall(pattern)), re.DOTALL)


def _regular(piece: str) -> str:
    return {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece)
