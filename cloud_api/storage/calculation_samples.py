"""Samples that calculations read, and the steps in which those that are materialised get on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.columns import (
    SampleColumns,
    load_arrays_raw,
    read_doubles,
    read_statuses,
    read_times,
)
from cloud_api.storage.instants import FIRST_US, at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import timestamptz_array_bytes
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import TimestamptzArray
from schemas.status import BAD

# How far before a window its neighbours are looked for, step by step; in the end however far they are.
# Of a series that is looked back at, so many samples that are not Bad are enough.
LOOKED_BACK_AT = 2
NEAR = (timedelta(hours=1), timedelta(days=1), timedelta(days=30), None)


@dataclass(frozen=True, slots=True)
class Taken:
    """A stretch that has to be computed again: of one input, or (None) of the result itself; `to_us` excluded."""

    series_id: int | None
    from_us: int
    to_us: int


async def select_inputs_between(
    connection: Connection, bounds: Sequence[tuple[int, int, int]]
) -> dict[int, SampleColumns]:
    """Samples of each (series, from, to), ascending, by the position of what was asked; none where there are none."""
    if not bounds:
        return {}
    parameters = {
        "series_ids": [bound[0] for bound in bounds],
        "froms": [at_us(bound[1]) for bound in bounds],
        "tos": [at_us(bound[2]) for bound in bounds],
        "from_at": at_us(min(bound[1] for bound in bounds)),
        "to_at": at_us(max(bound[2] for bound in bounds)),
    }
    return await _columns(connection, "select_inputs_between", parameters)


async def select_inputs_before(
    connection: Connection, wanted: Sequence[tuple[int, int, bool]]
) -> dict[int, SampleColumns]:
    """What each (series, instant, looks back) said last before the instant, by position.

    One sample; with `looks back` also the last two that are not Bad, and one Bad sample if some lie between them.
    Mostly they are near, and looking there first spares every other partition the trouble.
    """
    found: dict[int, SampleColumns] = {}
    left = list(enumerate(wanted))
    for near in NEAR:
        if not left:
            break
        parameters = {
            "series_ids": [each[0] for _, each in left],
            "befores": [at_us(each[1]) for _, each in left],
            "nears": [at_us(FIRST_US) if near is None else at_us(each[1]) - near for _, each in left],
            "lookings": [int(each[2]) for _, each in left],
        }
        columns = await _columns(connection, "select_inputs_before", parameters)
        found |= {left[place][0]: each for place, each in columns.items()}
        left = [(position, each) for position, each in left if not _is_enough(found.get(position), looks_back=each[2])]
    return found


def _is_enough(columns: SampleColumns | None, *, looks_back: bool) -> bool:
    if columns is None:
        return False
    return (
        not looks_back or int(np.count_nonzero((columns.statuses < BAD) & ~np.isnan(columns.values))) >= LOOKED_BACK_AT
    )


async def select_input_after(connection: Connection, series_id: int, from_us: int) -> int | None:
    """Where a change of an input before `from_us` ends to matter; None: nowhere yet."""
    parameters = {"series_id": series_id, "from_at": at_us(from_us)}
    return await _instant(connection, "select_input_after", parameters)


async def select_next_input_at(connection: Connection, series_ids: Sequence[int], from_us: int) -> int | None:
    """The first sample of any of these series from then on."""
    parameters = {"series_ids": list(series_ids), "from_at": at_us(from_us)}
    return await _instant(connection, "select_next_input_at", parameters)


async def upsert_announced(connection: Connection, announced_us: Mapping[int, int]) -> None:
    """Say up to where each calculation is about to read: from COMMIT on, writers mark what they write before it."""
    await connection.execute(statement("upsert_announced"), _instants(announced_us))


async def update_evaluated(connection: Connection, evaluated_us: Mapping[int, int]) -> None:
    """Move the cursor of each calculation, with the samples up to there."""
    await connection.execute(statement("update_evaluated"), _instants(evaluated_us))


async def update_calculation_problem(
    connection: Connection, calculation_id: int, problem: str, retry_at: datetime
) -> None:
    """Say why a calculation does not get on, and when it is tried again."""
    parameters = {"calculation_id": calculation_id, "problem": problem, "retry_at": retry_at}
    await connection.execute(statement("update_calculation_problem"), parameters)


async def insert_calculation_stretch(
    connection: Connection, calculation_id: int, from_us: int, to_us: int, due_at: datetime
) -> None:
    """Let a stretch of the result be computed again; `to_us` excluded."""
    parameters = {
        "calculation_id": calculation_id,
        "from_at": at_us(from_us),
        "to_at": at_us(to_us),
        "due_at": due_at,
    }
    await connection.execute(statement("insert_calculation_stretch"), parameters)


async def select_calculation_due(connection: Connection, now: datetime) -> int | None:
    """The calculation whose oldest mark is due."""
    cursor = await connection.execute(statement("select_calculation_due"), {"now": now})
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def take_calculation_marks(connection: Connection, calculation_id: int, now: datetime) -> list[Taken]:
    """Take the marks of one calculation that are due; what is marked from here on stays."""
    parameters = {"calculation_id": calculation_id, "now": now}
    cursor = await connection.execute(statement("take_calculation_marks"), parameters)
    return [Taken(row[0], us_of(row[1]), us_of(row[2])) for row in await cursor.fetchall()]


async def select_calculated_samples(
    connection: Connection, series_id: int, from_us: int, to_us: int
) -> SampleColumns | None:
    """What stands of a result in [from_us, to_us)."""
    parameters = {"series_id": series_id, "from_at": at_us(from_us), "to_at": at_us(to_us)}
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_calculated_samples"), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    return SampleColumns(read_times(row[0]), read_doubles(row[1]), read_statuses(row[2]), None)


async def delete_calculated_samples(connection: Connection, series_id: int, times_us: NDArray[np.int64]) -> None:
    """Take samples of a result away that are not made any more; int64[n], ascending."""
    if not len(times_us):
        return
    parameters = {
        "series_id": series_id,
        "from_at": at_us(int(times_us[0])),
        "to_at": at_us(int(times_us[-1]) + 1),
        "times": TimestamptzArray(timestamptz_array_bytes(times_us)),
    }
    await connection.execute(statement("delete_calculated_samples"), parameters)


async def replace_latest_of_calculated(connection: Connection, series_id: int) -> None:
    """Let the newest sample that is left be the latest."""
    await connection.execute(statement("replace_latest_of_calculated"), {"series_id": series_id})


async def insert_alarm_late_calculated(connection: Connection, late: Sequence[tuple[int, int, int]]) -> None:
    """Tell the alarm leader of results (series, from, to) that it may have passed by its clock."""
    parameters = {
        "series_ids": [each[0] for each in late],
        "froms": [at_us(each[1]) for each in late],
        "tos": [at_us(each[2]) for each in late],
    }
    await connection.execute(statement("insert_alarm_late_calculated"), parameters)


def _instants(instants_us: Mapping[int, int]) -> dict[str, Any]:
    return {
        "calculation_ids": list(instants_us),
        "instants": [at_us(each) for each in instants_us.values()],
    }


async def _instant(connection: Connection, name: str, parameters: dict[str, Any]) -> int | None:
    cursor = await connection.execute(statement(name), parameters)
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else us_of(row[0])


async def _columns(connection: Connection, name: str, parameters: dict[str, Any]) -> dict[int, SampleColumns]:
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement(name), parameters)
        return {
            int(row[0]) - 1: SampleColumns(read_times(row[1]), read_doubles(row[2]), read_statuses(row[3]), None)
            for row in await cursor.fetchall()
        }
