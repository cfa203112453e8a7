"""How long data are kept, as people write it: `90d`, `2y`, `forever` (pure)."""

import re
from datetime import timedelta

ALLOWED = "2d to 100y in days (d), weeks (w), years (y), or forever"
FOREVER = "forever"
_AGE = re.compile(r"(\d{1,6})([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}


class AgeInvalid(ValueError):
    """The text is no time to keep data."""


def read_age(text: str) -> timedelta | None:
    """Read an age; None is for ever. AgeInvalid for what is none."""
    if text.lower() == FOREVER:
        return None
    match = _AGE.fullmatch(text.lower())
    days = int(match[1]) * _DAYS[match[2]] if match else 0
    if not 2 <= days <= 100 * 365:
        raise AgeInvalid(text)
    return timedelta(days=days)


def is_shorter(age: timedelta | None, other: timedelta | None) -> bool:
    """Whether something is kept less long than another thing."""
    return age is not None and (other is None or other > age)
