"""What the alarm KPIs are measured from: sealed journal rows as arrays, one an alarm."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.columns import load_arrays_raw, read_integers, read_times
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class AlarmRows:
    """The journal rows of one alarm, ascending; `flags` as cloud_api.alarms.kpi.streams reads them."""

    alarm_id: UUID
    definition_id: UUID
    path: str
    name: str | None
    position: str | None
    times_us: NDArray[np.int64]
    flags: NDArray[np.int32]


async def select_kpi_rows(
    connection: Connection, position: str | None, from_at: datetime, to_at: datetime
) -> list[AlarmRows]:
    """Read the rows in [from_at, to_at) and, for each alarm, those that say how it entered that window."""
    parameters = {"position": position, "from_at": from_at, "to_at": to_at}
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_kpi_rows"), parameters)
        rows = await cursor.fetchall()
    return [AlarmRows(*row[:5], times_us=read_times(row[5]), flags=read_integers(row[6])) for row in rows]


async def select_kpi_late(
    connection: Connection, position: str | None, from_at: datetime, to_at: datetime
) -> dict[str | None, int]:
    """Count late raises by position."""
    return await _counts(connection, "select_kpi_late", position, from_at, to_at)


async def select_kpi_unauthorised(
    connection: Connection, position: str | None, from_at: datetime, to_at: datetime
) -> dict[str | None, int]:
    """Count suppressions and changes that nobody answers for, by position."""
    return await _counts(connection, "select_kpi_unauthorised", position, from_at, to_at)


async def _counts(
    connection: Connection, name: str, position: str | None, from_at: datetime, to_at: datetime
) -> dict[str | None, int]:
    parameters = {"position": position, "from_at": from_at, "to_at": to_at}
    cursor = await connection.execute(statement(name), parameters)
    return {row[0]: int(row[1]) for row in await cursor.fetchall()}
