"""Buckets of many series: what the database aggregates where the samples lie, and what is computed from raw samples."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import numpy as np

from cloud_api.instants import to_datetime, to_us
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate
from cloud_api.query.aggregates.samples import CALCULATED, with_bits
from cloud_api.query.bucketed import Bucketed, Found, Reading
from cloud_api.query.buckets import Buckets
from cloud_api.query.cost import Budget, too_large
from cloud_api.query.exact import configuration_of, read_exact, rolled_bucketed, wants_exact
from cloud_api.query.models import QueryRequest
from cloud_api.query.plan import Plan
from cloud_api.query.planner import Plans, aligned_of, as_of_of, read_planned, resolution_of
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN, bucket_status
from cloud_api.query.sources import Wanted
from cloud_api.query.together import RAW, can_be_together, read_together
from cloud_api.query.values import Int64, Json, read_digits
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.history import BucketPlan, BucketRow, select_buckets_of_integers
from cloud_api.storage.pool import Connection
from schemas.status import BAD


async def read_bucketed(
    connection: Connection, request: QueryRequest, plans: Plans, buckets: Buckets, budget: Budget
) -> Reading:
    """Find the request's aggregates of every series, in the caller's transaction."""
    is_counted = bool(set(IN_DATABASE).intersection(request.aggregate))
    chosen = [(row, plan) for row, (plan, _) in plans if is_counted and can_be_together(request, row, plan)]
    together = await read_together(connection, request, chosen, buckets, as_of_of(request))
    # What is computed of raw samples reads the same ones again, and says how many they were.
    scanned = Counter[str]() if wants_exact(request) else Counter(together.scanned)
    found, left = dict[int, Bucketed](), budget.samples - sum(scanned.values())
    for row, each in plans:
        counted = None if row.id in together.digits else together.found.get(row.id)
        if not _is_stored_raw(row, each[0]) and counted is None:
            wanted = Wanted(row, configuration_of(request, row), is_counted=False, as_of=as_of_of(request))
            planned = await read_planned(connection, wanted, request.aggregate, buckets, each, left + 1)
            scanned.update(planned.rows)
            left -= sum(planned.rows.values())
            found[row.id] = await asyncio.to_thread(rolled_bucketed, request, row, planned.answered)
        else:
            if counted is None:
                rows = await _rows(connection, request, row, buckets) if is_counted else ()
                counted = _of_rows(rows, row, request, buckets)
            found[row.id], count = await _with_exact(connection, request, row, (buckets, counted), left)
            scanned.update({RAW: count} if wants_exact(request) else {})
            left -= count
        if left < 0:
            raise too_large("samples", budget.samples - left, budget.samples, buckets.window)
    return Reading(found, resolution_of(plans), dict(scanned), aligned_of(plans))


def _is_stored_raw(row: SeriesRow, plan: Plan) -> bool:
    """Whether raw samples alone are read, and the database may aggregate them."""
    return plan.is_raw and not row.is_on_the_fly


async def _with_exact(
    connection: Connection, request: QueryRequest, row: SeriesRow, about: tuple[Buckets, Bucketed], left: int
) -> tuple[Bucketed, int]:
    """What was counted and what is computed of raw samples, and how many of these were read."""
    buckets, counted = about
    if not wants_exact(request):
        return counted, 0
    exact, sample_count = await read_exact(connection, request, row, buckets, left + 1)
    return Bucketed({**exact.found, **counted.everywhere(buckets.count).found}, exact.has_samples), sample_count


def _of_rows(rows: Sequence[BucketRow], row: SeriesRow, request: QueryRequest, buckets: Buckets) -> Bucketed:
    """The aggregates that the database computed, of the buckets that have samples."""
    configuration = configuration_of(request, row)
    percents = configuration.percent_data_good, configuration.percent_data_bad
    codes = [bucket_status(each.good_count, each.sample_count, *percents) for each in rows]
    is_usable = [code < BAD for code in codes]
    with_info = with_bits(np.array(codes, np.uint32), CALCULATED)
    found: dict[Aggregate, Found] = {}
    for aggregate in request.aggregate:
        if aggregate is Aggregate.COUNT:
            found[aggregate] = Found([each.good_count for each in rows], with_info)
        elif aggregate in IN_DATABASE:
            values = _values(rows, aggregate, request.int64)
            found[aggregate] = Found(
                [value if usable else None for value, usable in zip(values, is_usable, strict=True)], with_info
            )
    starts = np.array([to_us(each.start_at) for each in rows], np.int64)
    return Bucketed(found, np.ones(len(rows), np.bool_), buckets.places_of(starts))


def _values(rows: Sequence[BucketRow], aggregate: Aggregate, int64: Int64) -> list[Json]:
    if aggregate is Aggregate.AVERAGE:
        return [row.average for row in rows]
    return [read_digits(row.minimum if aggregate is Aggregate.MINIMUM else row.maximum, int64) for row in rows]


async def _rows(connection: Connection, request: QueryRequest, row: SeriesRow, buckets: Buckets) -> Sequence[BucketRow]:
    """Buckets of 64-bit integers that a double cannot hold."""
    is_strict = configuration_of(request, row).treat_uncertain_as_bad
    return await select_buckets_of_integers(connection, _plan([row.id], buckets, is_strict=is_strict))


def _plan(series_ids: list[int], buckets: Buckets, *, is_strict: bool) -> BucketPlan:
    edges_us = None if buckets.is_uniform else buckets.whole_edges_us().tolist()
    return BucketPlan(
        series_ids=series_ids,
        from_at=to_datetime(buckets.window.from_us),
        to_at=to_datetime(buckets.window.to_us),
        step_us=max(1, buckets.step_us),
        origin_at=to_datetime(buckets.origin_us),
        edges_at=None if edges_us is None else [to_datetime(each) for each in edges_us],
        highest_good=HIGHEST_GOOD if is_strict else HIGHEST_UNCERTAIN,
    )
