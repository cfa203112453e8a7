"""Path globs: `*` is one level or a part of one, `**` any number of levels; turned into bound parameters for SQL."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.problems import parameter_invalid

MAX_CHARACTERS = 1300
MAX_DOUBLE_STARS = 4
ALLOWED = "a path whose levels are joined by '/', with * for one level and ** for any number of levels"

_HIGHEST = "\U0010ffff"
_LEVELS = "[^/]+"


@dataclass(frozen=True, slots=True)
class PathGlob:
    """A glob as SQL needs it: `from_path <= path < to_path` for the index (byte order), `pattern` for the rest."""

    text: str
    exact: str | None
    from_path: str
    to_path: str
    pattern: str

    def matches(self, path: str) -> bool:
        """Say whether `path` is meant; the database says the same with the same pattern."""
        return re.search(self.pattern, path) is not None


def parse_glob(text: str, field: str = "path") -> PathGlob:
    """Read a glob; a Problem says what is not allowed in it."""
    glob = unicodedata.normalize("NFC", text)
    _check(glob, field, text)
    segments = glob.split("/")
    for segment in segments:
        if "**" in segment and segment != "**":
            raise parameter_invalid(field, text, "has ** beside other characters", "** alone between two '/'")
    prefix = re.split(r"\*", glob, maxsplit=1)[0]
    has_star = "*" in glob
    if prefix and segments[-1] == "**" and prefix == glob[:-2]:
        # `a/**` means `a` too, which the prefix `a/` would shut out.
        prefix = prefix[:-1]
    return PathGlob(
        text=glob,
        exact=None if has_star else glob,
        from_path=prefix,
        to_path=prefix + _HIGHEST if has_star else glob + "\x01",
        pattern=_pattern(segments),
    )


def below(path: str) -> PathGlob:
    """Mean every path below `path`, itself excluded."""
    start = f"{path}/"
    return PathGlob(start + "**", None, start, start + _HIGHEST, "^" + _literal(start))


def within(glob: PathGlob, outer: PathGlob) -> PathGlob:
    """Mean what both mean: the lookahead asks for the outer pattern before the inner one is tried."""
    ahead = f"^(?={outer.pattern.removeprefix('^')})"
    return PathGlob(
        text=f"{outer.text} {glob.text}",
        exact=None,
        from_path=max(glob.from_path, outer.from_path),
        to_path=min(glob.to_path, outer.to_path),
        pattern=ahead + glob.pattern.removeprefix("^"),
    )


def either(globs: Sequence[PathGlob]) -> PathGlob:
    """Mean what at least one of these means."""
    if len(globs) == 1:
        return globs[0]
    return PathGlob(
        text=" | ".join(sorted(glob.text for glob in globs)),
        exact=None,
        from_path=min(glob.from_path for glob in globs),
        to_path=max(glob.to_path for glob in globs),
        pattern="|".join(sorted(f"(?:{glob.pattern})" for glob in globs)),
    )


def _check(glob: str, field: str, shown: str) -> None:
    if not glob or len(glob) > MAX_CHARACTERS:
        raise parameter_invalid(field, shown, f"has {len(glob)} characters", f"1 to {MAX_CHARACTERS} characters")
    if any(mark in glob for mark in "?#+") or not glob.isprintable():
        raise parameter_invalid(field, shown, "has a character that no path has", ALLOWED)
    segments = glob.split("/")
    if "" in segments:
        raise parameter_invalid(field, shown, "has an empty level", ALLOWED)
    if segments.count("**") > MAX_DOUBLE_STARS:
        raise parameter_invalid(field, shown, "has too many **", f"at most {MAX_DOUBLE_STARS} times **")


def _pattern(segments: list[str]) -> str:
    """A regular expression that PostgreSQL and Python read alike: literals, `[^/]`, groups and anchors only."""
    if segments == ["**"] * len(segments):
        return "^.*$"
    parts: list[str] = []
    is_open = False  # whether a '/' is due before the next literal level
    for segment in segments:
        if segment == "**" and not is_open:
            parts.append(f"(?:{_LEVELS}/)*")
        elif segment == "**":
            parts.append(f"(?:/{_LEVELS})*")
        else:
            parts.append(("/" if is_open else "") + _level(segment))
            is_open = True
    return "^" + "".join(parts) + "$"


def _level(segment: str) -> str:
    """One level: literal characters escaped, `*` any characters of this level (at least one when alone)."""
    if segment == "*":
        return _LEVELS
    return "[^/]*".join(_literal(part) for part in segment.split("*"))


def _literal(text: str) -> str:
    r"""Escape ASCII punctuation: `\` before a letter or digit would be a class in either dialect."""
    return "".join("\\" + char if char.isascii() and not char.isalnum() and char not in " _" else char for char in text)
