"""What the API has refused, as a person reads it: in Chinese by what it is and what would be allowed (pure).

Problems are written in English, for programs and their authors. English pages show them as they are. Chinese ones
show the kind's own text, and of each field what is known of it in Chinese; English stands where nothing else is.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cloud_api.console.api import Refused
from cloud_api.console.words import Language, Words

# Their kind says everything that a person can do about them.
WHOLE = frozenset(
    {
        "not-found",
        "outside-reach",
        "version-conflict",
        "database-unavailable",
        "ingest-unavailable",
        "too-many-requests",
        "query-timeout",
        "login-locked",
        "internal",
    }
)


@dataclass(frozen=True, slots=True)
class Saying:
    """What the API says, and the same in Chinese; named groups of the pattern go along."""

    pattern: re.Pattern[str]
    chinese: str
    example: str


@cache
def sayings() -> tuple[Saying, ...]:
    """All that is known in Chinese, in the order in which it is tried."""
    text = files("cloud_api.console").joinpath("texts", "refusals.toml").read_text(encoding="utf-8")
    return tuple(Saying(re.compile(each["en"]), each["zh"], each["example"]) for each in tomllib.loads(text)["said"])


def in_chinese(english: str) -> str | None:
    """The same in Chinese; None where nobody has written it."""
    for saying in sayings():
        if found := saying.pattern.fullmatch(english):
            return saying.chinese.format(**found.groupdict())
    return None


def problems_of(words: Words, refused: Refused) -> list[tuple[str, str]]:
    """Each problem of a refusal as member and what is wrong; a refusal of no member has an empty one."""
    listed: Sequence[Mapping[str, Any]] = [*refused.errors] or [refused.document]
    found: list[tuple[str, str]] = []
    for each in listed:
        field = str(each.get("field") or "").removeprefix("body.")
        found.append((field, _wrong(words, each, str(refused))))
    return found


def explain(words: Words, refused: Refused) -> str:
    """A refusal in one sentence, its fields by their names."""
    title = words.maybe(f"problem.{refused.kind}", str(refused.document.get("title", refused.kind)))
    is_chinese = words.language is Language.ZH
    if is_chinese and refused.kind in WHOLE and not refused.errors:
        return title
    details = [
        f"{words.maybe(f'field.{field}', field)}: {wrong}" if field else wrong
        for field, wrong in problems_of(words, refused)
    ]
    return f"{title}: {'; '.join(details)}"


def _wrong(words: Words, problem: Mapping[str, Any], otherwise: str) -> str:
    field, allowed = problem.get("field"), problem.get("allowed")
    # A problem of one field has its name before the words.
    detail = str(problem.get("detail") or otherwise).removeprefix(f"{field} ").removeprefix(f"{field}: ")
    if words.language is not Language.ZH:
        return f"{detail} ({allowed})" if allowed else detail
    known = in_chinese(detail)
    if known is None and (not allowed or field is None):
        return detail
    value = problem.get("value")
    said = known or words("refused.not_allowed")
    shown = f"“{value}” {said}" if value is not None else said
    return shown if not allowed else words("refused.allowed", said=shown, allowed=in_chinese(str(allowed)) or allowed)
