"""When the disk would be full at the pace of the last days (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

DAY_S = 86_400.0
# Less than this says nothing of a day; more than that is not today's pace.
SHORTEST_S = 3_600.0
LONGEST_S = 7 * DAY_S
# Beyond that a forecast is a story.
FURTHEST_DAYS = 36_500.0


@dataclass(frozen=True, slots=True)
class Measured:
    """How large the database was at an instant (seconds of any clock)."""

    at_s: float
    database_bytes: int


def days_to_full(measured: Sequence[Measured], free_bytes: int | None) -> float | None:
    """Days until `free_bytes` are used up; None where that is not known, or the database does not grow.

    The pace is the line of least squares through the last week: compression and retention give and take in steps.
    """
    if free_bytes is None or not measured:
        return None
    last_s = measured[-1].at_s
    recent = [each for each in measured if each.at_s >= last_s - LONGEST_S]
    if last_s - recent[0].at_s < SHORTEST_S:
        return None
    pace = _slope(recent)
    if pace <= 0:
        return None
    return min(max(free_bytes, 0) / pace / DAY_S, FURTHEST_DAYS)


def _slope(measured: Sequence[Measured]) -> float:
    """Bytes a second."""
    count = len(measured)
    mean_s = sum(each.at_s for each in measured) / count
    mean_bytes = sum(each.database_bytes for each in measured) / count
    spread = sum((each.at_s - mean_s) ** 2 for each in measured)
    return sum((each.at_s - mean_s) * (each.database_bytes - mean_bytes) for each in measured) / spread
