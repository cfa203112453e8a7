"""POST /query: resolve the series, weigh the cost, read buckets or samples, within a time that the database keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cloud_api.globs import parse_glob
from cloud_api.instants import (
    format_at,
    format_column,
    format_interval,
    format_span,
    format_us,
    parse_instant,
    to_datetime,
)
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate
from cloud_api.query.answers import sample_rows
from cloud_api.query.buckets import Align, Buckets, Window, buckets_by_points
from cloud_api.query.exact import (
    Exact,
    Found,
    check_configuration,
    encode_exact,
    found_in_database,
    read_exact,
    wants_exact,
)
from cloud_api.query.intervals import buckets_by_interval, read_zone
from cloud_api.query.models import Fill, QueryRequest, Resolution
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN, bucket_status, expected_samples
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, read_digits
from cloud_api.storage.catalog import SeriesFilter, SeriesRow, select_series_by_ids, select_series_page
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.history import (
    BucketPlan,
    BucketRow,
    select_buckets,
    select_buckets_of_integers,
    select_sample_count_capped,
    select_samples,
    set_statement_timeout,
)
from cloud_api.storage.pool import Connection
from schemas.status import BAD, BAD_NO_DATA

MAX_SERIES = 1_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What one query may cost."""

    samples: int
    rows: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What was read, still in the database's columns: encode() may run beside the event loop."""

    request: QueryRequest
    window: Window
    buckets: Buckets | None
    series: Sequence[SeriesRow]
    bucket_rows: Mapping[int, Sequence[BucketRow]]
    sample_columns: Mapping[int, SampleColumns]
    exact: Mapping[int, Exact]


def read_window(request: QueryRequest) -> Window:
    """Read the window of a query."""
    window = Window(parse_instant(request.from_, "from"), parse_instant(request.to, "to"))
    if window.span_us <= 0:
        raise body_invalid("to", request.to, "is not after `from`", "an instant after `from`")
    return window


def read_buckets(request: QueryRequest, window: Window) -> Buckets | None:
    """Read the buckets of a query; None when it wants the samples themselves."""
    if request.interval is not None and request.points is not None:
        raise body_invalid("points", request.points, "is given beside `interval`", "one of the two")
    zone = read_zone(request.time_zone)
    if request.interval is not None:
        return buckets_by_interval(window, request.interval, request.align, zone)
    if request.points is not None:
        if request.align is Align.CLOCK:
            raise body_invalid("align", request.align, "has no meaning with `points`", "`interval` with align clock")
        return buckets_by_points(window, request.points)
    if request.resolution is Resolution.RAW:
        return None
    allowed = "`interval`, or `points`, or `resolution`: `raw` for the samples themselves"
    raise body_invalid("interval", None, "is missing, and so is `points`", allowed)


async def run_query(connection: Connection, request: QueryRequest, budget: Budget) -> QueryResult:
    """Answer a query inside a transaction of its own."""
    window = read_window(request)
    buckets = read_buckets(request, window)
    check_configuration(request)
    await set_statement_timeout(connection, budget.timeout_s)
    series = await _resolve(connection, request.series)
    await _check_cost(connection, request, series, (window, buckets), budget)
    if buckets is None:
        columns = {row.id: await _samples(connection, row, window, budget) for row in series}
        return QueryResult(request, window, None, series, {}, columns, {})
    rows = await _buckets(connection, request, series, buckets) if set(IN_DATABASE) & set(request.aggregate) else {}
    exact = await _exact(connection, request, series, buckets, budget) if wants_exact(request) else {}
    return QueryResult(request, window, buckets, series, rows, {}, exact)


def encode(result: QueryResult) -> bytes:
    """Write the answer."""
    buckets = result.buckets
    align = None if buckets is None else result.request.align
    answer = {
        "resolution": Resolution.RAW.value,
        "from": format_us(result.window.from_us),
        "to": format_us(result.window.to_us),
        "interval": None if buckets is None else buckets.label or format_interval(buckets.step_us),
        "align": align,
        "time_zone": result.request.time_zone,
        "fill": result.request.fill,
        "partial": [] if buckets is None else [format_us(start_us) for start_us in buckets.partial_us()],
        "series": [_encode_series(result, row) for row in result.series],
    }
    return msgspec.json.encode(answer)


def _encode_series(result: QueryResult, row: SeriesRow) -> dict[str, Any]:
    head = {"id": row.id, "path": row.path, "unit": row.unit}
    request = result.request
    if result.buckets is None:
        rows = sample_rows(row.kind, result.sample_columns[row.id], request.int64)
        return head | {"columns": ["time", "value", "status"], "rows": rows}
    found = result.bucket_rows.get(row.id, ())
    if row.id in result.exact:
        columns = ["time", *request.aggregate, "status", *(f"{aggregate}_status" for aggregate in request.aggregate)]
        in_database = _in_database(found, row.kind, request, result.buckets)
        rows = encode_exact(row, request, result.buckets, result.exact[row.id], in_database)
        return head | {"columns": columns, "rows": _shown(rows, result.buckets)}
    rows = [_bucket_row(each, row.kind, request) for each in found]
    if request.fill is Fill.NULL:
        rows = _filled(rows, result.buckets, request.aggregate)
    return head | {"columns": ["time", *request.aggregate, "status"], "rows": _shown(rows, result.buckets)}


def _shown(rows: list[list[Any]], buckets: Buckets) -> list[list[Any]]:
    """Leave out the stretches between shifts."""
    if buckets.shown is None:
        return rows
    starts = set(format_column(buckets.starts_us()[buckets.shown]))
    return [row for row in rows if row[0] in starts]


def _in_database(
    found: Sequence[BucketRow], kind: str, request: QueryRequest, buckets: Buckets
) -> dict[Aggregate, Found]:
    """The columns that the database computed, with a place for each bucket."""
    wanted = [aggregate for aggregate in request.aggregate if aggregate in IN_DATABASE]
    partly = request.model_copy(update={"aggregate": wanted})
    rows = _filled([_bucket_row(each, kind, partly) for each in found], buckets, wanted)
    codes = [row[-1] for row in rows]
    return {
        aggregate: found_in_database([row[1 + index] for row in rows], codes) for index, aggregate in enumerate(wanted)
    }


def _bucket_row(row: BucketRow, kind: str, request: QueryRequest) -> list[Any]:
    is_text = kind in TEXT_KINDS
    int64 = request.int64 if kind in INTEGER_KINDS else Int64.NUMBER
    values: dict[Aggregate, Any] = {
        Aggregate.AVERAGE: None if is_text else row.average,
        Aggregate.MINIMUM: None if is_text else read_digits(row.minimum, int64),
        Aggregate.MAXIMUM: None if is_text else read_digits(row.maximum, int64),
        Aggregate.COUNT: row.good_count,
    }
    status = bucket_status(row.good_count, row.sample_count, request.percent_data_good, request.percent_data_bad)
    if status >= BAD:
        values = dict.fromkeys(values, None) | {Aggregate.COUNT: row.good_count}
    return [format_at(row.start_at), *(values[aggregate] for aggregate in request.aggregate), status]


def _filled(rows: list[list[Any]], buckets: Buckets, aggregates: Sequence[Aggregate]) -> list[list[Any]]:
    by_start = {row[0]: row for row in rows}
    empty = [0 if aggregate is Aggregate.COUNT else None for aggregate in aggregates]
    starts = format_column(buckets.starts_us())
    return [by_start.get(start) or [start, *empty, BAD_NO_DATA] for start in starts]


async def _resolve(connection: Connection, names: Sequence[int | str]) -> list[SeriesRow]:
    """Find the series that ids, paths and globs name, each once, in the order of the request."""
    found: dict[int, SeriesRow] = {}
    ids = [name for name in names if isinstance(name, int)]
    by_id = {row.id: row for row in await select_series_by_ids(connection, ids)} if ids else {}
    for index, name in enumerate(names):
        field = f"series.{index}"
        if isinstance(name, int):
            rows = [by_id[name]] if name in by_id else []
        else:
            glob = SeriesFilter(parse_glob(name, field), words=None, with_retired="*" not in name)
            rows = await select_series_page(connection, glob, after_path="", limit=MAX_SERIES + 1)
        if not rows:
            raise not_found("series", field, name)
        found |= {row.id: row for row in rows}
        if len(found) > MAX_SERIES:
            raise body_invalid(field, name, f"brings the query above {MAX_SERIES} series", "a narrower glob")
    return list(found.values())


async def _check_cost(
    connection: Connection,
    request: QueryRequest,
    series: Sequence[SeriesRow],
    extent: tuple[Window, Buckets | None],
    budget: Budget,
) -> None:
    """Refuse what would read or answer too much, before it does."""
    window, buckets = extent
    cells = None if buckets is None else buckets.count * len(series)
    if cells is not None and cells > budget.rows and (request.fill is Fill.NULL or wants_exact(request)):
        raise _too_large("rows", cells, budget.rows, window)
    expected = expected_samples(window, (row.scan_period_s for row in series))
    is_cheap = expected is not None and expected <= budget.samples
    if is_cheap and cells is not None and cells <= budget.rows:
        return
    ids, from_at, to_at = [row.id for row in series], to_datetime(window.from_us), to_datetime(window.to_us)
    count = await select_sample_count_capped(connection, ids, from_at, to_at, budget.samples + 1)
    if count > budget.samples:
        raise _too_large("samples", max(count, expected or 0), budget.samples, window)
    rows = count if cells is None else min(cells, count)
    if rows > budget.rows:
        raise _too_large("rows", rows, budget.rows, window)


def _too_large(what: str, estimate: int, budget: int, window: Window) -> Problem:
    verb = "read" if what == "samples" else "answer with"
    fitting_us = max(1, window.span_us * budget // estimate)
    detail = (
        f"it would {verb} {estimate} {what} or more, and {budget} are allowed in one query: ask for a longer interval, "
        f"fewer series or a shorter window (about {format_span(fitting_us)}); "
        "GET /api/v1/series/{id}/samples pages through raw samples of any length"
    )
    return Problem(Kinds.QUERY_TOO_LARGE, detail, more={"what": what, "estimate": estimate, "budget": budget})


async def _exact(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], buckets: Buckets, budget: Budget
) -> dict[int, Exact]:
    found: dict[int, Exact] = {}
    left = budget.samples
    for row in series:
        exact = await read_exact(connection, request, row, buckets, left + 1)
        left -= exact.sample_count
        if left < 0:
            raise _too_large("samples", budget.samples - left, budget.samples, buckets.window)
        found[row.id] = exact
    return found


async def _samples(connection: Connection, row: SeriesRow, window: Window, budget: Budget) -> SampleColumns:
    from_at, to_at = to_datetime(window.from_us), to_datetime(window.to_us)
    return await select_samples(connection, row.id, from_at, to_at, budget.rows)


async def _buckets(
    connection: Connection, request: QueryRequest, series: Sequence[SeriesRow], buckets: Buckets
) -> dict[int, list[BucketRow]]:
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
