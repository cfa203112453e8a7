"""How every benchmark measures and reports: product and reference alternated in one run, medians, ratios."""

import operator
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WINDOWS = 3
_COMPARISONS = {"<=": operator.le, ">=": operator.ge, "=": operator.eq}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure; `goal` is "<= 6", ">= 0.75" or "= 1" of the ratio where there is one, else of the value."""

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: str | None = None

    @property
    def verdict(self) -> str:
        """Whether the goal is met, in a word; empty without a goal."""
        if self.goal is None:
            return ""
        comparison, limit = self.goal.split()
        judged = self.value if self.ratio is None else self.ratio
        return "met" if _COMPARISONS[comparison](judged, float(limit)) else "MISSED"


def alternated(
    product: Callable[[], float], reference: Callable[[], float], windows: int = WINDOWS
) -> tuple[float, float]:
    """Measure product and reference in turn and return the median of each; one round before is not counted."""
    product()
    reference()
    pairs = [(product(), reference()) for _ in range(windows)]
    return statistics.median(p for p, _ in pairs), statistics.median(r for _, r in pairs)


def table(rows: Sequence[Row]) -> str:
    """Return the figures as an aligned table."""
    cells: list[tuple[str, ...]] = [("figure", "value", "unit", "reference", "ratio", "goal", "")]
    cells += [
        (
            row.name,
            _number(row.value),
            row.unit,
            _number(row.reference),
            _number(row.ratio),
            row.goal or "",
            row.verdict,
        )
        for row in rows
    ]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    return "\n".join(_line(line, widths) for line in cells)


def machine() -> str:
    """Name the machine, so that nobody compares figures of two."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{_processor()}, {cores} cores, {memory_gib:.1f} GiB, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    numeric = {1, 3, 4}
    padded = [
        cell.rjust(width) if at in numeric else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
