"""Reads what a plan names: rows of rollups and raw samples of one series, and the samples that surround them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cloud_api.calculations.reading import read_series_samples, read_series_samples_of_spans, read_surrounding
from cloud_api.instants import to_datetime
from cloud_api.query.aggregates.counts import growth_inside
from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.aggregates.samples import Intervals, Samples, make_samples
from cloud_api.query.aggregates.standins import Rolled, stand_ins
from cloud_api.query.plan import EVER_US, Kept, Plan
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN
from cloud_api.query.spans import Spans, contains, make_spans
from cloud_api.query.values import TEXT_KINDS
from cloud_api.rollups.partials import MAX_FALLS, Partials, SampleBlock, no_partials
from cloud_api.rollups.rolling import from_samples
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import NO_SAMPLES, Surroundings
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution, RollupRows
from cloud_api.storage.rollups import (
    Neighbours,
    Scope,
    select_neighbour_rollups,
    select_rollup_counts,
    select_rollups,
)

# So many stretches are read by a statement each; more of them by one statement that looks into each.
FEW_STRETCHES = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of one series: `is_counted` when counts, means and extremes are enough; `as_of` the past view."""

    row: SeriesRow
    configuration: Configuration
    is_counted: bool
    as_of: datetime | None = None

    @property
    def is_text(self) -> bool:
        """Whether its values are texts."""
        return self.row.kind in TEXT_KINDS

    @property
    def with_uncertain(self) -> bool:
        """Which reading of rollups is meant."""
        return not self.configuration.treat_uncertain_as_bad


@dataclass(frozen=True, slots=True)
class Scanned:
    """Rows read by source, and the stretch that was read."""

    rolled: Rolled
    rows: dict[str, int]
    # Buckets whose falls cannot be told apart from their sums: restarts and rollovers in one.
    unclear: dict[Resolution, Spans]


async def scan(connection: Connection, wanted: Wanted, plan: Plan, intervals: Intervals, limit: int) -> Scanned:
    """Read one series; at most `limit` raw samples, plus those that surround the window."""
    counts: dict[str, int] = {}
    unclear: dict[Resolution, Spans] = {}
    parts: list[Partials] = []
    for resolution, spans in ((Resolution.QUARTER, plan.quarters), (Resolution.MINUTE, plan.minutes)):
        if not len(spans):
            continue
        rows = await read_rollups(connection, wanted, resolution, spans)
        counts[resolution.value] = len(rows)
        lost = np.isnan(growth_inside(rows.partials, wanted.configuration.counter_rollover))
        starts = rows.buckets_us[lost].tolist()
        unclear[resolution] = make_spans([(start, start + resolution.width_us) for start in starts])
        parts.append(rows.partials)
    samples = await read_samples(connection, wanted, plan.raw, limit)
    if len(samples):
        counts["raw"] = len(samples)
        parts.append(_partials(wanted, samples, plan.raw, intervals))
    rows = parts[0] if parts else no_partials()
    if len(parts) > 1:
        rows = np.concatenate(parts)
        rows = rows[np.argsort(rows["first_at"], kind="stable")]
    nobody = _classified(wanted, NO_SAMPLES)
    return Scanned(Rolled(rows, nobody, nobody, wanted.is_counted), counts, unclear)


async def read_rollups(connection: Connection, wanted: Wanted, resolution: Resolution, spans: Spans) -> RollupRows:
    """The rows of one resolution in some stretches, as their samples are to be weighed."""
    scope = Scope([wanted.row.id], to_datetime(int(spans[0, 0])), to_datetime(int(spans[-1, 1])))
    if wanted.is_counted:
        found = await select_rollup_counts(connection, resolution, scope, wanted.as_of)
    else:
        found = await select_rollups(connection, resolution, scope, wanted.as_of)
    found = found.read_as(with_uncertain=wanted.with_uncertain)
    return found if len(spans) == 1 else found.take(contains(spans, found.buckets_us))


async def read_samples(connection: Connection, wanted: Wanted, spans: Spans, limit: int) -> SampleColumns:
    """At most `limit` raw samples of some stretches."""
    if len(spans) > FEW_STRETCHES:
        return await read_series_samples_of_spans(connection, wanted.row, spans, limit)
    parts: list[SampleColumns] = []
    for from_us, to_us in spans.tolist():
        left = limit - sum(len(part) for part in parts)
        parts.append(await read_series_samples(connection, wanted.row, to_datetime(from_us), to_datetime(to_us), left))
    return concatenate([NO_SAMPLES, *parts])


def _partials(wanted: Wanted, samples: SampleColumns, spans: Spans, intervals: Intervals) -> Partials:
    """Roll raw samples by stretch and interval, so that rows of rollups fit between."""
    block = block_of(samples, is_text=wanted.is_text)
    stretch = np.searchsorted(spans[:, 0], samples.times_us, side="right")
    group = intervals.find(samples.times_us) * (len(spans) + 1) + stretch
    if wanted.configuration.counter_rollover is not None:
        group = _few_falls(samples.values, group)
    return from_samples(block, group, with_uncertain=wanted.with_uncertain)


def _few_falls(values: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split groups so that no row has more falls than are kept one by one; the order of groups stays."""
    number = np.zeros(len(values), np.int64)
    finite = np.flatnonzero(np.isfinite(values))
    number[finite[1:]] = np.diff(values[finite]) < 0
    return np.cumsum(number) // MAX_FALLS + group * (len(values) + 1)


def block_of(samples: SampleColumns, *, is_text: bool) -> SampleBlock:
    """The samples as rollups take them."""
    texts = None
    if samples.texts is not None:
        texts = np.empty(len(samples), np.object_)
        texts[:] = samples.texts
    marks = np.ones(len(samples), np.bool_) if is_text else None
    return SampleBlock(samples.times_us, samples.values, samples.statuses, texts, marks)


async def surround(connection: Connection, wanted: Wanted, plan: Plan, kept: Kept) -> tuple[Samples, Samples]:
    """The nearest samples outside the window, of any status and of those that count; from rollups where raw is gone."""
    from_us, to_us = int(plan.edges_us[0]), int(plan.edges_us[-1])
    before = after = NO_SAMPLES
    if wanted.as_of is None:
        highest = HIGHEST_UNCERTAIN if wanted.with_uncertain else HIGHEST_GOOD
        around = Surroundings(wanted.row.id, to_datetime(from_us), to_datetime(to_us), highest, is_text=wanted.is_text)
        before, after = await read_surrounding(connection, wanted.row, around)
    beside = (_classified(wanted, before), _classified(wanted, after))
    if wanted.as_of is None and kept.raw_us == EVER_US:
        return beside
    joined = list(beside)
    if np.count_nonzero(beside[0].accepted) < 2:
        found = await _rolled_beside(connection, wanted, kept, from_us, is_after=False)
        joined[0] = _joined(found, beside[0])
    if to_us < kept.raw_us or wanted.as_of is not None:
        joined[1] = _joined(await _rolled_beside(connection, wanted, kept, to_us, is_after=True), beside[1])
    return joined[0], joined[1]


async def _rolled_beside(connection: Connection, wanted: Wanted, kept: Kept, at_us: int, *, is_after: bool) -> Samples:
    """Stand-ins of the rows beside an edge; raw is asked for where it is kept, so that rows end there."""
    resolution = Resolution.MINUTE if at_us >= kept.minute_us else Resolution.QUARTER
    edge_us = at_us if is_after or wanted.as_of is not None else min(at_us, kept.raw_us)
    whole = Neighbours(wanted.row.id, to_datetime(edge_us), is_after=is_after, with_uncertain=wanted.with_uncertain)
    rows = await select_neighbour_rollups(connection, resolution, whole, wanted.as_of)
    nobody = _classified(wanted, NO_SAMPLES)
    partials = rows.read_as(with_uncertain=wanted.with_uncertain).partials
    return stand_ins(partials, Rolled(partials, nobody, nobody))


def _joined(left: Samples, right: Samples) -> Samples:
    order = np.argsort(np.concatenate((left.times_us, right.times_us)), kind="stable")
    return Samples(
        np.concatenate((left.times_us, right.times_us))[order],
        np.concatenate((left.values, right.values))[order],
        np.concatenate((left.statuses, right.statuses))[order],
        np.concatenate((left.classes, right.classes))[order],
    )


def _classified(wanted: Wanted, columns: SampleColumns) -> Samples:
    return make_samples(
        columns.times_us, columns.values, columns.statuses, wanted.configuration, is_text=wanted.is_text
    )
