"""Buckets: half-open intervals that follow each other over a window, of one length or of a calendar (pure)."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

# 2000-01-03 is a Monday, so that days and weeks begin where people expect them, in UTC.
CLOCK_ORIGIN_US = 946_857_600_000_000
MINUTE_US, QUARTER_US = 60_000_000, 900_000_000


class Align(StrEnum):
    """Where buckets begin: at `from`, as Part 13 has it, or on the clock (of UTC, or of a named time zone)."""

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
class Calendar:
    """Edges that no single length makes: ascending, the first not after the window, the last not before its end.

    `shown` is False for the stretches between shifts, whose edges are kept so that buckets follow each other; None
    when every bucket is answered.
    """

    edges_us: NDArray[np.int64]
    shown: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of a window: `step_us` long from `origin_us`, or those of a calendar (then both are 0)."""

    window: Window
    step_us: int
    origin_us: int
    calendar: Calendar | None = None
    label: str | None = None

    @property
    def is_uniform(self) -> bool:
        """Whether all have the same length."""
        return self.calendar is None

    @property
    def first_us(self) -> int:
        """The start of the bucket that holds the window's start."""
        if self.calendar is not None:
            return int(self.calendar.edges_us[0])
        return self.origin_us + (self.window.from_us - self.origin_us) // self.step_us * self.step_us

    @property
    def count(self) -> int:
        """How many there are."""
        if self.calendar is not None:
            return len(self.calendar.edges_us) - 1
        return -(-(self.window.to_us - self.first_us) // self.step_us)

    @property
    def shown(self) -> NDArray[np.bool_] | None:
        """Which buckets are answered; None: all."""
        return None if self.calendar is None else self.calendar.shown

    def whole_edges_us(self) -> NDArray[np.int64]:
        """int64[count + 1]: where each begins and the last ends, also outside the window."""
        if self.calendar is not None:
            return self.calendar.edges_us
        return self.first_us + np.arange(self.count + 1, dtype=np.int64) * self.step_us

    def edges_us(self) -> NDArray[np.int64]:
        """int64[count + 1]: the edges as the window cuts them, from `window.from_us` to `window.to_us`."""
        return np.clip(self.whole_edges_us(), self.window.from_us, self.window.to_us)

    def starts_us(self, places: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """int64[count]: the start of each, which is the time of its row; with `places` of those alone."""
        if places is None:
            return self.whole_edges_us()[:-1]
        return self.first_us + places * self.step_us if self.calendar is None else self.calendar.edges_us[places]

    def places_of(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which bucket holds each instant of the window."""
        if self.calendar is None:
            return (times_us - self.first_us) // self.step_us
        return np.searchsorted(self.calendar.edges_us, times_us, side="right").astype(np.int64) - 1

    def cut(self) -> NDArray[np.bool_]:
        """bool[count]: which ones the window cuts: the first, the last, or none."""
        flags = np.zeros(self.count, np.bool_)
        edges = self.whole_edges_us() if self.calendar is not None else None
        last_end_us = int(edges[-1]) if edges is not None else self.first_us + self.count * self.step_us
        flags[0] = self.first_us < self.window.from_us
        flags[-1] |= last_end_us > self.window.to_us
        return flags

    def partial_us(self) -> list[int]:
        """The starts of those that the window cuts, among the ones that are answered."""
        named = self.cut() if self.shown is None else self.cut() & self.shown
        return self.starts_us()[named].tolist()


def buckets_by_length(window: Window, step_us: int, align: Align) -> Buckets:
    """Cut the window into buckets of that length."""
    return Buckets(window, step_us, window.from_us if align is Align.FROM else CLOCK_ORIGIN_US)


def buckets_by_points(window: Window, points: int, align: Align | None = None) -> Buckets:
    """Cut the window into at most that many buckets.

    Where they are a minute or longer, and `align` does not say otherwise, they are whole minutes (from fifteen on a
    multiple of fifteen) on the clock of UTC, as rollups are, so that these serve them without reading samples.
    """
    if align is not Align.FROM and points > 1:
        # One bucket less than allowed: the first and the last are cut by the window.
        exact_us = -(-window.span_us // (points - 1))
        if exact_us >= MINUTE_US or align is Align.CLOCK:
            unit_us = QUARTER_US if exact_us >= QUARTER_US else MINUTE_US if exact_us >= MINUTE_US else 1
            return Buckets(window, -(-exact_us // unit_us) * unit_us, CLOCK_ORIGIN_US)
    return Buckets(window, max(1, -(-window.span_us // points)), window.from_us)


def buckets_by_edges(
    window: Window, edges_us: NDArray[np.int64], shown: NDArray[np.bool_] | None, label: str
) -> Buckets:
    """Buckets of a calendar: those of `edges_us` that touch the window; a single length is recognised."""
    first = int(np.searchsorted(edges_us, window.from_us, side="right")) - 1
    last = int(np.searchsorted(edges_us, window.to_us, side="left"))
    edges = edges_us[first : last + 1]
    lengths = np.diff(edges)
    if shown is None and (lengths == lengths[0]).all():
        return Buckets(window, int(lengths[0]), int(edges[0]), label=label)
    return Buckets(window, 0, 0, Calendar(edges, None if shown is None else shown[first:last]), label)
