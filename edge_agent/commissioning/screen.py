"""What an engineer sees: aligned columns, values and times in words, progress on a terminal and none in a pipe."""

import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

from schemas.sample import Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERASE = "\r\x1b[2K"
MAX_SHOWN = 60


class Progress:
    """One line on standard error that says how far it is; silent where nobody looks."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self._put(_ERASE)

    def say(self, text: str) -> None:
        """Replace the line."""
        self._put(f"{_ERASE}{text}")

    def _put(self, text: str) -> None:
        if self._is_shown:
            sys.stderr.write(text)
            sys.stderr.flush()


def columns(rows: Sequence[Sequence[str]], gap: str = "  ") -> list[str]:
    """The rows as lines with aligned columns."""
    if not rows:
        return []
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def value_text(value: Value) -> str:
    """A value as a person writes it, cut short where it is long."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:.7g}" if isinstance(value, float) else str(value)
    text = text.replace("\n", "\\n")
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def json_value(value: Value) -> Value:
    """JSON has no numbers that are not finite: they are written as the API writes them."""
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def time_text(time_us: int) -> str:
    """RFC 3339 in UTC."""
    moment = _EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="microseconds" if time_us % 1000 else "milliseconds").replace("+00:00", "Z")
