"""Numbers, instants and lengths of time as readers of a language write them (pure)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from cloud_api.console.words import Language, Words

_LENGTHS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
SIGNIFICANT = 6


@dataclass(frozen=True, slots=True)
class Formats:
    """How one person sees values: language and time zone."""

    words: Words
    zone: tzinfo

    def date(self, at: datetime | str | None) -> str:
        """2026-11-27 in Chinese style with the year first, 27 Nov 2026 in English."""
        local = self.local(at)
        if local is None:
            return "–"
        return local.strftime("%Y-%m-%d" if self._is_chinese else "%d %b %Y")

    def time(self, at: datetime | str | None, *, seconds: bool = True) -> str:
        """The time of day, 24 hours."""
        local = self.local(at)
        return "–" if local is None else local.strftime("%H:%M:%S" if seconds else "%H:%M")

    def instant(self, at: datetime | str | None, *, seconds: bool = True) -> str:
        """Date and time of day."""
        return "–" if self.local(at) is None else f"{self.date(at)} {self.time(at, seconds=seconds)}"

    def when(self, at: datetime | str | None, now: datetime) -> str:
        """The time alone where it is of today, else date and time."""
        local = self.local(at)
        if local is None:
            return "–"
        return self.time(at) if local.date() == now.astimezone(self.zone).date() else self.instant(at)

    def local(self, at: datetime | str | None) -> datetime | None:
        """An instant in the reader's zone."""
        if at is None:
            return None
        instant = datetime.fromisoformat(at) if isinstance(at, str) else at
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(self.zone)

    def number(self, value: object, digits: int | None = None, unit: str | None = None) -> str:
        """A number with grouped thousands, six significant digits unless told otherwise; – for none."""
        if value is None:
            return "–"
        if isinstance(value, bool):
            return self.words("value.true" if value else "value.false")
        text = str(value) if isinstance(value, str) else _number(value, digits)
        return f"{text} {unit}" if unit else text

    def length(self, seconds: float | None) -> str:
        """A length of time in its two largest units, as 2 h 5 min."""
        if seconds is None:
            return "–"
        rest = max(0, round(seconds))
        parts: list[str] = []
        for size, name in _LENGTHS:
            count, rest = divmod(rest, size)
            if count or (size == 1 and not parts):
                parts.append(self.words(f"length.{name}", count=count))
        return self.words("length.join").join(parts[:2])

    def ago(self, at: datetime | str | None, now: datetime) -> str:
        """How long ago, as 5 min ago."""
        local = self.local(at)
        return "–" if local is None else self.words("length.ago", length=self.length((now - local).total_seconds()))

    def size(self, count: float | None) -> str:
        """Bytes in the unit that suits."""
        if count is None:
            return "–"
        amount, unit = float(count), 0
        while amount >= 1024 and unit < len(_BYTES) - 1:
            amount, unit = amount / 1024, unit + 1
        return f"{amount:.0f} {_BYTES[unit]}" if unit == 0 else f"{amount:,.1f} {_BYTES[unit]}"

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share of one as a percentage."""
        return "–" if share is None else f"{share * 100:.{digits}f} %"

    @property
    def _is_chinese(self) -> bool:
        return self.words.language is Language.ZH


def _number(value: object, digits: int | None) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if digits is not None:
        return f"{value:,.{digits}f}"
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{SIGNIFICANT - 1}e}"
    rounded = Decimal(f"{value:.{SIGNIFICANT}g}")
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# What makes somebody's formats of a time zone's name.
MakeFormats = Callable[[str], Formats]
