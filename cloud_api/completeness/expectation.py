"""What a series promises: a sample at every scan, one after each max silence, or nothing by the clock (pure)."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

SECOND_US = 1_000_000
# An agent that names a deadband and no silence reports after so long.
DEFAULT_MAX_SILENCE_S = 60.0


class Promise(StrEnum):
    """By which rule samples are expected."""

    EVERY_SCAN = "every_scan"
    MAX_SILENCE = "max_silence"
    ON_CHANGE = "on_change"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A sample is due `interval_us` after the one before it; `limit_us` later than that one, some are missing."""

    promise: Promise
    interval_us: int | None = None
    limit_us: int | None = None

    def expected(self, time_us: int) -> int | None:
        """How many samples are due in so much time: the number of scans, or the least that a deadband allows."""
        if self.interval_us is None:
            return None
        whole, rest = divmod(time_us, self.interval_us)
        return whole + (self.promise is Promise.EVERY_SCAN and 2 * rest >= self.interval_us)


@lru_cache(maxsize=1_000)
def expect(scan_period_s: float | None, deadband: str | None, max_silence_s: float | None) -> Expectation:
    """Read the promise from what the agent's catalog says of a tag.

    A scan that is half a period late counts as that scan; a later one leaves a hole. Behind a deadband the report
    comes with the first scan after the silence. A subscribed tag has no period and promises nothing by the clock.
    """
    if not scan_period_s or scan_period_s <= 0:
        return Expectation(Promise.ON_CHANGE)
    period_us = max(1, round(scan_period_s * SECOND_US))
    if deadband is None:
        return Expectation(Promise.EVERY_SCAN, period_us, period_us * 3 // 2)
    silence_us = round((max_silence_s or DEFAULT_MAX_SILENCE_S) * SECOND_US)
    return Expectation(Promise.MAX_SILENCE, silence_us + period_us, silence_us + period_us * 5 // 2)
