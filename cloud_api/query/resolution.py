"""What a query would cost, and the status of what it reads (pure)."""

from collections.abc import Iterable

from cloud_api.query.buckets import Window
from schemas.status import BAD, BAD_NO_DATA, GOOD

# Part 13: an interval in which some raw data are not Good, though not all.
UNCERTAIN_DATA_SUB_NORMAL = 0x40A40000
HIGHEST_GOOD = 0x3FFFFFFF
HIGHEST_UNCERTAIN = 0x7FFFFFFF


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
