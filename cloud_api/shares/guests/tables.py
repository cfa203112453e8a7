"""Makes the rows of a part: aggregates, time in classes, raised alarms; each runs where nothing is but the share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cloud_api.calculations.reading import inputs_of
from cloud_api.formats.table import Column, Json, Kind, Table, Typed, codes, instants, mixed, numbers, repeated, table
from cloud_api.instants import format_us, to_datetime
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.bucketed import Bucketed
from cloud_api.query.buckets import Align, Window
from cloud_api.query.classes import ClassQuestion, read_classes
from cloud_api.query.cost import Budget
from cloud_api.query.models import QueryRequest
from cloud_api.query.service import QueryResult, run_query
from cloud_api.shares.guard import floor_buckets
from cloud_api.shares.guests.delivery import Part
from cloud_api.shares.guests.questions import MOST_SERIES, PART_ROWS, Asked, Offer
from cloud_api.shares.terms import Priority, Terms
from cloud_api.storage.calculation_samples import select_inputs_between
from cloud_api.storage.pool import Connection
from cloud_api.storage.share_reads import select_shared_aliases, select_shared_raises
from schemas.status import BAD

# Part 4: what is not for this caller. Of intervals with fewer samples than agreed.
BAD_USER_ACCESS_DENIED = 0x801F0000
UNKNOWN_CLASS = "unknown"


@dataclass(frozen=True, slots=True)
class Making:
    """What every part of a read has in common."""

    terms: Terms
    asked: Asked
    budget: Budget
    now_us: int


def data_parts(making: Making, series: Sequence[Offer], aggregates: dict[int, list[Aggregate]]) -> list[Part]:
    """Parts of a read of aggregates: a row for each series and interval."""
    names = list(dict.fromkeys(each for some in aggregates.values() for each in some))
    parts: list[Part] = []
    for tag, wanted in aggregates.items():
        members = [each for each in series if each.tag == tag]
        for group in _groups(making, members):
            for piece in making.asked.pieces(len(group)):
                rows = making.asked.count_in(piece) * len(group)
                parts.append(Part(rows, partial(_data, making, group, piece, (wanted, names))))
    return parts


def class_parts(making: Making, series: Sequence[Offer]) -> list[Part]:
    """Parts of a read of time in classes: a row for each series, interval and class, and one for what is unknown."""
    parts: list[Part] = []
    for each in series:
        limits = making.terms.tags[each.tag].classes or []
        for piece in making.asked.pieces(len(limits) + 2):
            rows = making.asked.count_in(piece) * (len(limits) + 2)
            parts.append(Part(rows, partial(_classes, making, each, piece, limits)))
    return parts


def alarm_parts(making: Making, assets: Sequence[str], priorities: Sequence[Priority]) -> list[Part]:
    """Parts of a count of raised alarms: a row for each asset, interval and priority."""
    each_interval = len(assets) * len(priorities)
    return [
        Part(making.asked.count_in(piece) * each_interval, partial(_alarms, making, assets, piece, priorities))
        for piece in making.asked.pieces(each_interval)
    ]


def _groups(making: Making, series: Sequence[Offer]) -> list[Sequence[Offer]]:
    size = min(MOST_SERIES, max(1, PART_ROWS // making.asked.buckets.count))
    return [series[start : start + size] for start in range(0, len(series), size)]


async def _data(
    making: Making,
    series: Sequence[Offer],
    piece: Window,
    about: tuple[list[Aggregate], list[Aggregate]],
    connection: Connection,
) -> Table:
    wanted, names = about
    needed = list(dict.fromkeys([*wanted, Aggregate.COUNT]))
    request = _request(making, series, piece, needed)
    result = await run_query(connection, request, making.budget, making.now_us)
    hidden = await _hidden(connection, making, result, piece)
    tables = [_data_table(each, result, hidden[each.id], (wanted, names)) for each in series]
    return _stacked(tables)


def _data_table(
    offer: Offer, result: QueryResult, hidden: NDArray[np.bool_], about: tuple[list[Aggregate], list[Aggregate]]
) -> Table:
    wanted, names = about
    assert result.reading is not None
    assert result.buckets is not None
    size = result.buckets.count
    bucketed = result.reading.series[offer.id].everywhere(size)
    statuses = np.where(hidden, np.uint32(BAD_USER_ACCESS_DENIED), bucketed.statuses(wanted)).astype(np.uint32)
    columns = [repeated("series", offer.alias, size), instants("time", result.buckets.starts_us())]
    columns += [_values(each, bucketed if each in wanted else None, hidden) for each in names]
    return table([*columns, codes("status", statuses)])


def _values(aggregate: Aggregate, bucketed: Bucketed | None, hidden: NDArray[np.bool_]) -> Column:
    size = len(hidden)
    found: Sequence[Json] = [None] * size if bucketed is None else bucketed.found[aggregate].values
    shown: list[Json] = [None if gone else value for value, gone in zip(found, hidden.tolist(), strict=True)]

    def typed() -> Typed:
        values = np.array([float(each) if isinstance(each, int | float) else math.nan for each in shown])
        return Typed(Kind.NUMBER, values, np.isnan(values))

    return Column(aggregate.value, size, typed, lambda: shown)


async def _hidden(
    connection: Connection, making: Making, result: QueryResult, piece: Window
) -> dict[int, NDArray[np.bool_]]:
    """Intervals with too few samples, or that hold a shortest interval which has some, and too few."""
    assert result.buckets is not None
    ids = [row.id for row in result.shown]
    least = making.terms.least_samples
    if least == 1:
        return {each: np.zeros(result.buckets.count, np.bool_) for each in ids}
    floor = floor_buckets(making.terms, piece)
    fine = replace(making, asked=replace(making.asked, interval=making.terms.floor.value))
    request = _request(fine, [Offer(each, "", None, 0) for each in ids], piece, [Aggregate.COUNT])
    counted = await run_query(connection, request, making.budget, making.now_us)
    assert counted.reading is not None
    place = result.buckets.places_of(floor.starts_us())
    hidden: dict[int, NDArray[np.bool_]] = {}
    for each in ids:
        found = counted.reading.series[each].everywhere(floor.count).found[Aggregate.COUNT].values
        counts = np.array([value if isinstance(value, int) else 0 for value in found], np.int64)
        hidden[each] = _are_few(counts, place, result.buckets.count, least)
    # What is calculated on the fly may be undone by who knows its other inputs: each of them must be enough by itself.
    for series_id, inputs in (await inputs_of(connection, result.shown)).items():
        for counts in await _input_counts(connection, [each.id for each in inputs], floor.whole_edges_us()):
            hidden[series_id] |= _are_few(counts, place, result.buckets.count, least)
    return hidden


def _are_few(counts: NDArray[np.int64], place: NDArray[np.int64], size: int, least: int) -> NDArray[np.bool_]:
    """Which intervals have too few samples, or hold a shortest interval which has some, and too few."""
    few = np.bincount(place, (counts > 0) & (counts < least), size) > 0
    return few | (np.bincount(place, counts, size) < least)


async def _input_counts(
    connection: Connection, series_ids: Sequence[int], edges_us: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """How many samples that are not Bad each of these series has in each of the shortest intervals."""
    from_us, to_us = int(edges_us[0]), int(edges_us[-1])
    found = await select_inputs_between(connection, [(each, from_us, to_us) for each in series_ids])
    counts = [np.zeros(len(edges_us) - 1, np.int64) for _ in series_ids]
    for position, columns in found.items():
        is_good = (columns.statuses < BAD) & ~np.isnan(columns.values)
        places = np.searchsorted(edges_us, columns.times_us[is_good], side="right") - 1
        counts[position] = np.bincount(places, minlength=len(edges_us) - 1)
    return counts


def _request(making: Making, series: Sequence[Offer], piece: Window, aggregates: list[Aggregate]) -> QueryRequest:
    return QueryRequest.model_validate(
        {
            "series": [each.id for each in series],
            "from": format_us(piece.from_us),
            "to": format_us(piece.to_us),
            "interval": making.asked.interval,
            "align": Align.CLOCK,
            "time_zone": making.terms.time_zone,
            "aggregate": aggregates,
        }
    )


async def _classes(
    making: Making, offer: Offer, piece: Window, limits: Sequence[float], connection: Connection
) -> Table:
    request = _request(making, [offer], piece, [Aggregate.COUNT])
    result = await run_query(connection, request, making.budget, making.now_us)
    assert result.buckets is not None
    hidden = (await _hidden(connection, making, result, piece))[offer.id]
    (row,) = result.shown
    times = await read_classes(connection, ClassQuestion(request, row, result.buckets, limits), making.budget)
    size = len(limits) + 2
    seconds = np.concatenate((times.held_us, times.unknown_us[:, None]), axis=1) / 1e6
    seconds[hidden] = np.nan
    count = result.buckets.count
    return table(
        [
            repeated("series", offer.alias, count * size),
            instants("time", np.repeat(result.buckets.starts_us(), size)),
            mixed("class", [*[str(each + 1) for each in range(size - 1)], UNKNOWN_CLASS] * count),
            numbers("at_least", np.tile(np.array([np.nan, *limits, np.nan]), count)),
            numbers("below", np.tile(np.array([*limits, np.nan, np.nan]), count)),
            numbers("seconds", seconds.ravel()),
        ]
    )


async def _alarms(
    making: Making, assets: Sequence[str], piece: Window, priorities: Sequence[Priority], connection: Connection
) -> Table:
    edges = making.asked.buckets.whole_edges_us()
    edges = edges[(edges >= piece.from_us) & (edges <= piece.to_us)]
    at = [to_datetime(int(each)) for each in edges]
    raises = await select_shared_raises(connection, at, at[0], at[-1])
    counts = {(each.alias, each.place - 1, each.priority): each.count for each in raises}
    # What the share holds now may be less than when the read began.
    there = set(await select_shared_aliases(connection))
    keys = [
        (asset, place, priority.value)
        for asset in assets
        if asset in there
        for place in range(len(edges) - 1)
        for priority in priorities
    ]
    return table(
        [
            mixed("asset", [key[0] for key in keys]),
            instants("time", edges[np.array([key[1] for key in keys], np.int64)]),
            mixed("priority", [key[2] for key in keys]),
            mixed("raised", [counts.get(key, 0) for key in keys]),
        ]
    )


def _stacked(tables: Sequence[Table]) -> Table:
    """Tables of the same columns, one below the other."""
    return table([_below([each.columns[place] for each in tables]) for place in range(len(tables[0].columns))])


def _below(columns: Sequence[Column]) -> Column:
    def typed() -> Typed:
        made = [each.typed() for each in columns]
        kind = made[0].kind
        if kind is Kind.TEXT:
            return Typed(kind, [value for each in made for value in each.values])
        values = np.concatenate([np.asarray(each.values) for each in made])
        missing = None if made[0].missing is None else np.concatenate([np.asarray(each.missing) for each in made])
        return Typed(kind, values, missing)

    size = sum(each.size for each in columns)
    return Column(columns[0].name, size, typed, lambda: [value for each in columns for value in each.shown()])
