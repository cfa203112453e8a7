"""Where a window of raw samples is cut, so that two connections read it at once (pure)."""

from collections.abc import Sequence

# A window in which so many are expected, one a second where no scan period is known, is read as two halves at once.
HALVED_ROWS = (40_000, 200_000)


def expected_rows(span_us: int, period_s: float | None) -> float:
    """How many samples a series has about, one a second where its scan period is not known."""
    return span_us / 1_000_000 / (period_s or 1.0)


def is_long(rows: float) -> bool:
    """Whether so many are worth a second connection."""
    return rows >= HALVED_ROWS[0]


def halves(from_us: int, to_us: int, period_s: float | None, limit: int | None = None) -> Sequence[tuple[int, int]]:
    """A window that has a page or two as two halves; a shorter or a longer one as it is.

    Of a longer one its beginning alone may be wanted: no more than `limit` rows are.
    """
    least, most = HALVED_ROWS[0], min(HALVED_ROWS[1], limit or HALVED_ROWS[1])
    if not least <= expected_rows(to_us - from_us, period_s) <= most:
        return [(from_us, to_us)]
    middle_us = from_us + (to_us - from_us) // 2
    return [(from_us, middle_us), (middle_us, to_us)]
