"""Counts, means and extremes of many series in few statements: those that are planned alike are read together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from cloud_api.instants import to_datetime
from cloud_api.query.aggregates.grouped import Groups, compute_grouped, group_samples, merge_groups
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.samples import Integers, Result
from cloud_api.query.bucketed import Bucketed, Found
from cloud_api.query.buckets import Buckets
from cloud_api.query.exact import codes_by_kind, configuration_of
from cloud_api.query.models import QueryRequest
from cloud_api.query.plan import Plan
from cloud_api.query.planner import USUAL_RATE
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN
from cloud_api.query.spans import Spans, length_us, make_spans
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, Json
from cloud_api.storage.buckets import (
    Counting,
    GroupColumns,
    Measured,
    Steps,
    Stretch,
    begin_measured,
    begin_rollup_groups,
    read_measured,
    read_rollup_groups,
    select_sample_groups,
)
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.pool import Connection, Cursor
from cloud_api.storage.rollup_rows import Resolution
from schemas.status import BAD

# More samples than this in one stretch are merged by the database: it needs more CPU for each, and no memory of ours.
MANY_SAMPLES = 250_000
# A plan of more stretches is read by itself, in statements that look into many.
FEW_STRETCHES = 12
EXTREMES = frozenset({Aggregate.MINIMUM, Aggregate.MAXIMUM})
RAW = "raw"


@dataclass(frozen=True, slots=True)
class Kin:
    """Series that are planned, weighed and counted alike."""

    rows: Sequence[SeriesRow]
    plan: Plan
    configuration: Configuration
    is_text: bool

    @property
    def ids(self) -> list[int]:
        """Their ids, in the order of `rows`."""
        return [row.id for row in self.rows]

    @property
    def counting(self) -> Counting:
        """What counts."""
        is_strict = self.configuration.treat_uncertain_as_bad
        return Counting(HIGHEST_GOOD if is_strict else HIGHEST_UNCERTAIN, self.is_text)

    def places(self, series_ids: Integers, intervals: Integers, count: int) -> Integers:
        """One number for each series and interval: those of one series follow each other."""
        ids = np.array(self.ids, np.int64)
        order = np.argsort(ids)
        return order[np.searchsorted(ids[order], series_ids)] * count + intervals


@dataclass(frozen=True, slots=True)
class Together:
    """What was found, by series id, how many rows of each source were read, and of which series texts tell more."""

    found: Mapping[int, Bucketed]
    scanned: Mapping[str, int]
    digits: AbstractSet[int]


def can_be_together(request: QueryRequest, row: SeriesRow, plan: Plan) -> bool:
    """Whether counts, means and extremes of this series can be read with those of others."""
    if row.is_on_the_fly:
        return False
    if plan.is_raw:
        return True
    is_plain = set(request.aggregate) <= set(IN_DATABASE)
    stretches = len(plan.quarters) + len(plan.minutes) + len(plan.raw)
    return is_plain and stretches <= FEW_STRETCHES and configuration_of(request, row).treat_uncertain_as_bad


async def read_together(
    connection: Connection,
    request: QueryRequest,
    chosen: Sequence[tuple[SeriesRow, Plan]],
    buckets: Buckets,
    as_of: datetime | None,
) -> Together:
    """Read counts, means and extremes of these series, all that are planned alike by one statement a stretch."""
    if not chosen:
        return Together({}, {}, frozenset())
    kins = _kins(request, chosen)
    async with connection.pipeline():
        asked = [await _ask(connection, kin, buckets, as_of) for kin in kins]
    found, scanned, digits = dict[int, Bucketed](), Counter[str](), set[int]()
    for kin, cursors in zip(kins, asked, strict=True):
        parts, texts = await _read(connection, kin, buckets, cursors, scanned)
        digits |= {row.id for row in kin.rows if row.id in texts and _has_digits(request, row)}
        found |= _bucketed(request, kin, merge_groups(parts) if parts else None, buckets)
    return Together(found, scanned, digits)


def _has_digits(request: QueryRequest, row: SeriesRow) -> bool:
    return row.kind in INTEGER_KINDS and bool(EXTREMES.intersection(request.aggregate))


def _kins(request: QueryRequest, chosen: Sequence[tuple[SeriesRow, Plan]]) -> list[Kin]:
    alike: dict[tuple[object, ...], tuple[list[SeriesRow], Plan, Configuration, bool]] = {}
    for row, plan in chosen:
        configuration, is_text = configuration_of(request, row), row.kind in TEXT_KINDS
        stretches = (plan.quarters.tobytes(), plan.minutes.tobytes(), plan.raw.tobytes(), plan.edges_us.tobytes())
        alike.setdefault((*stretches, configuration, is_text), ([], plan, configuration, is_text))[0].append(row)
    return [Kin(*each) for each in alike.values()]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Statements under way: of rollups, and of the stretches of raw samples that are few."""

    rolled: Sequence[tuple[Resolution, Cursor]]
    raw: Sequence[tuple[Stretch, Cursor | None]]


async def _ask(connection: Connection, kin: Kin, buckets: Buckets, as_of: datetime | None) -> _Asked:
    plan, rolled, raw = kin.plan, list[tuple[Resolution, Cursor]](), list[tuple[Stretch, Cursor | None]]()
    for resolution, spans in ((Resolution.QUARTER, plan.quarters), (Resolution.MINUTE, plan.minutes)):
        for from_us, to_us in spans.tolist():
            stretch = Stretch(kin.ids, to_datetime(from_us), to_datetime(to_us))
            cursor = await begin_rollup_groups(connection, resolution, stretch, plan.edges_us, as_of)
            rolled.append((resolution, cursor))
    for from_us, to_us in _raw_spans(plan, buckets).tolist():
        stretch = Stretch(kin.ids, to_datetime(from_us), to_datetime(to_us))
        is_much = _expected(kin, make_spans([(from_us, to_us)])) > MANY_SAMPLES
        limit = 2 * MANY_SAMPLES
        raw.append((stretch, None if is_much else await begin_measured(connection, stretch, kin.counting, limit)))
    return _Asked(rolled, raw)


def _raw_spans(plan: Plan, buckets: Buckets) -> Spans:
    """Where nothing but raw samples is read, all of the window is: what is not kept is not there."""
    return make_spans([(buckets.window.from_us, buckets.window.to_us)]) if plan.is_raw else plan.raw


def _expected(kin: Kin, spans: Spans) -> float:
    rates = (1 / row.scan_period_s if row.scan_period_s and row.scan_period_s > 0 else USUAL_RATE for row in kin.rows)
    return length_us(spans) / 1e6 * sum(rates)


async def _read(
    connection: Connection, kin: Kin, buckets: Buckets, asked: _Asked, scanned: Counter[str]
) -> tuple[list[Groups], AbstractSet[int]]:
    """Groups of every source, and the series that have texts."""
    parts, texts = list[Groups](), set[int]()
    for resolution, cursor in asked.rolled:
        columns = await read_rollup_groups(cursor)
        scanned[resolution.value] += 0 if columns is None else columns.row_count
        if columns is not None:
            texts |= columns.texts
            parts.append(_of_columns(kin, columns, columns.places, buckets.count))
    for stretch, cursor in asked.raw:
        found = [] if cursor is None else await read_measured(cursor)
        count = sum(len(each.times_us) for each in found)
        if cursor is not None and count < 2 * MANY_SAMPLES:
            texts |= {each.series_id for each in found if each.has_texts}
            scanned[RAW] += count
            parts += [_of_samples(kin, found, buckets)] if found else []
            continue
        columns = await select_sample_groups(connection, stretch, _steps(kin.plan, buckets), kin.counting)
        if columns is not None:
            texts |= columns.texts
            scanned[RAW] += columns.row_count
            parts.append(_of_columns(kin, columns, _intervals(kin.plan, buckets, columns.places), buckets.count))
    return parts, texts


def _of_columns(kin: Kin, columns: GroupColumns, intervals: Integers, count: int) -> Groups:
    places = kin.places(columns.series_ids.astype(np.int64), intervals, count)
    return Groups(places, columns.totals, columns.accepted, columns.means, columns.lows, columns.highs)


def _of_samples(kin: Kin, found: Sequence[Measured], buckets: Buckets) -> Groups:
    at = {series_id: index for index, series_id in enumerate(kin.ids)}
    ordered = sorted(found, key=lambda each: at[each.series_id])
    times = np.concatenate([each.times_us for each in ordered])
    places = _intervals(kin.plan, buckets, times)
    series = np.array([at[each.series_id] for each in ordered], np.int64)
    places = places + np.repeat(series * buckets.count, [len(each.times_us) for each in ordered])
    return group_samples(places, np.concatenate([each.values for each in ordered]))


def _intervals(plan: Plan, buckets: Buckets, times_us: Integers) -> Integers:
    """Which interval of the plan holds each instant; one that the window cuts may begin before it."""
    if not plan.is_aligned:
        return buckets.places_of(times_us)
    return np.searchsorted(plan.edges_us, times_us, side="right").astype(np.int64) - 1


def _steps(plan: Plan, buckets: Buckets) -> Steps:
    edges_us = None if buckets.is_uniform else buckets.whole_edges_us()
    edges_us = plan.edges_us if plan.is_aligned else edges_us
    edges_at = None if edges_us is None else [to_datetime(each) for each in edges_us.tolist()]
    return Steps(max(1, buckets.step_us), to_datetime(buckets.origin_us), edges_at)


def _bucketed(request: QueryRequest, kin: Kin, groups: Groups | None, buckets: Buckets) -> dict[int, Bucketed]:
    nothing = np.empty(0, np.int64)
    merged = groups or Groups(nothing, *([np.empty(0, np.float64)] * 5))
    wanted = [each for each in dict.fromkeys(request.aggregate) if each in IN_DATABASE]
    results = {each: compute_grouped(each, merged, kin.configuration) for each in wanted}
    values = {each: _shown(each, result, is_text=kin.is_text) for each, result in results.items()}
    codes = {each: codes_by_kind(each, result.codes, is_text=kin.is_text) for each, result in results.items()}
    edges = np.searchsorted(merged.places, np.arange(len(kin.rows) + 1) * buckets.count).tolist()
    found: dict[int, Bucketed] = {}
    for index, row in enumerate(kin.rows):
        own = slice(edges[index], edges[index + 1])
        each_found = {
            each: Found(_as_kind(each, row.kind, values[each][own], request.int64), codes[each][own]) for each in wanted
        }
        places = merged.places[own] - index * buckets.count
        found[row.id] = Bucketed(each_found, np.ones(len(places), np.bool_), places)
    return found


def _shown(aggregate: Aggregate, result: Result, *, is_text: bool) -> list[Json]:
    values: list[Json] = result.values.tolist()
    if aggregate is Aggregate.COUNT:
        return values
    if is_text:
        return [None] * len(values)
    for index in np.flatnonzero(result.codes >= BAD).tolist():
        values[index] = None
    return values


def _as_kind(aggregate: Aggregate, kind: str, values: list[Json], int64: Int64) -> Sequence[Json]:
    """Integers as whole numbers: a double holds every digit of those that have no text."""
    if kind not in INTEGER_KINDS or aggregate not in EXTREMES:
        return values
    whole = [int(value) if isinstance(value, float) else None for value in values]
    return [None if value is None else str(value) for value in whole] if int64 is Int64.STRING else whole
