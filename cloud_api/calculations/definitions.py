"""Calculations as they are evaluated: rows of the database with their formulas and what is known of their inputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from cloud_api.calculations.formula import Formula, make_formula
from cloud_api.expressions.expression import Expression
from cloud_api.expressions.language import parse
from cloud_api.expressions.refusal import ExpressionInvalid
from cloud_api.expressions.tree import SeriesKey
from cloud_api.storage.calculations import (
    ON_THE_FLY,
    CalculationRow,
    Source,
    select_calculation_sources,
    select_calculations_needed,
)
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection

# A series of which no device says how far it was measured is waited for so long.
LATENESS_US = 10_000_000


class CalculationUnfit(Exception):
    """A stored calculation cannot be evaluated; the message says why."""


@dataclass(frozen=True, slots=True)
class Calculation:
    """One calculation with what it comes down to, and the sources of that by id."""

    row: CalculationRow
    formula: Formula
    sources: Mapping[int, Source]

    @property
    def retired_us(self) -> dict[int, int]:
        """When those of its inputs ended that are not in use any more."""
        return {each.id: us_of(each.retired_at) for each in self._mine if each.retired_at is not None}

    @property
    def waits_for(self) -> Source | None:
        """The input whose device was measured least far; None when no device says so."""
        told = [each for each in self._in_use if each.until_at is not None]
        return min(told, key=lambda each: us_of(each.until_at) if each.until_at else 0) if told else None

    def until_us(self, now_us: int, lateness_us: int = LATENESS_US) -> int:
        """Up to where everything is there: the joint `until` of its inputs, by the clock where nobody says."""
        told = (now_us - lateness_us if each.until_at is None else us_of(each.until_at) for each in self._in_use)
        return min([now_us, *told])

    @property
    def _in_use(self) -> list[Source]:
        return [each for each in self._mine if each.retired_at is None]

    @property
    def _mine(self) -> list[Source]:
        return [self.sources[each] for each in self.formula.series_ids if each in self.sources]


def read_body(row: CalculationRow) -> tuple[str, dict[str, SeriesKey]]:
    """The expression and the variables as an engineer wrote them."""
    body: dict[str, Any] = msgspec.json.decode(row.body)
    return str(body["expression"]), dict(body.get("variables") or {})


def expression_of(row: CalculationRow) -> Expression:
    """The expression of a row, read."""
    text, variables = read_body(row)
    return _parsed(text, tuple(sorted(variables.items())))


@lru_cache(maxsize=4096)
def _parsed(text: str, variables: tuple[tuple[str, SeriesKey], ...]) -> Expression:
    return parse(text, dict(variables))


def names_of(row: CalculationRow) -> dict[str, int]:
    """The series that each name stands for."""
    return msgspec.json.decode(row.names, type=dict[str, int])


def formulas_of(rows: Iterable[CalculationRow]) -> dict[int, Formula | CalculationUnfit]:
    """The formula of each calculated series, by series; those that have none say why."""
    by_series = {row.series_id: row for row in rows}
    made: dict[int, Formula | CalculationUnfit] = {}

    def make(row: CalculationRow, above: frozenset[int]) -> Formula | CalculationUnfit:
        if row.series_id not in made:
            made[row.series_id] = _formula(row, above)
        return made[row.series_id]

    def _formula(row: CalculationRow, above: frozenset[int]) -> Formula | CalculationUnfit:
        inner: dict[int, Formula] = {}
        for series_id in names_of(row).values():
            below = by_series.get(series_id)
            if below is None or below.mode != ON_THE_FLY:
                continue
            if series_id in above:
                return CalculationUnfit(f"{row.path} is calculated from itself")
            found = make(below, above | {series_id})
            if isinstance(found, CalculationUnfit):
                return found
            inner[series_id] = found
        try:
            return make_formula(expression_of(row), names_of(row), inner)
        except (ExpressionInvalid, KeyError) as error:
            return CalculationUnfit(f"{row.path}: {error}")

    for row in by_series.values():
        make(row, frozenset({row.series_id}))
    return made


async def load_calculations(connection: Connection, series_ids: Sequence[int]) -> dict[int, Calculation]:
    """The calculations of these series, by series; CalculationUnfit when one cannot be evaluated."""
    rows = await select_calculations_needed(connection, series_ids)
    formulas = formulas_of(rows)
    wanted = {row.series_id: row for row in rows if row.series_id in set(series_ids)}
    found: dict[int, Formula] = {}
    for series_id in wanted:
        formula = formulas[series_id]
        if isinstance(formula, CalculationUnfit):
            raise formula
        found[series_id] = formula
    sources = await select_calculation_sources(
        connection, sorted({each for formula in found.values() for each in formula.series_ids})
    )
    return {series_id: Calculation(row, found[series_id], sources) for series_id, row in wanted.items()}
