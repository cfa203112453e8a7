"""Buckets of many series: what the database aggregates where the samples lie, and what is computed from raw samples."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

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
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, Json, read_digits
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.history import BucketPlan, BucketRow, select_buckets, select_buckets_of_integers
from cloud_api.storage.pool import Connection
from schemas.status import BAD


async def read_bucketed(
    connection: Connection, request: QueryRequest, plans: Plans, buckets: Buckets, budget: Budget
) -> Reading:
    """Find the request's aggregates of every series, in the caller's transaction."""
    raw = [row for row, chosen in plans if _is_stored_raw(row, chosen[0])]
    rows = await _rows(connection, request, raw, buckets) if set(IN_DATABASE) & set(request.aggregate) else {}
    found, scanned = dict[int, Bucketed](), Counter[str]()
    left = budget.samples
    for row, chosen in plans:
        if not _is_stored_raw(row, chosen[0]):
            wanted = Wanted(row, configuration_of(request, row), is_counted=False, as_of=as_of_of(request))
            planned = await read_planned(connection, wanted, request.aggregate, buckets, chosen, left + 1)
            scanned.update(planned.rows)
            left -= sum(planned.rows.values())
            found[row.id] = await asyncio.to_thread(rolled_bucketed, request, row, planned.answered)
        else:
            found[row.id], counts = await _from_raw(connection, request, row, (buckets, rows.get(row.id, ())), left)
            scanned["raw"] += counts
            left -= counts
        if left < 0:
            raise too_large("samples", budget.samples - left, budget.samples, buckets.window)
    return Reading(found, resolution_of(plans), dict(scanned), aligned_of(plans))


def _is_stored_raw(row: SeriesRow, plan: Plan) -> bool:
    """Whether raw samples alone are read, and the database may aggregate them."""
    return plan.is_raw and not row.is_on_the_fly


async def _from_raw(
    connection: Connection, request: QueryRequest, row: SeriesRow, about: tuple[Buckets, Sequence[BucketRow]], left: int
) -> tuple[Bucketed, int]:
    """What the database aggregated and what is computed of raw samples, and how many those were."""
    buckets, rows = about
    counted = _of_rows(rows, row, request, buckets)
    count = sum(each.sample_count for each in rows)
    if not wants_exact(request):
        return counted, count
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
            values = _values(rows, aggregate, row.kind, request.int64)
            found[aggregate] = Found(
                [value if usable else None for value, usable in zip(values, is_usable, strict=True)], with_info
            )
    starts = np.array([to_us(each.start_at) for each in rows], np.int64)
    return Bucketed(found, np.ones(len(rows), np.bool_), buckets.places_of(starts))


def _values(rows: Sequence[BucketRow], aggregate: Aggregate, kind: str, int64: Int64) -> list[Json]:
    if kind in TEXT_KINDS:
        return [None] * len(rows)
    if aggregate is Aggregate.AVERAGE:
        return [row.average for row in rows]
    shown = int64 if kind in INTEGER_KINDS else Int64.NUMBER
    return [read_digits(row.minimum if aggregate is Aggregate.MINIMUM else row.maximum, shown) for row in rows]


async def _rows(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], buckets: Buckets
) -> Mapping[int, list[BucketRow]]:
    found: dict[int, list[BucketRow]] = {row.id: [] for row in series}
    has_extremes = bool({Aggregate.MINIMUM, Aggregate.MAXIMUM}.intersection(request.aggregate))
    kinds: dict[tuple[bool, bool], list[int]] = {}
    for row in series:
        key = (row.kind in INTEGER_KINDS and has_extremes, configuration_of(request, row).treat_uncertain_as_bad)
        kinds.setdefault(key, []).append(row.id)
    for (is_integer, is_strict), ids in kinds.items():
        select = select_buckets_of_integers if is_integer else select_buckets
        for each in await select(connection, _plan(ids, buckets, is_strict=is_strict)):
            found[each.series_id].append(each)
    return found


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
