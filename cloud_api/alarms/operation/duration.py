"""How long an alarm is shelved, as people write it (pure)."""

import re
from datetime import timedelta

from cloud_api.instants import UNIT_US
from cloud_api.problems import body_invalid

ONE_SHOT = "one_shot"
ALLOWED = "a whole number and a unit of s, m, h or d, as 10m, 8h; or one_shot"
_DURATION = re.compile(r"([1-9]\d{0,6})(s|m|h|d)", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Read a length such as 10m; None stands for one_shot. A Problem says what is wrong with it."""
    if text == ONE_SHOT:
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise body_invalid("duration", text, "is not a length of time", ALLOWED)
    return timedelta(microseconds=int(match[1]) * UNIT_US[match[2]])
