"""A sample, the kinds its value may have, and what names and paths may look like."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from schemas.limits import MAX_TEXT_BYTES

__all__ = ["MAX_TEXT_BYTES", "Kind", "Sample", "Value", "name_problem", "path_problem", "segments"]

MAX_LEVELS = 12
MAX_SEGMENT_LENGTH = 100
FORBIDDEN_IN_SEGMENT = "*?#+"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")

Value: TypeAlias = float | int | bool | str | None


class Kind(StrEnum):
    """How a value is carried; `none` is a sample without one (its status says why)."""

    F64 = "f64"
    F32 = "f32"
    I64 = "i64"
    U64 = "u64"
    BOOL = "bool"
    STR = "str"
    JSON = "json"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one tag at the source's time, with the source's status."""

    path: str
    kind: Kind
    value: Value
    status: int
    time_us: int


def segments(path: str) -> tuple[str, ...]:
    """Split a tag path into its levels."""
    return tuple(path.split("/"))


def path_problem(path: str) -> str | None:
    """Return what is wrong with a tag path, or None."""
    levels = segments(path)
    if len(levels) > MAX_LEVELS:
        return f"has {len(levels)} levels; at most {MAX_LEVELS} are allowed"
    if not unicodedata.is_normalized("NFC", path):
        return "is not in Unicode normal form C"
    return next((problem for level in levels if (problem := _segment_problem(level))), None)


def name_problem(name: str) -> str | None:
    """Return what is wrong with an agent or device id, or None."""
    if _NAME.fullmatch(name):
        return None
    return "must be 1 to 64 of the characters A-Z a-z 0-9 . _ -"


def _segment_problem(level: str) -> str | None:
    if not level:
        return "has an empty level"
    if len(level) > MAX_SEGMENT_LENGTH:
        return f"has a level of {len(level)} characters; at most {MAX_SEGMENT_LENGTH} are allowed"
    for character in level:
        if character in FORBIDDEN_IN_SEGMENT or not character.isprintable():
            return f"contains {character!a}; printable characters without / * ? # + are allowed"
    return None
