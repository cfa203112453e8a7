"""Reads what a formula needs for a window: samples inside, and what each series said before it."""

from collections.abc import Sequence

from cloud_api.calculations.definitions import Calculation
from cloud_api.calculations.formula import evaluate
from cloud_api.storage.calculation_samples import select_inputs_before, select_inputs_between
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.pool import Connection


async def read_inputs(
    connection: Connection, calculation: Calculation, from_us: int, to_us: int
) -> dict[int, SampleColumns]:
    """The samples that count in [from_us, to_us), by series, ascending."""
    (found,) = await read_inputs_of(connection, [(calculation, from_us, to_us)])
    return found


async def read_inputs_of(
    connection: Connection, wanted: Sequence[tuple[Calculation, int, int]]
) -> list[dict[int, SampleColumns]]:
    """The same for many at once, in two statements."""
    befores: list[tuple[int, int, bool]] = []
    bounds: list[tuple[int, int, int]] = []
    for calculation, from_us, to_us in wanted:
        formula = calculation.formula
        befores += [(each, from_us, each in formula.looking_back) for each in formula.series_ids]
        bounds += [(each, from_us, to_us) for each in formula.series_ids]
    before = await select_inputs_before(connection, befores)
    inside = await select_inputs_between(connection, bounds)
    found: list[dict[int, SampleColumns]] = []
    position = 0
    for calculation, _, _ in wanted:
        of_one: dict[int, SampleColumns] = {}
        for series_id in calculation.formula.series_ids:
            parts = [part for part in (before.get(position), inside.get(position)) if part is not None]
            if parts:
                of_one[series_id] = parts[0] if len(parts) == 1 else concatenate(parts)
            position += 1
        found.append(of_one)
    return found


async def calculate(connection: Connection, calculation: Calculation, from_us: int, to_us: int) -> SampleColumns:
    """The result in [from_us, to_us)."""
    inputs = await read_inputs(connection, calculation, from_us, to_us)
    return evaluate(calculation.formula, inputs, from_us, to_us, calculation.retired_us)
