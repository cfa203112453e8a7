"""Which stretches of a window are read from which rollup and which from raw samples, and what that costs (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.spans import Spans, clip, cut_buckets, length_us, make_spans, subtract, whole_buckets
from cloud_api.storage.rollup_rows import Resolution

# What costs as much as so many samples: a row of a rollup, a stretch read by itself, and to look into rollups at all.
ROW_COST, STRETCH_COST, ROLLED_COST = 4, 50, 1_000
EVER_US, NEVER_US = -(2**62), 2**62
NOTHING = make_spans([])


class TooFine(Exception):
    """Raw samples are not kept there any more, and the buckets asked for are shorter than those of rollups."""

    def __init__(self, at_us: int, width_us: int) -> None:
        self.at_us, self.width_us = at_us, width_us
        super().__init__(f"at {at_us} rollups have {width_us} us")


@dataclass(frozen=True, slots=True)
class Kept:
    """What can be read of one series: rows before `rolled_us` except in `unrolled`; and from when each is kept.

    `rate` is how many samples a second are expected, up to `ends_us`: no sample is younger.
    """

    rolled_us: int
    raw_us: int = EVER_US
    minute_us: int = EVER_US
    quarter_us: int = EVER_US
    unrolled: Mapping[Resolution, Spans] = field(default_factory=dict[Resolution, Spans])
    rate: float = 1.0
    ends_us: int = NEVER_US

    def from_us(self, resolution: Resolution) -> int:
        """From when rows of that resolution are kept."""
        return self.minute_us if resolution is Resolution.MINUTE else self.quarter_us

    def without(self, resolution: Resolution, spans: Spans) -> "Kept":
        """The same, but these rows cannot be used."""
        known = self.unrolled.get(resolution, NOTHING)
        pairs = [(int(low), int(high)) for low, high in np.concatenate((known, spans)).tolist()]
        return replace(self, unrolled={**self.unrolled, resolution: make_spans(pairs)})


@dataclass(frozen=True, slots=True)
class Moved:
    """Edges of one stretch that were moved back to whole buckets: the first and the last as asked, and how many."""

    first_us: int
    last_us: int
    width_us: int
    count: int


@dataclass(frozen=True, slots=True)
class Aligned:
    """The window that is answered where raw samples are gone, and which edges inside and outside were moved."""

    from_us: int
    to_us: int
    moved: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Stretches by source, over the edges that are answered; `is_aligned` where these are not the ones asked for."""

    edges_us: NDArray[np.int64]
    quarters: Spans
    minutes: Spans
    raw: Spans
    is_aligned: bool
    estimate: int
    moved: tuple[Moved, ...] = ()

    @property
    def is_raw(self) -> bool:
        """Whether no rollup is read."""
        return not len(self.quarters) and not len(self.minutes)


def make_plan(edges_us: NDArray[np.int64], kept: Kept, resolutions: Sequence[Resolution] = tuple(Resolution)) -> Plan:
    """Choose the cheapest exact way to answer for these edges, or for the nearest ones where nothing else is left."""
    edges = align_edges(edges_us, kept)
    choices = [tuple(Resolution), (Resolution.MINUTE,), ()]
    wanted = [choice for choice in choices if set(choice) <= set(resolutions)]
    plans = [_plan(edges, kept, choice) for choice in wanted]
    possible = [plan for plan in plans if is_whole(plan, kept)] or plans[:1]
    chosen = min(possible, key=lambda plan: _cost(plan, kept))
    moved = _moved(edges_us, edges, kept)
    return replace(chosen, is_aligned=bool(moved), moved=moved)


def align_edges(edges_us: NDArray[np.int64], kept: Kept) -> NDArray[np.int64]:
    """Move edges to buckets of what is kept where raw is not; TooFine when two of them meet."""
    if edges_us[0] >= kept.raw_us:
        return edges_us
    edges = edges_us.copy()
    is_dropped = edges < kept.raw_us
    for resolution in (Resolution.QUARTER, Resolution.MINUTE):
        is_here = is_dropped & (edges_us >= kept.from_us(resolution))
        width_us = resolution.width_us
        edges[is_here] = edges_us[is_here] // width_us * width_us
    meeting = np.flatnonzero(np.diff(edges) <= 0)
    if len(meeting):
        at_us = int(edges[meeting[0]])
        finest = Resolution.MINUTE if at_us >= kept.minute_us else Resolution.QUARTER
        raise TooFine(at_us, finest.width_us)
    return edges


def _moved(asked_us: NDArray[np.int64], edges_us: NDArray[np.int64], kept: Kept) -> tuple[Moved, ...]:
    is_moved = asked_us != edges_us
    is_quarter = asked_us < kept.minute_us
    found: list[Moved] = []
    for resolution, is_here in ((Resolution.QUARTER, is_quarter), (Resolution.MINUTE, ~is_quarter)):
        edges = asked_us[is_moved & is_here]
        if len(edges):
            found.append(Moved(int(edges[0]), int(edges[-1]), resolution.width_us, len(edges)))
    return tuple(found)


def _plan(edges: NDArray[np.int64], kept: Kept, choice: Sequence[Resolution]) -> Plan:
    rest = make_spans([(int(edges[0]), int(edges[-1]))])
    found = dict.fromkeys(Resolution, NOTHING)
    for resolution in (Resolution.QUARTER, Resolution.MINUTE):
        if resolution not in choice:
            continue
        usable = subtract(rest, cut_buckets(edges, resolution.width_us))
        usable = subtract(usable, _unusable(kept, resolution))
        usable = clip(usable, kept.from_us(resolution), kept.rolled_us)
        found[resolution] = whole_buckets(usable, resolution.width_us)
        rest = subtract(rest, found[resolution])
    rest = clip(rest, kept.raw_us, int(edges[-1]))
    rows = sum(length_us(spans) // resolution.width_us for resolution, spans in found.items())
    expected = clip(rest, int(edges[0]), kept.ends_us)
    estimate = rows + round(length_us(expected) / 1e6 * kept.rate)
    return Plan(edges, found[Resolution.QUARTER], found[Resolution.MINUTE], rest, False, estimate)


def _unusable(kept: Kept, resolution: Resolution) -> Spans:
    """Rows that wait to be rolled again; where nothing finer is kept, they are the best there is."""
    minutes = clip(kept.unrolled.get(Resolution.MINUTE, NOTHING), kept.raw_us, NEVER_US)
    if resolution is Resolution.MINUTE:
        return minutes
    own = clip(kept.unrolled.get(Resolution.QUARTER, NOTHING), min(kept.raw_us, kept.minute_us), NEVER_US)
    return make_spans([(int(low), int(high)) for low, high in np.concatenate((minutes, own)).tolist()])


def is_whole(plan: Plan, kept: Kept) -> bool:
    """Whether nothing is left out that some rollup still has."""
    covered = length_us(plan.quarters) + length_us(plan.minutes) + length_us(plan.raw)
    oldest = max(int(plan.edges_us[0]), min(kept.raw_us, kept.minute_us, kept.quarter_us))
    return covered >= int(plan.edges_us[-1]) - oldest


def _cost(plan: Plan, kept: Kept) -> float:
    samples = length_us(plan.raw) / 1e6 * kept.rate
    cost = samples + STRETCH_COST * len(plan.raw) + (0 if plan.is_raw else ROLLED_COST)
    for resolution, spans in ((Resolution.QUARTER, plan.quarters), (Resolution.MINUTE, plan.minutes)):
        inside = length_us(spans)
        # A bucket without samples has no row.
        rows = min(inside / resolution.width_us, inside / 1e6 * kept.rate)
        cost += ROW_COST * rows + STRETCH_COST * len(spans)
    return cost
