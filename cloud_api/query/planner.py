"""Answers a window of one series from the cheapest sources that are exact: rollups inside, raw samples at the sides."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from cloud_api.instants import format_interval, format_us, parse_instant, to_datetime, to_us
from cloud_api.problems import Problem, body_invalid
from cloud_api.query.aggregates.counts import COUNTED
from cloud_api.query.aggregates.names import FOR_ANY_KIND, IN_DATABASE, Aggregate
from cloud_api.query.aggregates.rolled import Answered, compute_rolled
from cloud_api.query.aggregates.samples import Intervals
from cloud_api.query.buckets import Buckets, Window
from cloud_api.query.models import QueryRequest
from cloud_api.query.models import Resolution as Asked
from cloud_api.query.plan import EVER_US, NEVER_US, Aligned, Kept, Plan, TooFine, make_plan
from cloud_api.query.sources import Scanned, Wanted, scan, surround
from cloud_api.query.spans import Spans, make_spans
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_marks import select_unrolled
from cloud_api.storage.rollup_progress import RollupProgress, select_rollup_progress
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollups import Scope, select_newest_buckets

# Samples a second of a series that says nothing of itself.
USUAL_RATE = 1.0
# Ingest refuses what is further ahead of its clock.
AHEAD_US = 300_000_000
GROWING = frozenset({Aggregate.INCREASE, Aggregate.RATE})


@dataclass(frozen=True, slots=True)
class Planned:
    """What was computed, after which plan, and how many rows of each source were read for it."""

    plan: Plan
    answered: Answered
    rows: Mapping[str, int]


Plans: TypeAlias = Sequence[tuple[SeriesRow, tuple[Plan, Kept]]]


async def plan_series(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], buckets: Buckets
) -> Plans:
    """Plan each series of a query; refused where buckets are asked for that nothing kept can fill."""
    if request.resolution is Asked.RAW:
        only_raw = make_plan(buckets.edges_us(), Kept(EVER_US), ()), Kept(EVER_US)
        return [(row, only_raw) for row in series]
    _check_stored(request, series)
    kept = await read_kept(connection, series, buckets.window, as_of_of(request))
    plans: list[tuple[SeriesRow, tuple[Plan, Kept]]] = []
    # Series of one plant are mostly kept alike: what is the same for all of them is thought out once.
    made: dict[object, Plan] = {}
    edges_us = buckets.edges_us()
    for row in series:
        if row.is_on_the_fly:
            plans.append((row, (make_plan(edges_us, Kept(EVER_US), ()), Kept(EVER_US))))
            continue
        alike = _alike(kept[row.id])
        if alike not in made:
            try:
                made[alike] = make_plan(edges_us, kept[row.id])
            except TooFine as error:
                raise too_fine(request, error) from error
        plans.append((row, (made[alike], kept[row.id])))
    return plans


def _alike(kept: Kept) -> object:
    """What is the same of series with the same plan; the rest of what is kept is the same of all in one query."""
    return kept.rate, *((resolution, spans.tobytes()) for resolution, spans in kept.unrolled.items())


def _check_stored(request: QueryRequest, series: Sequence[SeriesRow]) -> None:
    """What is calculated on the fly has no past but the present one: see decision 0093."""
    calculated = [row for row in series if row.is_on_the_fly]
    if request.as_of is not None and calculated:
        detail = (
            f"does not go with {calculated[0].path}, which is calculated on the fly: of the past only rollups of its "
            "inputs are kept, and from sums of each nothing exact can be made of both"
        )
        allowed = (
            "measured series and materialised calculations (materialise this one), or the arithmetic over aggregates "
            "in `expressions`"
        )
        raise body_invalid("as_of", request.as_of, detail, allowed)


def raw_aligned(progress: RollupProgress, window: Window) -> Aligned | None:
    """Where raw samples alone are read: the part of the window that they are kept of, if that is not all of it."""
    raw_us = _kept_us(progress.raw_dropped_at)
    return None if raw_us <= window.from_us else Aligned(min(raw_us, window.to_us), window.to_us)


def as_of_of(request: QueryRequest) -> datetime | None:
    """The past view that is asked for."""
    return None if request.as_of is None else to_datetime(parse_instant(request.as_of, "as_of"))


def resolution_of(plans: Plans) -> str:
    """The coarsest source of all."""
    if any(len(plan.quarters) for _, (plan, _) in plans):
        return Resolution.QUARTER.value
    is_minutes = any(len(plan.minutes) for _, (plan, _) in plans)
    return Resolution.MINUTE.value if is_minutes else Asked.RAW.value


def aligned_of(plans: Plans) -> Aligned | None:
    """What is answered, where it is not what was asked for: the same for every series of rollups."""
    moved = next((plan for _, (plan, _) in plans if plan.is_aligned), None)
    return None if moved is None else Aligned(int(moved.edges_us[0]), int(moved.edges_us[-1]), moved.moved)


def too_fine(request: QueryRequest, error: TooFine) -> Problem:
    """Refuse buckets that nothing kept can fill."""
    shortest = format_interval(error.width_us)
    field = "interval" if request.interval is not None else "points"
    detail = f"makes buckets shorter than {shortest}, and at {format_us(error.at_us)} nothing finer is kept"
    return body_invalid(field, request.interval or request.points, detail, f"buckets of {shortest} or longer")


async def read_kept(
    connection: Connection, series: Sequence[SeriesRow], window: Window, as_of: datetime | None
) -> dict[int, Kept]:
    """What can be read of each series; in the snapshot that is read from afterwards."""
    progress = await select_rollup_progress(connection)
    raw_us = _kept_us(progress.raw_dropped_at)
    kept = Kept(
        EVER_US if progress.marked_at is None else to_us(progress.marked_at),
        raw_us,
        _kept_us(progress.rollup_1m_kept_at),
        _kept_us(progress.rollup_15m_kept_at),
        ends_us=time.time_ns() // 1000 + AHEAD_US,
    )
    if as_of is not None:
        past = replace(kept, raw_us=NEVER_US, rolled_us=NEVER_US)
        return await _known(connection, [row.id for row in series], window, past, as_of)
    waiting = await _unrolled(connection, [row.id for row in series], window, progress)
    return {row.id: replace(kept, unrolled=waiting[row.id], rate=_rate(row)) for row in series}


async def _known(
    connection: Connection, ids: Sequence[int], window: Window, past: Kept, as_of: datetime
) -> dict[int, Kept]:
    """What was rolled then: minutes alone behind the last quarter, which is rolled some time after its minutes."""
    width = Resolution.QUARTER.width_us
    scope = Scope(ids, to_datetime(window.from_us - width), to_datetime(window.to_us))
    newest = await select_newest_buckets(connection, Resolution.QUARTER, scope, as_of)
    ends = {each: newest[each] + width if each in newest else window.from_us // width * width for each in ids}
    behind = {each: make_spans([(end_us, window.to_us + width)]) for each, end_us in ends.items()}
    return {each: past.without(Resolution.QUARTER, behind[each]) for each in ids}


async def _unrolled(
    connection: Connection, ids: Sequence[int], window: Window, progress: RollupProgress
) -> dict[int, dict[Resolution, Spans]]:
    pairs: dict[int, dict[Resolution, list[tuple[int, int]]]] = {
        series_id: {resolution: [] for resolution in Resolution} for series_id in ids
    }
    if progress.marked_at is not None:
        # A mark just outside may cover a bucket that the window cuts.
        wide = Resolution.QUARTER.width_us
        for found in await select_unrolled(connection, ids, window.from_us - wide, window.to_us + wide):
            for series_id in found.series_ids:
                pairs[series_id][Resolution(found.resolution)].append((found.from_us, found.to_us))
    return {
        series_id: {resolution: make_spans(spans) for resolution, spans in each.items()}
        for series_id, each in pairs.items()
    }


def _kept_us(kept_at: datetime | None) -> int:
    return EVER_US if kept_at is None else to_us(kept_at)


def _rate(row: SeriesRow) -> float:
    return 1 / row.scan_period_s if row.scan_period_s and row.scan_period_s > 0 else USUAL_RATE


async def read_planned(
    connection: Connection,
    wanted: Wanted,
    aggregates: Sequence[Aggregate],
    buckets: Buckets,
    chosen: tuple[Plan, Kept],
    limit: int,
) -> Planned:
    """Read what the plan names of one series, and compute beside the event loop."""
    plan, kept = chosen
    possible = [each for each in aggregates if not wanted.is_text or each in FOR_ANY_KIND or each in IN_DATABASE]
    counted = replace(wanted, is_counted=set(possible) <= COUNTED)
    intervals = Intervals(plan.edges_us, buckets.cut())
    scanned = await scan(connection, counted, plan, intervals, limit)
    if GROWING.intersection(possible) and wanted.configuration.counter_rollover is not None:
        plan, scanned = await _clear(connection, counted, (plan, kept), scanned, (intervals, limit))
    rows = dict(scanned.rows)
    rolled = scanned.rolled
    if not set(possible) <= set(IN_DATABASE):
        before, after = await surround(connection, counted, plan, kept)
        rolled = replace(rolled, before=before, after=after)
    answered = await asyncio.to_thread(compute_rolled, possible, rolled, intervals, wanted.configuration)
    return Planned(plan, answered, rows)


async def _clear(
    connection: Connection, wanted: Wanted, chosen: tuple[Plan, Kept], scanned: Scanned, how: tuple[Intervals, int]
) -> tuple[Plan, Scanned]:
    """Read buckets in which restarts and rollovers of a counter mix from something finer, where that is kept."""
    plan, kept = chosen
    intervals, limit = how
    for _ in Resolution:
        unclear = {resolution: spans for resolution, spans in scanned.unclear.items() if len(spans)}
        if not unclear:
            break
        for resolution, spans in unclear.items():
            kept = kept.without(resolution, spans)
        plan = replace(make_plan(plan.edges_us, kept), is_aligned=plan.is_aligned)
        scanned = await scan(connection, wanted, plan, intervals, limit)
    return plan, scanned
