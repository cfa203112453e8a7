"""Durations and sizes as people write them: "100ms", "1s", "5m", "2GiB"."""

import re

SECOND_US = 1_000_000

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_DURATION_US = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND_US,
    "m": 60 * SECOND_US,
    "min": 60 * SECOND_US,
    "h": 3_600 * SECOND_US,
    "d": 86_400 * SECOND_US,
}
_SIZE_BYTES = {
    "B": 1,
    "kB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}


def parse_duration_us(text: object) -> int:
    """Microseconds of a text such as "250ms"; a bare number says no unit and is refused."""
    return _parse(text, _DURATION_US, 'a duration in quotes such as "100ms", "1s", "5m", "2h" or "7d"')


def parse_size_bytes(text: object) -> int:
    """Bytes of a text such as "2GiB"; a bare number says no unit and is refused."""
    return _parse(text, _SIZE_BYTES, 'a size in quotes such as "256KiB", "64MiB", "2GiB" or "10GB"')


def duration_text(duration_us: int) -> str:
    """The shortest exact spelling, for plans and messages."""
    for unit in ("d", "h", "m", "s", "ms"):
        if duration_us and duration_us % _DURATION_US[unit] == 0:
            return f"{duration_us // _DURATION_US[unit]}{unit}"
    return f"{duration_us}us"


def _parse(text: object, factors: dict[str, int], wanted: str) -> int:
    match = _QUANTITY.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or match[2] not in factors:
        raise ValueError(f"should be {wanted}")
    return round(float(match[1]) * factors[match[2]])
