"""Reads the stored samples that stand for a window, from rollups: lowest and highest ones, and the edges of holes."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cloud_api.calculations.reading import read_series_samples
from cloud_api.instants import to_datetime
from cloud_api.problems import body_invalid
from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.bucketed import Reading
from cloud_api.query.buckets import Window
from cloud_api.query.cost import Budget, too_large
from cloud_api.query.extremes import choose_candidates, choose_extremes, spread_evenly, stretches_of
from cloud_api.query.models import PointsBy, QueryRequest
from cloud_api.query.models import Resolution as Asked
from cloud_api.query.pieces import (
    Candidates,
    Pieces,
    Unseen,
    candidates_of_rows,
    candidates_of_samples,
    find_holes,
    join_candidates,
    join_pieces,
    pieces_of_rows,
    pieces_of_samples,
)
from cloud_api.query.plan import EVER_US, Kept, Plan, TooFine, is_whole, make_plan
from cloud_api.query.planner import Plans, aligned_of, read_kept, resolution_of, too_fine
from cloud_api.query.sources import Wanted, read_samples
from cloud_api.query.spans import Spans, contains, make_spans
from cloud_api.query.values import TEXT_KINDS
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import NO_SAMPLES
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution, RollupRows, no_rollups
from cloud_api.storage.rollups import Scope, select_rollup_extremes

# Triangles choose among so many times more samples than they keep.
LTTB_RATIO = 4


@dataclass(slots=True)
class _Source:
    """One series as it is read, and what has been read of it."""

    connection: Connection
    wanted: Wanted
    kept: Kept
    left: int
    rows: Counter[str]

    async def rollups(self, resolution: Resolution, spans: Spans) -> RollupRows:
        """Rows of some stretches."""
        if not len(spans):
            return no_rollups()
        scope = Scope([self.wanted.row.id], to_datetime(int(spans[0, 0])), to_datetime(int(spans[-1, 1])))
        found = await select_rollup_extremes(self.connection, resolution, scope)
        found = found if len(spans) == 1 else found.take(contains(spans, found.buckets_us))
        self.rows[resolution.value] += len(found)
        return found

    async def samples(self, spans: Spans) -> SampleColumns:
        """Raw samples of some stretches."""
        if not len(spans):
            return NO_SAMPLES
        found = await read_samples(self.connection, self.wanted, spans, self.left + 1)
        self.rows[Asked.RAW.value] += len(found)
        self.left -= len(found)
        if self.left < 0:
            window = Window(int(spans[0, 0]), int(spans[-1, 1]))
            raise too_large("samples", len(found), max(1, len(found) + self.left), window)
        return found


@dataclass(frozen=True, slots=True)
class _Looked:
    """Everything that one reading of the plan told."""

    candidates: Candidates
    pieces: Pieces
    count: int


async def plan_extremes(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], window: Window
) -> Plans:
    """Plan each series: from the coarsest rows that fit between the stretches of which extremes are wanted."""
    edges = np.array([window.from_us, window.to_us], np.int64)
    every = Kept(EVER_US)
    if request.resolution is Asked.RAW:
        return [(row, (make_plan(edges, every), every)) for row in series]
    kept = await read_kept(connection, series, window, None)
    step_us = stretches_of(window, _stretch_count(request)).step_us
    fitting = [tuple(each for each in Resolution if each.width_us <= step_us)]
    # Where raw is gone, the finest that is kept has to do.
    choices = [*fitting, *([(Resolution.MINUTE,)] if not fitting[0] else []), tuple(Resolution)]
    found: list[tuple[SeriesRow, tuple[Plan, Kept]]] = []
    for row in series:
        own = every if row.is_on_the_fly else kept[row.id]
        try:
            plans = [make_plan(edges, own, choice) for choice in (choices if own is not every else [()])]
        except TooFine as error:
            raise too_fine(request, error) from error
        found.append((row, (next((plan for plan in plans if is_whole(plan, own)), plans[-1]), own)))
    return found


def _stretch_count(request: QueryRequest) -> int:
    points = request.points or 0
    return points * LTTB_RATIO // 2 if request.points_by is PointsBy.MIN_MAX_LTTB else points // 2


async def read_extremes(
    connection: Connection, request: QueryRequest, plans: Plans, window: Window, budget: Budget
) -> tuple[Mapping[int, SampleColumns], Reading]:
    """At most `points` stored samples of each series, the lowest and the highest of the window among them."""
    found, rows, left = dict[int, SampleColumns](), Counter[str](), budget.samples
    for row, (plan, kept) in plans:
        if row.kind in TEXT_KINDS:
            raise body_invalid("points_by", request.points_by, f"needs numbers, and {row.path} has none", "buckets")
        if plan.is_raw:
            from_at, to_at = to_datetime(window.from_us), to_datetime(window.to_us)
            samples = await read_series_samples(connection, row, from_at, to_at, left + 1)
            rows[Asked.RAW.value] += len(samples)
            left -= len(samples)
            if left < 0:
                raise too_large("samples", budget.samples - left, budget.samples, window)
            points = request.points or 0
            found[row.id] = await asyncio.to_thread(choose_extremes, samples, window, points, request.points_by)
        else:
            wanted = Wanted(row, Configuration(treat_uncertain_as_bad=False), is_counted=True)
            source = _Source(connection, wanted, kept, left, Counter())
            found[row.id] = await _from_rollups(source, request, plan)
            left = source.left
            rows.update(source.rows)
    return found, Reading({}, resolution_of(plans), dict(rows), aligned_of(plans))


async def _from_rollups(source: _Source, request: QueryRequest, plan: Plan) -> SampleColumns:
    window = Window(int(plan.edges_us[0]), int(plan.edges_us[-1]))
    points = request.points or 0
    looked = await _look(source, plan)
    if looked.count <= points and window.from_us >= source.kept.raw_us:
        # So few that all of them are the answer.
        return await source.samples(make_spans([(window.from_us, window.to_us)]))
    holes = await _find_holes(source, looked.pieces, points // 4)
    least_us = next((each.width_us for each in reversed(Resolution) if len(_spans_of(plan, each))), 1)
    places = await asyncio.to_thread(
        choose_candidates, looked.candidates.samples, window, points - len(holes), request.points_by, least_us
    )
    chosen = await _as_stored(source, looked.candidates.take(places))
    joined = concatenate((chosen, holes))
    return joined.take(np.argsort(joined.times_us, kind="stable"))


async def _look(source: _Source, plan: Plan) -> _Looked:
    candidates: list[Candidates] = []
    pieces: list[Pieces] = []
    count = 0
    for resolution in Resolution:
        rows = await source.rollups(resolution, _spans_of(plan, resolution))
        candidates.append(await asyncio.to_thread(candidates_of_rows, rows))
        pieces.append(pieces_of_rows(rows, resolution))
        count += int(rows.read_as(with_uncertain=False).partials["total"].sum())
    samples = await source.samples(plan.raw)
    candidates.append(candidates_of_samples(samples))
    pieces.append(pieces_of_samples(samples))
    return _Looked(join_candidates(candidates), join_pieces(pieces), count + len(samples))


def _spans_of(plan: Plan, resolution: Resolution) -> Spans:
    return plan.quarters if resolution is Resolution.QUARTER else plan.minutes


async def _find_holes(source: _Source, pieces: Pieces, most: int) -> SampleColumns:
    """The first sample of each run that is not usable, at most so many: from the finest that is kept."""
    found, unseen = find_holes(pieces)
    parts = [found]
    for resolution in (Resolution.QUARTER, Resolution.MINUTE):
        is_here = unseen.pieces.width_us == resolution.width_us
        others, mine = unseen.take(np.flatnonzero(~is_here)), unseen.take(np.flatnonzero(is_here)).spread(most)
        finer, rest = await _finer(source, resolution, mine)
        parts += [rest, *(each for each, _ in finer)]
        unseen = _join_unseen([others, *(each for _, each in finer)])
    holes = concatenate(parts)
    return holes.take(spread_evenly(np.argsort(holes.times_us, kind="stable").astype(np.int64), most))


async def _finer(
    source: _Source, resolution: Resolution, unseen: Unseen
) -> tuple[list[tuple[SampleColumns, Unseen]], SampleColumns]:
    """What lies inside of buckets; the second is the best that can be said where nothing finer is kept."""
    start_us = unseen.pieces.start_us
    is_minutes = (start_us >= source.kept.minute_us) & (resolution is Resolution.QUARTER)
    is_raw = (start_us >= source.kept.raw_us) & ~is_minutes
    minutes, raw = unseen.take(np.flatnonzero(is_minutes)), unseen.take(np.flatnonzero(is_raw))
    found: list[tuple[SampleColumns, Unseen]] = []
    if len(minutes.after_bad):
        rows = await source.rollups(Resolution.MINUTE, minutes.spans)
        found.append(find_holes(pieces_of_rows(rows, Resolution.MINUTE), minutes))
    if len(raw.after_bad):
        found.append(find_holes(pieces_of_samples(await source.samples(raw.spans)), raw))
    return found, unseen.take(np.flatnonzero(~is_minutes & ~is_raw)).guessed()


def _join_unseen(parts: list[Unseen]) -> Unseen:
    pieces = join_pieces([part.pieces for part in parts])
    after_bad = np.concatenate([part.after_bad for part in parts])
    order = np.argsort(np.concatenate([part.pieces.firsts.times_us for part in parts]), kind="stable")
    return Unseen(pieces, after_bad[order])


async def _as_stored(source: _Source, chosen: Candidates) -> SampleColumns:
    """Where rows do not tell the status, or all digits, the sample itself does."""
    times = chosen.samples.times_us
    asked = np.flatnonzero(~chosen.is_sure & (times >= source.kept.raw_us))
    if not len(asked):
        return chosen.samples
    stored = await source.samples(np.stack((times[asked], times[asked] + 1), axis=1))
    others = chosen.samples.take(np.setdiff1d(np.arange(len(times), dtype=np.int64), asked))
    joined = concatenate((others, stored))
    return joined.take(np.argsort(joined.times_us, kind="stable"))
