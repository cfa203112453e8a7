"""Reads how long series were in classes of values: from rollups whose rows hold one class alone, else from samples."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cloud_api.query.aggregates.classes import ClassTimes, is_mixed, time_in_classes
from cloud_api.query.aggregates.samples import Intervals, make_samples
from cloud_api.query.aggregates.standins import Rolled
from cloud_api.query.buckets import Buckets
from cloud_api.query.cost import Budget, too_large
from cloud_api.query.exact import configuration_of
from cloud_api.query.models import QueryRequest
from cloud_api.query.plan import Kept, Plan, make_plan
from cloud_api.query.planner import plan_series
from cloud_api.query.sources import Wanted, read_rollups, read_samples, surround
from cloud_api.query.spans import Spans, make_spans
from cloud_api.rollups.partials import Partials, no_partials
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution


@dataclass(frozen=True, slots=True)
class ClassQuestion:
    """Of one series, over which buckets, between which ascending limits; `request` says how samples are weighed."""

    request: QueryRequest
    row: SeriesRow
    buckets: Buckets
    limits: Sequence[float]


async def read_classes(connection: Connection, question: ClassQuestion, budget: Budget) -> ClassTimes:
    """Read one series inside the caller's snapshot."""
    row, buckets = question.row, question.buckets
    ((_, (plan, kept)),) = await plan_series(connection, question.request, [row], buckets)
    wanted = Wanted(row, configuration_of(question.request, row), is_counted=False)
    rows: Partials = no_partials()
    for _ in range(len(Resolution) + 1):
        found = await _rows(connection, wanted, plan)
        mixed = {each: _mixed(partials, question.limits, each) for each, partials in found.items()}
        finer = _without(kept, mixed)
        again = replace(make_plan(plan.edges_us, finer), is_aligned=plan.is_aligned)
        rows = np.concatenate([no_partials(), *found.values()])
        if _is_same(again, plan):
            break
        plan, kept = again, finer
    samples = await read_samples(connection, wanted, plan.raw, budget.samples + 1)
    if len(samples) > budget.samples:
        raise too_large("samples", len(samples), budget.samples, buckets.window)
    before, after = await surround(connection, wanted, plan, kept)
    raw = make_samples(samples.times_us, samples.values, samples.statuses, wanted.configuration, is_text=wanted.is_text)
    rolled = Rolled(rows[np.argsort(rows["first_at"], kind="stable")], before, after)
    intervals = Intervals(plan.edges_us, buckets.cut())
    return await asyncio.to_thread(time_in_classes, rolled, raw, intervals, question.limits, wanted.configuration)


async def _rows(connection: Connection, wanted: Wanted, plan: Plan) -> dict[Resolution, Partials]:
    found: dict[Resolution, Partials] = {}
    for resolution, spans in ((Resolution.QUARTER, plan.quarters), (Resolution.MINUTE, plan.minutes)):
        if len(spans):
            found[resolution] = (await read_rollups(connection, wanted, resolution, spans)).partials
    return found


def _mixed(rows: Partials, limits: Sequence[float], resolution: Resolution) -> Spans:
    width_us = resolution.width_us
    starts = (rows["first_at"][is_mixed(rows, limits)] // width_us * width_us).tolist()
    return make_spans([(start, start + width_us) for start in starts])


def _without(kept: Kept, mixed: dict[Resolution, Spans]) -> Kept:
    for resolution, spans in mixed.items():
        if len(spans):
            kept = kept.without(resolution, spans)
    return kept


def _is_same(one: Plan, other: Plan) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("quarters", "minutes", "raw"))
