"""POST /query: resolve the series, weigh the cost, read buckets or samples, within a time that the database keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloud_api.calculations.reading import input_rows
from cloud_api.expressions.tree import SeriesKey
from cloud_api.globs import PathGlob, parse_glob, within
from cloud_api.instants import format_us, parse_instant, to_datetime
from cloud_api.problems import body_invalid, not_found
from cloud_api.query.arithmetic import Asked, names_of, read_calculations
from cloud_api.query.bucketed import Reading
from cloud_api.query.buckets import Align, Buckets, Window, buckets_by_points
from cloud_api.query.cost import Budget, too_large
from cloud_api.query.exact import check_configuration, wants_exact
from cloud_api.query.extremes import LEAST_POINTS
from cloud_api.query.fills import Fill
from cloud_api.query.intervals import buckets_by_interval, read_zone
from cloud_api.query.models import Layout, PointsBy, QueryRequest, Resolution
from cloud_api.query.peaks import plan_extremes, read_extremes
from cloud_api.query.plan import Aligned
from cloud_api.query.planner import Plans, plan_series, raw_aligned
from cloud_api.query.raw import Reader, open_reader, read_all
from cloud_api.query.reading import read_bucketed
from cloud_api.query.resolution import expected_samples
from cloud_api.scopes import read_scope
from cloud_api.storage.catalog import (
    SeriesFilter,
    SeriesRow,
    select_series_at,
    select_series_by_ids,
    select_series_page,
)
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.history import select_sample_count_capped, set_statement_timeout
from cloud_api.storage.pool import Connection, Pool
from cloud_api.storage.rollup_progress import AskedProgress, ask_rollup_progress
from cloud_api.storage.snapshots import set_snapshot

MAX_SERIES = 1_000
# So many samples are read without being counted first.
FEW_SAMPLES = 100_000
# Of a series with few samples there may be many without a row; planning so many takes a third of a second.
MOST_BUCKETS = 1_000_000


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What was read, still in columns: answers are made of it beside the event loop.

    `shown` are the series of the answer, `named` those of its expressions. `reading` holds buckets, or says how the
    `samples` were read that stand for a window; of all samples of a window there is none.
    """

    request: QueryRequest
    window: Window
    buckets: Buckets | None
    shown: Sequence[SeriesRow]
    named: Mapping[SeriesKey, SeriesRow]
    asked: Sequence[Asked]
    reading: Reading | None
    samples: Mapping[int, SampleColumns]
    now_us: int
    estimate: int
    # What is answered where raw samples are not kept and that is not all that was asked for.
    aligned: Aligned | None


def read_window(request: QueryRequest) -> Window:
    """Read the window of a query."""
    window = Window(parse_instant(request.from_, "from"), parse_instant(request.to, "to"))
    if window.span_us <= 0:
        raise body_invalid("to", request.to, "is not after `from`", "an instant after `from`")
    return window


def read_buckets(request: QueryRequest, window: Window) -> Buckets | None:
    """Read the buckets of a query; None when it wants the samples themselves."""
    zone = read_zone(request.time_zone)
    if request.interval is not None:
        if request.points is not None:
            raise body_invalid("points", request.points, "is given beside `interval`", "one of the two")
        return buckets_by_interval(window, request.interval, request.align, zone)
    if request.points is not None:
        if request.points_by is not PointsBy.BUCKETS:
            return None
        return buckets_by_points(window, request.points, request.align if "align" in request.model_fields_set else None)
    if request.resolution is Resolution.RAW:
        return None
    allowed = "`interval`, or `points`, or `resolution`: `raw` for the samples themselves"
    raise body_invalid("interval", None, "is missing, and so is `points`", allowed)


def check_request(request: QueryRequest) -> None:
    """Refuse fields that contradict each other."""
    if not request.series and not request.expressions and request.asset is None:
        allowed = "at least one series or expression, or `asset` for everything below it"
        raise body_invalid("series", [], "is empty, and so is `expressions`", allowed)
    if request.as_of is not None and (
        request.resolution is Resolution.RAW or request.points_by is not PointsBy.BUCKETS
    ):
        raise body_invalid("as_of", request.as_of, "does not go with raw samples", "`interval`, or `points` of buckets")
    if request.points_by is PointsBy.BUCKETS:
        return
    if request.points is None or request.points < LEAST_POINTS:
        raise body_invalid("points", request.points, "is too small for points_by", f">= {LEAST_POINTS}")
    if request.expressions or request.layout is Layout.WIDE:
        field = "expressions" if request.expressions else "layout"
        raise body_invalid("points_by", request.points_by, f"does not go with `{field}`", "buckets")


def check_past(request: QueryRequest, now_us: int) -> None:
    """Refuse a past view of what is to come: its answer would change."""
    if request.as_of is not None and parse_instant(request.as_of, "as_of") > now_us:
        raise body_invalid("as_of", request.as_of, "lies ahead", f"an instant up to now, {format_us(now_us)}")


def align_of(request: QueryRequest, buckets: Buckets | None) -> Align | None:
    """Where the buckets begin in fact."""
    if buckets is None:
        return None
    if request.interval is None and buckets.first_us != buckets.window.from_us:
        return Align.CLOCK
    return request.align


async def run_query(
    connection: Connection, request: QueryRequest, budget: Budget, now_us: int, pool: Pool | None = None
) -> QueryResult:
    """Answer a query inside a transaction of its own; of many samples some on a connection of `pool` that is free."""
    window = read_window(request)
    check_request(request)
    check_past(request, now_us)
    buckets = read_buckets(request, window)
    asked = read_calculations(request, is_bucketed=buckets is not None)
    # Rows of rollups, marks and raw samples must be of one moment.
    await set_snapshot(connection)
    await set_statement_timeout(connection, budget.timeout_s)
    is_all = buckets is None and request.points_by is PointsBy.BUCKETS
    reader = await open_reader(connection, budget.timeout_s, pool, window) if is_all else None
    progress = await ask_rollup_progress(connection) if is_all else None
    outer = None if request.asset is None else await read_scope(connection, None, str(request.asset))
    shown = await _resolve(connection, _shown(request), outer)
    named = {name: await _named(connection, name) for name in names_of(asked)}
    series = list({row.id: row for row in (*shown, *named.values())}.values())
    for row in series:
        check_configuration(request, row)
    plans: Plans = []
    if buckets is not None:
        _check_buckets(request, buckets, len(series), budget)
        plans = await plan_series(connection, request, series, buckets)
    elif request.points_by is not PointsBy.BUCKETS:
        plans = await plan_extremes(connection, request, series, window)
    aligned = await _aligned(connection, progress, window) if _is_raw(request, series, plans, buckets) else None
    # Days that are not kept any more are dropped one by one, a while later: what is still there of them is no answer.
    kept = Window(aligned.from_us, aligned.to_us) if reader is not None and aligned is not None else window
    samples: Mapping[int, SampleColumns] = {}
    if reader is None:
        estimate = await _check_cost(connection, request, (series, plans), (kept, buckets), budget)
    else:
        samples, estimate = await _all_samples(reader, request, series, kept, budget)
    reading = None
    if request.points_by is not PointsBy.BUCKETS:
        samples, reading = await read_extremes(connection, request, plans, window, budget)
    elif buckets is not None:
        wanted = set(request.aggregate).union(*(each.aggregates(request.aggregate[0]) for each in asked))
        # In the order of the request, what only expressions name behind it.
        aggregates = [*request.aggregate, *sorted(wanted - set(request.aggregate))]
        all_of_it = request.model_copy(update={"aggregate": aggregates})
        reading = await read_bucketed(connection, all_of_it, plans, buckets, budget)
    aligned = aligned if reading is None else reading.aligned or aligned
    return QueryResult(request, window, buckets, shown, named, asked, reading, samples, now_us, estimate, aligned)


def _is_raw(request: QueryRequest, series: Sequence[SeriesRow], plans: Plans, buckets: Buckets | None) -> bool:
    """Whether raw samples alone are read."""
    if request.resolution is Resolution.RAW or any(row.is_on_the_fly for row in series):
        return True
    return buckets is None and all(plan.is_raw for _, (plan, _) in plans)


def _shown(request: QueryRequest) -> dict[str, int | str]:
    """The names of the series that are answered, by the field in which they stand."""
    if not request.series and not request.expressions:
        return {"asset": "**"}
    return {f"series.{index}": name for index, name in enumerate(request.series)}


async def _named(connection: Connection, name: SeriesKey) -> SeriesRow:
    (row,) = await _resolve(connection, {"expressions": name})
    return row


async def _resolve(
    connection: Connection, names: Mapping[str, int | str], outer: PathGlob | None = None
) -> list[SeriesRow]:
    """Find the series that ids, paths and globs name, each once, in the order of the request."""
    found: dict[int, SeriesRow] = {}
    ids = [name for name in names.values() if isinstance(name, int)]
    by_id = {row.id: row for row in await select_series_by_ids(connection, ids)} if ids else {}
    globs = {field: parse_glob(name, field) for field, name in names.items() if not isinstance(name, int)}
    paths = [glob.exact for glob in globs.values() if glob.exact is not None] if outer is None else []
    by_path = {row.path: row for row in await select_series_at(connection, paths)} if paths else {}
    for field, name in names.items():
        if isinstance(name, int):
            rows = [by_id[name]] if name in by_id else []
        elif outer is None and (exact := globs[field].exact) is not None:
            rows = [by_path[exact]] if exact in by_path else []
        else:
            glob = globs[field]
            meant = glob if outer is None else within(glob, outer)
            series_filter = SeriesFilter(meant, words=None, with_retired="*" not in name)
            rows = await select_series_page(connection, series_filter, after_path="", limit=MAX_SERIES + 1)
        if not rows:
            raise not_found("series", field, name)
        found |= {row.id: row for row in rows}
        if len(found) > MAX_SERIES:
            raise body_invalid(field, name, f"brings the query above {MAX_SERIES} series", "a narrower glob")
    return list(found.values())


def _check_buckets(request: QueryRequest, buckets: Buckets, series_count: int, budget: Budget) -> None:
    """Refuse more buckets than can be answered with, or thought out, before any is made."""
    cells = buckets.count * series_count
    if cells > budget.rows and _is_dense(request):
        raise too_large("rows", cells, budget.rows, buckets.window)
    if buckets.count > MOST_BUCKETS:
        raise too_large("buckets", buckets.count, MOST_BUCKETS, buckets.window)


async def _check_cost(
    connection: Connection,
    request: QueryRequest,
    planned: tuple[Sequence[SeriesRow], Plans],
    extent: tuple[Window, Buckets | None],
    budget: Budget,
) -> int:
    """Refuse what would read or answer too much, before it does; else say how many rows are expected."""
    window, buckets = extent
    series, plans = planned
    cells = None if buckets is None else buckets.count * len(series)
    rolled = sum(plan.estimate for _, (plan, _) in plans if not plan.is_raw)
    if rolled > budget.samples:
        raise too_large("rows of rollups", rolled, budget.samples, window)
    # What is calculated on the fly costs what its inputs cost.
    raw = await input_rows(connection, [row for row, (plan, _) in plans if plan.is_raw] if plans else series)
    expected = expected_samples(window, (row.scan_period_s for row in raw))
    is_cheap = expected is not None and expected + rolled <= budget.samples
    if is_cheap and cells is not None and cells <= budget.rows:
        return (expected or 0) + rolled
    ids, from_at, to_at = [row.id for row in raw], to_datetime(window.from_us), to_datetime(window.to_us)
    count = await select_sample_count_capped(connection, ids, from_at, to_at, budget.samples + 1) if ids else 0
    if count + rolled > budget.samples:
        raise too_large("samples", max(count + rolled, expected or 0), budget.samples, window)
    rows = _rows_at_most(request, len(series), count + rolled, cells)
    if rows > budget.rows:
        raise too_large("rows", rows, budget.rows, window)
    return count + rolled


def _is_dense(request: QueryRequest) -> bool:
    """Whether every bucket has its row, or is at least computed."""
    return (
        request.fill is not Fill.NONE
        or request.layout is Layout.WIDE
        or bool(request.expressions)
        or wants_exact(request)
    )


def _rows_at_most(request: QueryRequest, series: int, count: int, cells: int | None) -> int:
    if cells is not None:
        return min(cells, count)
    if request.points_by is not PointsBy.BUCKETS:
        return min(count, series * (request.points or 0))
    # Side by side every series has a cell wherever one has a sample.
    return count * series if request.layout is Layout.WIDE else count


async def _few_samples(
    reader: Reader, request: QueryRequest, series: Sequence[SeriesRow], window: Window, budget: Budget
) -> dict[int, SampleColumns] | None:
    """All samples, where there are so few that counting them first would cost a third of reading them; else None."""
    most = min(
        FEW_SAMPLES, budget.samples, budget.rows // (max(1, len(series)) if request.layout is Layout.WIDE else 1)
    )
    expected = expected_samples(window, (row.scan_period_s for row in series))
    # That is doubled, to be on the safe side.
    if (expected or 0) // 2 > most or any(row.is_on_the_fly for row in series):
        return None
    return await read_all(reader, series, window, most)


async def _all_samples(
    reader: Reader, request: QueryRequest, series: Sequence[SeriesRow], window: Window, budget: Budget
) -> tuple[dict[int, SampleColumns], int]:
    """All samples, and how many were expected; many are counted first, and refused where they are too many."""
    samples = await _few_samples(reader, request, series, window, budget)
    if samples is not None:
        return samples, sum(len(each) for each in samples.values())
    estimate = await _check_cost(reader.connection, request, (series, []), (window, None), budget)
    samples = await read_all(reader, series, window, budget.rows)
    if samples is None:
        raise too_large("rows", budget.rows + 1, budget.rows, window)
    return samples, estimate


async def _aligned(connection: Connection, asked: AskedProgress | None, window: Window) -> Aligned | None:
    read = await ask_rollup_progress(connection) if asked is None else asked
    return raw_aligned(await read(), window)
