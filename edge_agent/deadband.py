"""Report by exception: a sample passes when it says something that the last reported one did not."""

from dataclasses import dataclass

from schemas import status as codes
from schemas.sample import Value


@dataclass(frozen=True, slots=True)
class Deadband:
    """A change must be larger than `width`; after `max_silence_us` a sample passes whatever it says."""

    width: float
    max_silence_us: int


@dataclass(slots=True)
class LastReported:
    """What one tag reported last; `is_empty` until it has reported at all."""

    value: Value = None
    status: int = codes.GOOD
    time_us: int = 0
    is_empty: bool = True

    def admits(self, rule: Deadband, value: Value, status: int, time_us: int) -> bool:
        """Whether to report this sample; remembers it if so."""
        if not self._is_news(rule, value, status, time_us):
            return False
        self.value, self.status, self.time_us, self.is_empty = value, status, time_us, False
        return True

    def _is_news(self, rule: Deadband, value: Value, status: int, time_us: int) -> bool:
        if self.is_empty or status != self.status:
            return True
        silence_us = time_us - self.time_us
        if silence_us >= rule.max_silence_us or silence_us < 0:
            return True  # a clock that was set back must not silence a tag until it has caught up
        return is_change(self.value, value, rule.width)


def is_change(before: Value, now: Value, width: float) -> bool:
    """Whether two values differ by more than the width; whatever is not a number differs when it is not equal."""
    if before == now and type(before) is type(now):
        return False
    if isinstance(before, float | int) and isinstance(now, float | int):
        if isinstance(before, bool) or isinstance(now, bool):
            return True
        if before != before or now != now:  # noqa: PLR0124 - NaN is the one number unequal to itself
            return (before == before) != (now == now)  # noqa: PLR0124
        return abs(now - before) > width
    return True
