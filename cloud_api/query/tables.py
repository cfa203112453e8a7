"""From what was read to the columns of an answer, one table a series or one for all of them side by side (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cloud_api.formats.table import Column, Json, Kind, Table, Typed, codes, instants, mixed, numbers, table
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.bucketed import Bucketed
from cloud_api.query.joins import Joined
from cloud_api.query.values import INTEGER_KINDS, TEXT_KINDS, Int64, has_cells, read_values, value_cells
from cloud_api.storage.columns import SampleColumns

Head: TypeAlias = dict[str, Json]

_INSTANTS = {
    Aggregate.MINIMUM_ACTUAL_TIME,
    Aggregate.MAXIMUM_ACTUAL_TIME,
    Aggregate.MINIMUM_ACTUAL_TIME2,
    Aggregate.MAXIMUM_ACTUAL_TIME2,
}
_NOT_FINITE = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


@dataclass(frozen=True, slots=True)
class Answered:
    """One series or one calculation: what it is, and its rows."""

    head: Head
    table: Table


def sample_table(kind: str, samples: SampleColumns, int64: Int64) -> Table:
    """Stored samples as time, value, status."""
    value = sample_values("value", kind, samples, int64)
    return table([instants("time", samples.times_us), value, codes("status", samples.statuses)])


def sample_values(name: str, kind: str, samples: SampleColumns, int64: Int64) -> Column:
    """Values exactly as they were read; typed by the kind of their series."""
    return Column(
        name,
        len(samples),
        partial(_typed, kind, samples),
        lambda: read_values(kind, samples, int64),
        (lambda low, high: value_cells(kind, samples.slice(low, high))) if has_cells(kind, int64) else None,
    )


def bucket_table(
    bucketed: Bucketed,
    times: Column,
    kept: NDArray[np.bool_],
    aggregates: Sequence[Aggregate],
    *,
    with_codes: bool,
) -> Table:
    """Times of the kept buckets, aggregates, the worst status, and with `with_codes` the code of each aggregate."""
    made = [
        times,
        *aggregate_columns(bucketed, kept, {each: each.value for each in aggregates}),
        codes("status", bucketed.statuses(aggregates)[kept]),
    ]
    if with_codes:
        made += [codes(f"{each}_status", bucketed.found[each].codes[kept]) for each in aggregates]
    return table(made)


def aggregate_columns(bucketed: Bucketed, kept: NDArray[np.bool_], names: dict[Aggregate, str]) -> list[Column]:
    """The values of some aggregates, under these names."""
    places = None if kept.all() else np.flatnonzero(kept).tolist()
    made: list[Column] = []
    for aggregate, name in names.items():
        values = bucketed.found[aggregate].values
        shown = values if places is None else [values[place] for place in places]
        made.append(mixed(name, shown, is_instant=aggregate in _INSTANTS))
    return made


def joined_values(name: str, kind: str, samples: SampleColumns, joined: Joined, int64: Int64) -> Column:
    """Values of a series on a common axis: stored ones exactly as read, made ones as doubles."""

    def shown() -> list[Json]:
        read = read_values(kind, samples, int64)
        return [
            read[index] if index >= 0 else None if value != value else value  # noqa: PLR0124 # NaN alone differs
            for index, value in zip(joined.index.tolist(), joined.values.tolist(), strict=True)
        ]

    if kind in TEXT_KINDS:
        return Column(name, len(joined.codes), lambda: Typed(Kind.TEXT, _as_texts(shown())), shown)
    return Column(name, len(joined.codes), numbers(name, joined.values).typed, shown)


def _as_texts(values: Sequence[Json]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _typed(kind: str, samples: SampleColumns) -> Typed:
    missing = np.isnan(samples.values)
    if kind in TEXT_KINDS:
        return Typed(Kind.TEXT, samples.texts or [None] * len(samples))
    if kind == "bool":
        return Typed(Kind.BOOLEAN, samples.values == 1, missing)
    if kind in INTEGER_KINDS:
        return _whole(kind, samples, missing)
    if samples.texts is None:
        return Typed(Kind.NUMBER, samples.values, missing)
    values = samples.values.copy()
    for index, text in enumerate(samples.texts):
        if text in _NOT_FINITE:
            values[index], missing[index] = _NOT_FINITE[text], False
    return Typed(Kind.NUMBER, values, missing)


def _whole(kind: str, samples: SampleColumns, missing: NDArray[np.bool_]) -> Typed:
    width = np.uint64 if kind == "u64" else np.int64
    safe = np.where(missing | (np.abs(samples.values) > 2**53), 0, samples.values).astype(width)
    for index, text in enumerate(samples.texts or ()):
        if text is not None and text.lstrip("-").isdecimal():
            safe[index], missing[index] = int(text), False
    return Typed(Kind.UNSIGNED if kind == "u64" else Kind.SIGNED, safe, missing)
