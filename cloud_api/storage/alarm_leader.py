"""What the alarm leader reads and keeps: samples by cursor, delays that ran out, samples that came late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cloud_api.storage.alarm_instances import LatestRow, latest_row
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class DueRow:
    """An instance of ingest's with a delay that the clock has overtaken; plan and state are JSON."""

    definition_id: UUID
    instance: str
    plan: str
    state: str
    series_id: int | None


@dataclass(frozen=True, slots=True)
class LateRow:
    """Samples of one series that came after their time."""

    series_id: int
    from_us: int
    to_us: int


async def select_alarm_due_exists(connection: Connection, before_us: int) -> bool:
    """Tell whether a delay of ingest's ran out before an instant."""
    cursor = await connection.execute(statement("select_alarm_due_exists"), {"before": at_us(before_us)})
    row = await cursor.fetchone()
    return bool(row and row[0])


async def select_alarm_dues(connection: Connection, before_us: int, limit: int) -> list[DueRow]:
    """Read the instances of ingest's whose delay ran out before an instant."""
    parameters = {"before": at_us(before_us), "limit": limit}
    cursor = await connection.execute(statement("select_alarm_dues"), parameters)
    return [DueRow(*row) for row in await cursor.fetchall()]


async def take_alarm_samples(
    connection: Connection, bounds: Sequence[tuple[int, int, int]]
) -> tuple[dict[int, list[LatestRow]], list[LateRow]]:
    """Read samples of (series, after, up to), ascending, by the position of what was asked, and take what came late.

    Both in one snapshot: a late sample that is read is told of at the same time, never afterwards.
    """
    found: dict[int, list[LatestRow]] = {}
    late: list[LateRow] = []
    cursor = await connection.execute(statement("take_alarm_samples"), _bounds(bounds))
    for row in await cursor.fetchall():
        if row[0] == 0:
            late.append(LateRow(row[1], us_of(row[2]), int(row[5])))
        else:
            found.setdefault(int(row[0]) - 1, []).append(latest_row(row[1:]))
    return found, late


async def select_alarm_samples_between(
    connection: Connection, bounds: Sequence[tuple[int, int, int]]
) -> dict[int, list[LatestRow]]:
    """Read samples of (series, after, up to), ascending, by the position of what was asked."""
    found: dict[int, list[LatestRow]] = {}
    cursor = await connection.execute(statement("select_alarm_samples_between"), _bounds(bounds))
    for row in await cursor.fetchall():
        found.setdefault(int(row[0]) - 1, []).append(latest_row(row[1:]))
    return found


def _bounds(bounds: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
    return {
        "series_ids": [series_id for series_id, _, _ in bounds],
        "afters": [at_us(after_us) for _, after_us, _ in bounds],
        "tos": [at_us(to_us) for _, _, to_us in bounds],
    }


async def select_alarm_sources(connection: Connection, series_ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    """Read agent and device of each series."""
    cursor = await connection.execute(statement("select_alarm_sources"), {"series_ids": list(series_ids)})
    return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def select_alarm_samples_before(connection: Connection, tos: Mapping[int, int]) -> dict[int, LatestRow]:
    """Read the newest sample of each series up to its instant."""
    parameters = {"series_ids": list(tos), "tos": [at_us(to_us) for to_us in tos.values()]}
    cursor = await connection.execute(statement("select_alarm_samples_before"), parameters)
    return {row[0]: latest_row(row) for row in await cursor.fetchall()}


async def select_alarm_cursors(connection: Connection) -> dict[str, int]:
    """Read how far each group of devices was evaluated."""
    cursor = await connection.execute(statement("select_alarm_cursors"))
    return {row[0]: us_of(row[1]) for row in await cursor.fetchall()}


async def upsert_alarm_cursors(connection: Connection, cursors: Mapping[str, int]) -> None:
    """Advance cursors, never back."""
    parameters = {"devices": list(cursors), "instants": [at_us(time_us) for time_us in cursors.values()]}
    await connection.execute(statement("upsert_alarm_cursors"), parameters)


async def insert_alarm_late(connection: Connection, late: Sequence[tuple[int, int, int]], *, is_backlog: bool) -> None:
    """Remember for the leader which series got samples after their time: (series, first, last)."""
    parameters = {
        "series_ids": [each[0] for each in late],
        "froms": [at_us(each[1]) for each in late],
        "tos": [at_us(each[2]) for each in late],
        "is_backlog": is_backlog,
    }
    await connection.execute(statement("insert_alarm_late"), parameters)


async def select_lease_is_live(connection: Connection, name: str) -> bool:
    """Tell whether somebody holds the lease now."""
    cursor = await connection.execute(statement("select_lease_is_live"), {"name": name})
    row = await cursor.fetchone()
    return bool(row and row[0])
