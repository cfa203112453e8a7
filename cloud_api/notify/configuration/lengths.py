"""Lengths of time in a configuration, as 30s, 10m or 12h (pure)."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

ALLOWED = "a whole number and s, m, h or d, as 30s, 10m or 12h, at most 30 days"
_FORM = re.compile(r"(0|[1-9]\d{0,6})(s|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=30)


def read_length(text: str) -> timedelta:
    """Read a length; ValueError says what is allowed."""
    match = _FORM.fullmatch(text)
    length = None if match is None else timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if length is None or length > _LONGEST:
        raise ValueError(f"{text!r} is not a length of time; allowed: {ALLOWED}")
    return length


def _check(text: str) -> str:
    read_length(text)
    return text


Length = Annotated[str, AfterValidator(_check)]
