"""What may be asked of a share: whole intervals on the clock, none shorter than agreed, none that still changes (pure).

The one place that says so. Every edge that is asked for is an edge of the shortest intervals, so that no difference of
two answers is finer than these, whatever windows and lengths they have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.instants import format_us, to_us
from cloud_api.problems import Kinds, Problem, parameter_invalid
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.buckets import Align, Buckets, Window
from cloud_api.query.intervals import buckets_by_interval, read_zone
from cloud_api.shares.terms import Terms

MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
# Longer than the longest of the shortest intervals, a month.
AROUND_US = 32 * DAY_US


@dataclass(frozen=True, slots=True)
class Open:
    """The time of a share that can be asked for now, on edges of its shortest intervals."""

    from_us: int
    to_us: int

    @property
    def is_empty(self) -> bool:
        """Whether no interval has ended yet."""
        return self.from_us >= self.to_us


def open_window(terms: Terms, now_us: int) -> Open:
    """Cut the agreed window to whole intervals that have ended long enough ago."""
    settled_us = now_us - terms.settle_minutes * MINUTE_US
    window = terms.window
    starts = [] if window.from_ is None else [to_us(window.from_)]
    if window.last_days is not None:
        starts.append(now_us - window.last_days * DAY_US)
    from_us, end_us = max(starts), settled_us if window.to is None else min(settled_us, to_us(window.to))
    if from_us >= end_us:
        return Open(from_us, from_us)
    around = _edges_around(terms, from_us), _edges_around(terms, end_us)
    first_us, last_us = int(around[0][around[0] >= from_us][0]), int(around[1][around[1] <= end_us][-1])
    return Open(first_us, max(first_us, last_us))


def last_days(terms: Terms, days: int, now_us: int) -> Open:
    """As much of the last days as can be asked for."""
    opened = open_window(terms, now_us)
    if opened.is_empty:
        raise Problem(Kinds.SHARE_ENDED, "nothing is shared yet")
    edges = _edges_around(terms, opened.to_us - days * DAY_US)
    start_us = int(edges[edges <= opened.to_us - days * DAY_US][-1])
    return Open(max(opened.from_us, start_us), opened.to_us)


def read_buckets(terms: Terms, window: Window, interval: str | None, now_us: int, most: int) -> Buckets:
    """The intervals that are asked for; a Problem says which of the terms forbids them."""
    opened = open_window(terms, now_us)
    shown = "nothing yet" if opened.is_empty else f"{format_us(opened.from_us)} to {format_us(opened.to_us)}"
    if window.span_us <= 0:
        raise parameter_invalid("to", format_us(window.to_us), "is not after `from`", shown)
    if window.from_us < opened.from_us:
        raise parameter_invalid("from", format_us(window.from_us), "is before what is shared", shown)
    if window.to_us > opened.to_us:
        raise parameter_invalid("to", format_us(window.to_us), "is after what is shared", shown)
    asked = interval or terms.floor.value
    allowed = f"{terms.floor.value} or longer, of whole intervals of {terms.floor.value} on the clock"
    if ":" in asked:
        raise parameter_invalid("interval", asked, "is not one length", allowed)
    buckets = _buckets(window, asked, terms)
    if buckets.count > most:
        raise too_many(buckets.count, most)
    edges = buckets.whole_edges_us()
    if not _are_on_floor(terms, edges):
        raise parameter_invalid("interval", asked, "is shorter than agreed, or cuts what is", allowed)
    for field, at_us, edge_us in (("from", window.from_us, edges[0]), ("to", window.to_us, edges[-1])):
        if at_us != edge_us:
            allowed = f"an instant at which an interval of {asked} begins, as {format_us(int(edge_us))}"
            raise parameter_invalid(field, format_us(at_us), "cuts an interval", allowed)
    return buckets


def check_aggregates(asked: Sequence[Aggregate], allowed: Sequence[Aggregate]) -> None:
    """Refuse an aggregate that was not agreed."""
    for each in asked:
        if each not in allowed:
            raise parameter_invalid("aggregate", each.value, "is not shared", ", ".join(allowed) or "none")


def too_many(rows: int, most: int) -> Problem:
    """Refuse more rows than one answer has."""
    return Problem(Kinds.QUERY_TOO_LARGE, f"{rows} rows are asked for, and one answer has {most} at most")


def floor_buckets(terms: Terms, window: Window) -> Buckets:
    """The shortest intervals that touch a window."""
    return _buckets(window, terms.floor.value, terms)


def _are_on_floor(terms: Terms, edges: NDArray[np.int64]) -> bool:
    floor = floor_buckets(terms, Window(int(edges[0]), int(edges[-1])))
    if floor.is_uniform:
        return not ((edges - floor.first_us) % floor.step_us).any()
    return bool(np.isin(edges, floor.whole_edges_us()).all())


def _edges_around(terms: Terms, at_us: int) -> NDArray[np.int64]:
    """Edges of the shortest intervals on either side of an instant."""
    return floor_buckets(terms, Window(at_us - AROUND_US, at_us + AROUND_US)).whole_edges_us()


def _buckets(window: Window, interval: str, terms: Terms) -> Buckets:
    try:
        return buckets_by_interval(window, interval, Align.CLOCK, read_zone(terms.time_zone))
    except Problem as problem:
        # Its readers take it for a part of a body.
        raise Problem(Kinds.PARAMETER_INVALID, problem.detail, fields=problem.fields) from problem
