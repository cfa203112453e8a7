"""From a window and the points asked for to buckets, and what they would cost (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from schemas.status import BAD, BAD_NO_DATA, GOOD

# Part 13: an interval in which some raw data are not Good, though not all.
UNCERTAIN_DATA_SUB_NORMAL = 0x40A40000
HIGHEST_GOOD = 0x3FFFFFFF
HIGHEST_UNCERTAIN = 0x7FFFFFFF
# 2000-01-03 is a Monday, so that days and weeks begin where people expect them, in UTC.
CLOCK_ORIGIN_US = 946_857_600_000_000


class Align(StrEnum):
    """Where buckets begin: at `from`, as Part 13 has it, or on the UTC clock."""

    FROM = "from"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time."""

    from_us: int
    to_us: int

    @property
    def span_us(self) -> int:
        """How long it is."""
        return self.to_us - self.from_us


@dataclass(frozen=True, slots=True)
class Buckets:
    """Half-open intervals of equal length over a window."""

    window: Window
    step_us: int
    origin_us: int

    @property
    def first_us(self) -> int:
        """The start of the bucket that holds the window's start."""
        return self.origin_us + (self.window.from_us - self.origin_us) // self.step_us * self.step_us

    @property
    def count(self) -> int:
        """How many there are."""
        return -(-(self.window.to_us - self.first_us) // self.step_us)

    def starts_us(self) -> range:
        """The start of each."""
        return range(self.first_us, self.window.to_us, self.step_us)

    def partial_us(self) -> list[int]:
        """The starts of those that the window cuts: the first, the last, or none."""
        last_us = self.first_us + (self.count - 1) * self.step_us
        cut = [self.first_us] if self.first_us < self.window.from_us else []
        if last_us + self.step_us > self.window.to_us and last_us not in cut:
            cut.append(last_us)
        return cut


def buckets_by_interval(window: Window, step_us: int, align: Align) -> Buckets:
    """Cut the window into buckets of that length."""
    return Buckets(window, step_us, window.from_us if align is Align.FROM else CLOCK_ORIGIN_US)


def buckets_by_points(window: Window, points: int) -> Buckets:
    """Cut the window into at most that many buckets, from its start."""
    return Buckets(window, max(1, -(-window.span_us // points)), window.from_us)


def expected_samples(window: Window, periods_s: Iterable[float | None]) -> int | None:
    """Say how many samples scan periods promise at most, doubled for changes between; None where one is unknown."""
    total = 0
    for period_s in periods_s:
        if not period_s or period_s <= 0:
            return None
        total += int(window.span_us / 1_000_000 / period_s) * 2 + 2
    return total


def bucket_status(good_count: int, sample_count: int, percent_good: int = 100, percent_bad: int = 100) -> int:
    """Part 13, 5.4.3.2: by PercentDataGood and PercentDataBad of the share of the count, as for Average."""
    if good_count == 0:
        return BAD_NO_DATA
    bad_count = sample_count - good_count
    if bad_count and bad_count * 100 >= percent_bad * sample_count:
        return BAD
    return GOOD if good_count * 100 >= percent_good * sample_count else UNCERTAIN_DATA_SUB_NORMAL
