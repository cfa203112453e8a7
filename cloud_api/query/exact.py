"""Aggregates that the database does not compute: raw samples and their neighbours into numpy, then into rows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.instants import format_column, to_datetime
from cloud_api.problems import body_invalid
from cloud_api.query.aggregates.compute import compute
from cloud_api.query.aggregates.names import FOR_ANY_KIND, IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.rolled import Answered
from cloud_api.query.aggregates.samples import Codes, Form, Intervals, Result, make_samples
from cloud_api.query.bucketed import Bucketed, Found
from cloud_api.query.buckets import Buckets
from cloud_api.query.models import QueryRequest
from cloud_api.query.resolution import HIGHEST_GOOD, HIGHEST_UNCERTAIN
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, Json, read_digits, read_values
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import Surroundings, select_samples, select_surrounding_samples
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import has_text
from schemas.status import BAD, BAD_NO_DATA

BAD_AGGREGATE_NOT_SUPPORTED = 0x80D50000
# Kinds whose value stays until it changes; a line between two states means nothing.
_STEPPED_KINDS = TEXT_KINDS | {"bool"}


@dataclass(frozen=True, slots=True)
class Exact:
    """What was computed for one series; `shown` holds the samples that `start` and `end` name."""

    results: Mapping[Aggregate, Result]
    has_samples: NDArray[np.bool_]
    shown: SampleColumns


def wants_exact(request: QueryRequest) -> bool:
    """Whether anything is asked that the database alone does not answer."""
    return not set(request.aggregate) <= set(IN_DATABASE)


def check_configuration(request: QueryRequest, row: SeriesRow) -> None:
    """Part 13, 4.2.1.2: PercentDataGood and PercentDataBad must not leave room between them."""
    configuration = configuration_of(request, row)
    if not configuration.is_consistent:
        least = 100 - configuration.percent_data_bad
        detail = f"is below 100 - percent_data_bad, which is {least} for {row.path} (BadAggregateInvalidInputs)"
        allowed = "percent_data_good >= 100 - percent_data_bad"
        raise body_invalid("percent_data_good", configuration.percent_data_good, detail, allowed)


def configuration_of(request: QueryRequest, row: SeriesRow) -> Configuration:
    """How a series is aggregated: as the request says, else as the series says, else as Part 13 has it."""
    known = Configuration()

    def chosen(name: str, default: Any) -> Any:
        asked, stored = getattr(request, name), getattr(row, name)
        return asked if asked is not None else stored if stored is not None else default

    return Configuration(
        treat_uncertain_as_bad=chosen("treat_uncertain_as_bad", known.treat_uncertain_as_bad),
        percent_data_good=chosen("percent_data_good", known.percent_data_good),
        percent_data_bad=chosen("percent_data_bad", known.percent_data_bad),
        stepped=chosen("stepped", row.kind in _STEPPED_KINDS),
        sloped_extrapolation=chosen("sloped_extrapolation", known.sloped_extrapolation),
        counter_rollover=chosen("counter_rollover", known.counter_rollover),
    )


async def read_exact(
    connection: Connection, request: QueryRequest, row: SeriesRow, buckets: Buckets, limit: int
) -> tuple[Bucketed, int]:
    """Read at most `limit` samples of the window and the few around it, and compute beside the event loop.

    Returns what the database does not aggregate, and how many samples of the window were read.
    """
    from_at, to_at = to_datetime(buckets.window.from_us), to_datetime(buckets.window.to_us)
    inside = await select_samples(connection, row.id, from_at, to_at, limit)
    configuration = configuration_of(request, row)
    highest_good = HIGHEST_GOOD if configuration.treat_uncertain_as_bad else HIGHEST_UNCERTAIN
    around = Surroundings(row.id, from_at, to_at, highest_good, is_text=row.kind in TEXT_KINDS)
    before, after = await select_surrounding_samples(connection, around)
    columns = concatenate((before, inside, after))
    return await asyncio.to_thread(_bucketed, request, row, columns, buckets, len(inside)), len(inside)


def rolled_bucketed(request: QueryRequest, row: SeriesRow, answered: Answered) -> Bucketed:
    """What was computed from rows of partials, `average`, `minimum`, `maximum` and `count` among it."""
    rows = answered.rows
    texts = np.concatenate((rows["first_text"], rows["last_text"]))
    shown = SampleColumns(
        np.concatenate((rows["first_at"], rows["last_at"])),
        np.concatenate((rows["first_value"], rows["last_value"])),
        np.concatenate((rows["first_status"], rows["last_status"])),
        texts.tolist() if has_text(texts).any() else None,
    )
    exact = Exact(answered.results, rows["total"] > 0, shown)
    is_text = row.kind in TEXT_KINDS
    found: dict[Aggregate, Found] = {}
    for aggregate in request.aggregate:
        if aggregate in IN_DATABASE and aggregate is not Aggregate.COUNT:
            found[aggregate] = _plain(aggregate, answered, row.kind, request.int64)
        else:
            found[aggregate] = _found(aggregate, exact, row.kind, request.int64, is_text=is_text)
    return Bucketed(found, exact.has_samples)


def _plain(aggregate: Aggregate, answered: Answered, kind: str, int64: Int64) -> Found:
    """As the database has them from raw: every digit of a 64-bit integer, and no value for texts."""
    result = answered.results[aggregate]
    values: list[Json] = result.values.tolist()
    if kind in INTEGER_KINDS and aggregate is not Aggregate.AVERAGE:
        texts = answered.rows["low_text" if aggregate is Aggregate.MINIMUM else "high_text"].tolist()
        numbers = result.values.tolist()
        digits = [str(int(number)) if text is None else text for text, number in zip(texts, numbers, strict=True)]
        values = [read_digits(each, int64) for each in digits]
    has_samples = answered.rows["total"] > 0
    codes = np.where(has_samples, codes_by_kind(aggregate, result.codes, is_text=kind in TEXT_KINDS), result.codes)
    for index in np.flatnonzero(codes >= BAD).tolist():
        values[index] = None
    return Found(values, codes)


def codes_by_kind(aggregate: Aggregate, codes: Codes, *, is_text: bool) -> Codes:
    """What is no number has no aggregate of numbers, however Good its samples are."""
    is_possible = not is_text or aggregate in FOR_ANY_KIND
    return codes if is_possible else np.full_like(codes, BAD_AGGREGATE_NOT_SUPPORTED)


def _bucketed(request: QueryRequest, row: SeriesRow, columns: SampleColumns, buckets: Buckets, inside: int) -> Bucketed:
    exact, kind = _compute(request, row, columns, buckets, inside), row.kind
    is_text = kind in TEXT_KINDS
    found = {
        aggregate: _found(aggregate, exact, kind, request.int64, is_text=is_text)
        for aggregate in request.aggregate
        if aggregate not in IN_DATABASE
    }
    return Bucketed(found, exact.has_samples)


def _compute(request: QueryRequest, row: SeriesRow, columns: SampleColumns, buckets: Buckets, inside: int) -> Exact:
    configuration, is_text = configuration_of(request, row), row.kind in TEXT_KINDS
    edges = buckets.edges_us()
    intervals = Intervals(edges, buckets.cut())
    samples = make_samples(columns.times_us, columns.values, columns.statuses, configuration, is_text=is_text)
    wanted = [each for each in request.aggregate if each not in IN_DATABASE]
    possible = [each for each in wanted if not is_text or each in FOR_ANY_KIND]
    results = compute(possible, samples, intervals, configuration)
    ends = np.searchsorted(columns.times_us, edges, side="left")
    named = [result for result in results.values() if result.form is Form.SAMPLE]
    shown = np.unique(np.concatenate([np.maximum(result.values, 0) for result in named])) if named and inside else []
    kept = columns.take(np.asarray(shown, np.int64))
    # The samples themselves are let go: what is kept of them is what is shown.
    places = {
        each: Result(result.form, np.searchsorted(shown, np.maximum(result.values, 0)), result.codes)
        if result.form is Form.SAMPLE
        else result
        for each, result in results.items()
    }
    return Exact(places, np.diff(ends) > 0, kept)


def _found(aggregate: Aggregate, exact: Exact, kind: str, int64: Int64, *, is_text: bool) -> Found:
    if is_text and aggregate not in FOR_ANY_KIND:
        size = len(exact.has_samples)
        code = np.where(exact.has_samples, BAD_AGGREGATE_NOT_SUPPORTED, BAD_NO_DATA).astype(np.uint32)
        return Found([None] * size, code)
    result = exact.results[aggregate]
    if result.form is Form.INSTANT:
        values: list[Json] = list(format_column(result.values.astype(np.int64)))
    elif result.form is Form.SAMPLE:
        shown = read_values(kind, exact.shown, int64)
        values = [shown[index] for index in result.values.tolist()] if shown else [None] * len(result.codes)
    else:
        values = result.values.tolist()
    is_missing = result.codes >= BAD if aggregate is not Aggregate.COUNT else np.zeros(len(values), np.bool_)
    for index in np.flatnonzero(is_missing).tolist():
        values[index] = None
    return Found(values, result.codes)
