"""Buckets of many series: what the database aggregates where the samples lie, and what is computed from raw samples."""

from collections.abc import Mapping, Sequence

import numpy as np

from cloud_api.instants import to_datetime, to_us
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate
from cloud_api.query.aggregates.samples import CALCULATED, with_bits
from cloud_api.query.bucketed import Bucketed, Found, Reading
from cloud_api.query.buckets import Buckets
from cloud_api.query.cost import Budget, too_large
from cloud_api.query.exact import read_exact, wants_exact
from cloud_api.query.models import QueryRequest, Resolution
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN, bucket_status
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, Json, read_digits
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.history import BucketPlan, BucketRow, select_buckets, select_buckets_of_integers
from cloud_api.storage.pool import Connection
from schemas.status import BAD


async def read_bucketed(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], buckets: Buckets, budget: Budget
) -> Reading:
    """Find the request's aggregates of every series, in the caller's transaction."""
    rows = await _rows(connection, request, series, buckets) if set(IN_DATABASE) & set(request.aggregate) else {}
    if not wants_exact(request):
        found = {row.id: _of_rows(rows.get(row.id, ()), row.kind, request, buckets) for row in series}
        return Reading(found, Resolution.RAW.value)
    found = dict[int, Bucketed]()
    left = budget.samples
    for row in series:
        exact, sample_count = await read_exact(connection, request, row, buckets, left + 1)
        left -= sample_count
        if left < 0:
            raise too_large("samples", budget.samples - left, budget.samples, buckets.window)
        counted = _of_rows(rows.get(row.id, ()), row.kind, request, buckets).everywhere(buckets.count)
        found[row.id] = Bucketed({**exact.found, **counted.found}, exact.has_samples)
    return Reading(found, Resolution.RAW.value)


def _of_rows(rows: Sequence[BucketRow], kind: str, request: QueryRequest, buckets: Buckets) -> Bucketed:
    """The aggregates that the database computed, of the buckets that have samples."""
    codes = [
        bucket_status(row.good_count, row.sample_count, request.percent_data_good, request.percent_data_bad)
        for row in rows
    ]
    is_usable = [code < BAD for code in codes]
    with_info = with_bits(np.array(codes, np.uint32), CALCULATED)
    found: dict[Aggregate, Found] = {}
    for aggregate in request.aggregate:
        if aggregate is Aggregate.COUNT:
            found[aggregate] = Found([row.good_count for row in rows], with_info)
        elif aggregate in IN_DATABASE:
            values = _values(rows, aggregate, kind, request.int64)
            found[aggregate] = Found(
                [value if usable else None for value, usable in zip(values, is_usable, strict=True)], with_info
            )
    starts = np.array([to_us(row.start_at) for row in rows], np.int64)
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
    integers = [row.id for row in series if row.kind in INTEGER_KINDS and has_extremes]
    others = [row.id for row in series if row.id not in set(integers)]
    rows: list[BucketRow] = []
    if integers:
        rows += await select_buckets_of_integers(connection, _plan(request, integers, buckets))
    if others:
        rows += await select_buckets(connection, _plan(request, others, buckets))
    for row in rows:
        found[row.series_id].append(row)
    return found


def _plan(request: QueryRequest, series_ids: list[int], buckets: Buckets) -> BucketPlan:
    edges_us = None if buckets.is_uniform else buckets.whole_edges_us().tolist()
    return BucketPlan(
        series_ids=series_ids,
        from_at=to_datetime(buckets.window.from_us),
        to_at=to_datetime(buckets.window.to_us),
        step_us=max(1, buckets.step_us),
        origin_at=to_datetime(buckets.origin_us),
        edges_at=None if edges_us is None else [to_datetime(each) for each in edges_us],
        highest_good=HIGHEST_GOOD if request.treat_uncertain_as_bad else HIGHEST_UNCERTAIN,
    )
