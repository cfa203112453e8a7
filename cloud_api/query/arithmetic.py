"""Expressions of a query: read against its variables, evaluated over buckets or samples of its series (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.expressions.columns import Column
from cloud_api.expressions.expression import Expression
from cloud_api.expressions.language import parse
from cloud_api.expressions.refusal import ExpressionInvalid, refusal
from cloud_api.expressions.tree import Reference, SeriesKey
from cloud_api.problems import body_invalid
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.bucketed import Bucketed, Found
from cloud_api.query.fills import Fill
from cloud_api.query.joins import common_to, place, union_of
from cloud_api.query.models import Calculation, QueryRequest
from cloud_api.query.values import TEXT_KINDS
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD, BAD_TYPE_MISMATCH

# Aggregates that are no number to count with.
_NO_NUMBERS = {
    Aggregate.MINIMUM_ACTUAL_TIME,
    Aggregate.MAXIMUM_ACTUAL_TIME,
    Aggregate.MINIMUM_ACTUAL_TIME2,
    Aggregate.MAXIMUM_ACTUAL_TIME2,
    Aggregate.WORST_QUALITY,
    Aggregate.WORST_QUALITY2,
}
AGGREGATES = frozenset(each.value for each in Aggregate if each not in _NO_NUMBERS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A calculation of the request, read."""

    calculation: Calculation
    expression: Expression

    def aggregates(self, default: Aggregate) -> set[Aggregate]:
        """The aggregates that it needs; a series without one has the request's first."""
        return {default if each.aggregate is None else Aggregate(each.aggregate) for each in self.expression.references}


@dataclass(frozen=True, slots=True)
class Calculated:
    """A result: rows of time, value and StatusCode, and where there is something to show."""

    times_us: NDArray[np.int64]
    column: Column
    has_rows: NDArray[np.bool_]


def read_calculations(request: QueryRequest, *, is_bucketed: bool) -> list[Asked]:
    """Read the expressions of a request; a Problem names the field, the position, and what is allowed."""
    for name, series in request.variables.items():
        if isinstance(series, str) and "*" in series:
            raise body_invalid(f"variables.{name}", series, "is a glob", "the id or the path of one series")
    read: list[Asked] = []
    for index, calculation in enumerate(request.expressions):
        try:
            expression = parse(calculation.expression, request.variables, AGGREGATES if is_bucketed else ())
        except ExpressionInvalid as error:
            raise refusal(error, f"expressions.{index}.expression") from error
        read.append(Asked(calculation, expression))
    return read


def names_of(asked: Sequence[Asked]) -> list[SeriesKey]:
    """Every series that they name, each once."""
    return list(dict.fromkeys(name for each in asked for name in each.expression.names))


def over_buckets(
    asked: Asked,
    default: Aggregate,
    series: Mapping[SeriesKey, tuple[str, Bucketed]],
    starts_us: NDArray[np.int64],
) -> Calculated:
    """Evaluate over the buckets; `series` holds the kind of each and its aggregates for all of them."""
    inputs: dict[Reference, Column] = {}
    by_name: dict[SeriesKey, Column] = {}
    has_rows = np.zeros(len(starts_us), np.bool_)
    for reference in asked.expression.references:
        kind, bucketed = series[reference.name]
        has_rows |= bucketed.has_samples
        aggregate = default if reference.aggregate is None else Aggregate(reference.aggregate)
        column = _numbers(bucketed.found[aggregate], kind)
        if reference.aggregate is None:
            by_name[reference.name] = column
        else:
            inputs[reference] = column
    made = asked.expression.evaluate({**by_name, **inputs}, starts_us)  # pyright: ignore[reportArgumentType]
    return Calculated(starts_us, made, has_rows | (made.statuses < BAD))


def over_samples(
    asked: Asked, fill: Fill, series: Mapping[SeriesKey, tuple[str, SampleColumns]], *, stepped: bool | None
) -> Calculated:
    """Evaluate where all series have a sample (fill none), or wherever one has (others as `fill` says)."""
    samples = {name: series[name] for name in asked.expression.names}
    times = (common_to if fill is Fill.NONE else union_of)([each for _, each in samples.values()])
    inputs: dict[SeriesKey, Column] = {}
    for name, (kind, each) in samples.items():
        is_stepped = kind in TEXT_KINDS | {"bool"} if stepped is None else stepped
        joined = place(each, times, fill, stepped=is_stepped)
        inputs[name] = _of_kind(Column(joined.values, joined.codes), kind)
    made = asked.expression.evaluate(inputs, times)
    return Calculated(times, made, np.ones(len(times), np.bool_))


def _numbers(found: Found, kind: str) -> Column:
    values = np.array([float(each) if isinstance(each, bool | int | float) else np.nan for each in found.values])
    return _of_kind(Column(values.astype(np.float64), found.codes), kind, values=values)


def _of_kind(column: Column, kind: str, values: NDArray[np.float64] | None = None) -> Column:
    """A text is no number, unless what was asked of it is one, as a count."""
    if kind not in TEXT_KINDS:
        return column
    is_text = np.isnan(column.values if values is None else values) & (column.statuses < BAD)
    return Column(column.values, np.where(is_text, np.uint32(BAD_TYPE_MISMATCH), column.statuses).astype(np.uint32))
