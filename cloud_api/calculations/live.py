"""What is calculated on the fly, as live streams show it: a new value wherever its inputs have got on.

A result is shown once all inputs are measured up to its time, as everywhere else (`Calculation.until_us`). What comes
late and lies before what has been shown is history; where it changes the value shown last, that one is shown again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cloud_api.calculations.definitions import Calculation, CalculationUnfit, formulas_of, names_of
from cloud_api.calculations.formula import evaluate
from cloud_api.calculations.inputs import read_inputs_of
from cloud_api.storage.calculations import (
    ON_THE_FLY,
    CalculationRow,
    select_calculation_sources,
    select_calculations,
)
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.live import LiveRows
from cloud_api.storage.pool import Connection

log = logging.getLogger(__name__)

Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Live:
    """A calculated series and the paths of all that it is made of, calculated or stored: seen by who sees them all."""

    calculation: Calculation
    path: str
    input_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What one look found: changes of series, the time, how far each was and is, the earliest of what has come."""

    generation: int
    now_us: int
    before_us: Mapping[int, int]
    heads_us: Mapping[int, int]
    earliest_us: Mapping[int, int]


@dataclass(slots=True)
class LiveCalculations:
    """What is calculated on the fly and how far each was shown; kept from look to look."""

    known: dict[int, Live] = field(default_factory=dict[int, Live])
    shown_us: dict[int, int] = field(default_factory=dict[int, int])
    _until_us: dict[int, int] = field(default_factory=dict[int, int])
    _formulas: dict[int, tuple[Calculation, tuple[str, ...]]] = field(
        default_factory=dict[int, tuple[Calculation, tuple[str, ...]]]
    )
    _generation: int | None = None

    def forget(self) -> None:
        """Begin anew: what is shown next follows what is stored then."""
        self.shown_us, self._until_us = {}, {}

    async def look(
        self, connection: Connection, moved: Moved, read_ids: Callable[[], frozenset[int]]
    ) -> LiveRows | None:
        """What is new of those that somebody reads, in the snapshot of the caller's transaction."""
        if moved.generation != self._generation:
            self._formulas = await _load(connection)
            self._generation = moved.generation
        if not self._formulas:
            self.known, self.shown_us, self._until_us = {}, {}, {}
            return None
        await self._refresh(connection)
        wanted, ids = list[tuple[Live, Window]](), read_ids()
        for series_id, each in self.known.items():
            window = self._window(series_id, each.calculation, moved)
            if window is None:
                continue
            if series_id in ids:
                wanted.append((each, window))
            else:
                self.shown_us[series_id] = window[1] - 1
        made = await calculate_all(connection, wanted) if wanted else []
        for each, columns in made:
            if len(columns):
                self.shown_us[each.calculation.row.series_id] = int(columns.times_us[-1])
        return rows_of(made)

    async def _refresh(self, connection: Connection) -> None:
        """How far the inputs are measured now."""
        ids = sorted({each for made, _ in self._formulas.values() for each in made.formula.series_ids})
        sources = await select_calculation_sources(connection, ids)
        self.known = {
            series_id: Live(
                replace(made, sources=sources),
                made.row.path,
                (*inner_paths, *(sources[each].path for each in made.formula.series_ids if each in sources)),
            )
            for series_id, (made, inner_paths) in self._formulas.items()
        }
        for kept in (self.shown_us, self._until_us):
            for series_id in kept.keys() - self.known.keys():
                del kept[series_id]

    def _window(self, series_id: int, calculation: Calculation, moved: Moved) -> Window | None:
        """The stretch whose results are new, or may be; None where nothing has happened."""
        inputs = calculation.formula.series_ids
        heads = [moved.heads_us[each] for each in inputs if each in moved.heads_us]
        if not heads:
            return None
        until_us = min(max(heads), calculation.until_us(moved.now_us, 0))
        before_us = self._until_us.get(series_id)
        if before_us is None:
            # New to us: it begins where its inputs were at the look before, or now if this is the first look.
            of_inputs = [moved.before_us[each] for each in inputs if each in moved.before_us]
            first_us = max(of_inputs) if of_inputs else min(heads) - 1
            before_us = self.shown_us[series_id] = min(until_us, first_us) if moved.before_us else until_us
        self._until_us[series_id] = until_us = max(until_us, before_us)
        earliest = [moved.earliest_us[each] for each in inputs if each in moved.earliest_us]
        if until_us <= before_us and not earliest:
            return None
        shown_us = self.shown_us[series_id]
        is_changed = bool(earliest) and min(earliest) <= shown_us
        return (shown_us if is_changed else shown_us + 1, until_us + 1)


async def calculate_all(
    connection: Connection, wanted: Sequence[tuple[Live, Window]]
) -> list[tuple[Live, SampleColumns]]:
    """The results of each in a half-open window."""
    inputs = await read_inputs_of(connection, [(each.calculation, *window) for each, window in wanted])
    return await asyncio.to_thread(_evaluated, wanted, inputs)


def _evaluated(
    wanted: Sequence[tuple[Live, Window]], inputs: Sequence[Mapping[int, SampleColumns]]
) -> list[tuple[Live, SampleColumns]]:
    made: list[tuple[Live, SampleColumns]] = []
    for (each, window), samples in zip(wanted, inputs, strict=True):
        calculation = each.calculation
        try:
            made.append((each, evaluate(calculation.formula, samples, *window, calculation.retired_us)))
        except Exception:
            # A fault of ours in one must not silence the others.
            log.exception("the calculation %s cannot be shown live", each.path)
    return made


def rows_of(made: Iterable[tuple[Live, SampleColumns]]) -> LiveRows | None:
    """Results as a stream shows samples; None where there are none."""
    some = [(each.calculation.row, columns) for each, columns in made if len(columns)]
    if not some:
        return None
    counts = [len(columns) for _, columns in some]
    return LiveRows(
        np.repeat(np.array([row.series_id for row, _ in some], np.int32), counts),
        [row.path for row, columns in some for _ in range(len(columns))],
        [row.kind for row, columns in some for _ in range(len(columns))],
        np.concatenate([columns.times_us for _, columns in some]),
        np.concatenate([columns.values for _, columns in some]),
        np.concatenate([columns.statuses for _, columns in some]),
        [None] * sum(counts),
    )


async def _load(connection: Connection) -> dict[int, tuple[Calculation, tuple[str, ...]]]:
    """By series: its calculation, and the paths of the calculations that it is made of."""
    rows = await select_calculations(connection)
    formulas = formulas_of(rows)
    by_series = {row.series_id: row for row in rows if row.mode == ON_THE_FLY}
    return {
        row.series_id: (Calculation(row, formula, {}), tuple(each.path for each in _inner(row, by_series)))
        for row in by_series.values()
        if row.retired_at is None and not isinstance(formula := formulas[row.series_id], CalculationUnfit)
    }


def _inner(row: CalculationRow, by_series: Mapping[int, CalculationRow]) -> list[CalculationRow]:
    found, waiting = dict[int, CalculationRow](), [row]
    while waiting:
        new = [each for each in names_of(waiting.pop()).values() if each in by_series and each not in found]
        found |= {each: by_series[each] for each in new}
        waiting += [by_series[each] for each in new]
    return list(found.values())
