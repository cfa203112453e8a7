"""Lengths of time as people write them: how long an alarm is shelved, how long somebody works (pure)."""

import re
from datetime import timedelta

from cloud_api.instants import UNIT_US
from cloud_api.problems import body_invalid

ONE_SHOT = "one_shot"
ALLOWED = "a whole number and a unit of s, m, h or d, as 10m, 8h"
_LENGTH = re.compile(r"([1-9]\d{0,6})(s|m|h|d)", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Read how long to shelve; None stands for one_shot. A Problem says what is wrong with it."""
    return None if text == ONE_SHOT else parse_length(text, f"{ALLOWED}; or {ONE_SHOT}")


def parse_length(text: str, allowed: str = ALLOWED) -> timedelta:
    """Read a length such as 10m. A Problem says what is wrong with it."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise body_invalid("duration", text, "is not a length of time", allowed)
    return timedelta(microseconds=int(match[1]) * UNIT_US[match[2]])
