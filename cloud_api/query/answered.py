"""What a query found, as tables: buckets, samples and calculations, one below or one beside the other (pure)."""

import numpy as np
from numpy.typing import NDArray

from cloud_api.formats.table import Column, Table, codes, instants, numbers, table
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.arithmetic import Asked, Calculated, over_buckets, over_samples
from cloud_api.query.bucketed import Bucketed
from cloud_api.query.buckets import Buckets
from cloud_api.query.exact import configuration_of, wants_exact
from cloud_api.query.fills import Fill, filled
from cloud_api.query.joins import place
from cloud_api.query.service import QueryResult
from cloud_api.query.tables import Answered, Head, aggregate_columns, bucket_table, joined_values, sample_table
from cloud_api.storage.catalog import SeriesRow
from schemas.status import BAD, BAD_NO_DATA


def answers_of(result: QueryResult, *, heads_only: bool = False) -> list[Answered]:
    """One table for each series and each calculation."""
    nothing = Table([])
    axes = _Axes()
    found = [Answered(_head(row), nothing if heads_only else _series_table(result, row, axes)) for row in result.shown]
    for asked in result.asked:
        made = nothing if heads_only else _calculated_table(result, asked)
        found.append(Answered(_calculated_head(result, asked), made))
    return found


def wide_table(result: QueryResult) -> Table:
    """One row for each time, with a value and a status of each series and each calculation."""
    if result.buckets is None:
        return _wide_samples(result)
    return _wide_buckets(result, result.buckets)


def _head(row: SeriesRow) -> Head:
    return {"id": row.id, "path": row.path, "unit": row.unit}


def _calculated_head(result: QueryResult, asked: Asked) -> Head:
    calculation = asked.calculation
    units = {name: row.unit for name, row in result.named.items()}
    unit = calculation.unit if calculation.unit is not None else asked.expression.unit(units)
    return {"id": None, "path": None, "name": calculation.name, "expression": calculation.expression, "unit": unit}


class _Axes:
    """Columns of times: series side by side mostly have the same, which are written once."""

    def __init__(self) -> None:
        self._made: dict[bytes, Column] = {}

    def column(self, starts_us: NDArray[np.int64]) -> Column:
        """The column of these times."""
        return self._made.setdefault(starts_us.tobytes(), instants("time", starts_us).once())


def _series_table(result: QueryResult, row: SeriesRow, axes: _Axes) -> Table:
    request, buckets = result.request, result.buckets
    if buckets is None:
        return sample_table(row.kind, result.samples[row.id], request.int64)
    bucketed = _bucketed(result, row, buckets)
    kept = bucketed.has_rows(request.aggregate) if request.fill is Fill.NONE else np.ones(len(bucketed), np.bool_)
    if buckets.shown is not None:
        kept = kept & (buckets.shown if bucketed.places is None else buckets.shown[bucketed.places])
    times = axes.column(buckets.starts_us(bucketed.places)[kept])
    return bucket_table(bucketed, times, kept, request.aggregate, with_codes=_has_codes(result))


def _has_codes(result: QueryResult) -> bool:
    """Whether each aggregate shows a code of its own: where more than counting was done, or values were filled in."""
    return wants_exact(result.request) or result.request.fill in {Fill.PREVIOUS, Fill.LINEAR}


def _bucketed(result: QueryResult, row: SeriesRow, buckets: Buckets, *, everywhere: bool = False) -> Bucketed:
    assert result.reading is not None
    bucketed = result.reading.series[row.id]
    if not everywhere and result.request.fill is Fill.NONE:
        return bucketed
    stepped = configuration_of(result.request, row).stepped
    whole = bucketed.everywhere(buckets.count)
    return filled(whole, result.request.fill, buckets.starts_us(), result.now_us, stepped=stepped)


def _calculate(result: QueryResult, asked: Asked) -> Calculated:
    if result.buckets is None:
        samples = {name: (row.kind, result.samples[row.id]) for name, row in result.named.items()}
        return over_samples(asked, result.request.fill, samples, stepped=result.request.stepped)
    buckets = result.buckets
    series = {name: (row.kind, _bucketed(result, row, buckets, everywhere=True)) for name, row in result.named.items()}
    return over_buckets(asked, result.request.aggregate[0], series, buckets.starts_us())


def _calculated_table(result: QueryResult, asked: Asked) -> Table:
    made = _calculate(result, asked)
    kept = made.has_rows if result.request.fill is Fill.NONE else np.ones(len(made.times_us), np.bool_)
    if result.buckets is not None and result.buckets.shown is not None:
        kept = kept & result.buckets.shown
    return table(
        [
            instants("time", made.times_us[kept]),
            numbers("value", made.column.values[kept]),
            codes("status", made.column.statuses[kept]),
        ]
    )


def _wide_buckets(result: QueryResult, buckets: Buckets) -> Table:
    aggregates = result.request.aggregate
    series = [(row, _bucketed(result, row, buckets, everywhere=True)) for row in result.shown]
    made = [(asked, _calculate(result, asked)) for asked in result.asked]
    kept = np.full(buckets.count, result.request.fill is not Fill.NONE)
    for _, bucketed in series:
        kept |= bucketed.has_rows(aggregates)
    for _, calculated in made:
        kept |= calculated.has_rows
    if buckets.shown is not None:
        kept &= buckets.shown
    columns = [instants("time", buckets.starts_us()[kept])]
    for row, bucketed in series:
        columns += aggregate_columns(bucketed, kept, _wide_names(row, aggregates))
        columns.append(codes(f"{row.path}:status", bucketed.statuses(aggregates)[kept]))
    for asked, calculated in made:
        columns += _wide_calculation(asked, calculated, np.flatnonzero(kept))
    return table(columns)


def _wide_names(row: SeriesRow, aggregates: list[Aggregate]) -> dict[Aggregate, str]:
    if len(aggregates) == 1:
        return {aggregates[0]: row.path}
    return {each: f"{row.path}:{each}" for each in aggregates}


def _wide_samples(result: QueryResult) -> Table:
    request = result.request
    made = [(asked, _calculate(result, asked)) for asked in result.asked]
    axes = [result.samples[row.id].times_us for row in result.shown] + [each.times_us for _, each in made]
    times = np.unique(np.concatenate(axes))
    columns = [instants("time", times)]
    for row in result.shown:
        samples = result.samples[row.id]
        stepped = configuration_of(request, row).stepped
        joined = place(samples, times, request.fill, stepped=stepped)
        columns.append(joined_values(row.path, row.kind, samples, joined, request.int64))
        columns.append(codes(f"{row.path}:status", joined.codes))
    for asked, calculated in made:
        columns += _wide_calculation(asked, calculated, _places(calculated.times_us, times))
    return table(columns)


def _places(times_us: NDArray[np.int64], axis_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each time of the axis stands among `times_us`; -1 where it does not."""
    at = np.minimum(np.searchsorted(times_us, axis_us), max(0, len(times_us) - 1))
    return np.where(times_us[at] == axis_us, at, -1) if len(times_us) else np.full(len(axis_us), -1, np.int64)


def _wide_calculation(asked: Asked, calculated: Calculated, places: NDArray[np.int64]) -> list[Column]:
    is_there = places >= 0
    values = np.full(len(places), np.nan)
    statuses = np.full(len(places), BAD_NO_DATA, np.uint32)
    values[is_there] = calculated.column.values[places[is_there]]
    statuses[is_there] = calculated.column.statuses[places[is_there]]
    values[statuses >= BAD] = np.nan
    name = asked.calculation.name
    return [numbers(name, values), codes(f"{name}:status", statuses)]
