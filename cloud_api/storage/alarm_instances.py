"""Where alarm definitions stand, what their evaluation remembers, and the number that tells of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class AlarmSeriesRow:
    """A series as definitions look for it."""

    id: int
    path: str
    unit: str | None
    low: float | None
    high: float | None
    scan_period_s: float | None
    max_silence_s: float | None
    source_agent: str
    device: str | None


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One definition at one place; the plan is JSON, and missing where a problem is."""

    definition_id: UUID
    instance: str
    definition_version: int
    owner: str
    agent: str | None
    device: str | None
    plan: str | None
    problem: str | None
    is_removed: bool


@dataclass(frozen=True, slots=True)
class StateRow:
    """What the engine remembers of one instance, as JSON; `due_us` is when its next delay runs out."""

    definition_id: UUID
    instance: str
    state: str
    due_us: int | None = None


@dataclass(frozen=True, slots=True)
class LatestRow:
    """The newest sample of one series; the status is unsigned."""

    series_id: int
    time_us: int
    value: float | None
    status: int
    text: str | None


async def select_alarm_generation_held(connection: Connection) -> int:
    """Read the generation and hold it until this transaction ends."""
    return await _number(connection, "select_alarm_generation_held")


async def update_alarm_generation(connection: Connection) -> int:
    """Begin a new generation, once no evaluation is under way."""
    return await _number(connection, "update_alarm_generation")


async def select_alarm_series(connection: Connection) -> list[AlarmSeriesRow]:
    """Read all series that are not retired, in byte order of their paths."""
    async with connection.cursor(row_factory=class_row(AlarmSeriesRow)) as cursor:
        await cursor.execute(statement("select_alarm_series"))
        return await cursor.fetchall()


async def select_template_assets(connection: Connection) -> list[tuple[str, str, dict[str, Any]]]:
    """Read the assets that are bound to a template: its name, their path, their attributes."""
    cursor = await connection.execute(statement("select_template_assets"))
    return [(row[0], row[1], row[2] or {}) for row in await cursor.fetchall()]


async def select_alarm_series_changed(connection: Connection) -> tuple[Any, ...]:
    """Read a mark that changes whenever definitions may stand elsewhere than before."""
    cursor = await connection.execute(statement("select_alarm_series_changed"))
    return tuple(await cursor.fetchone() or ())


async def select_alarm_instances(connection: Connection, definition_ids: Sequence[UUID]) -> list[InstanceRow]:
    """Read all instances of these definitions, removed ones too."""
    return await _instances(connection, "select_alarm_instances", {"ids": list(definition_ids)})


async def select_alarm_instances_changed(connection: Connection, owner: str, generation: int) -> list[InstanceRow]:
    """Read the instances of one owner that changed after a generation."""
    parameters = {"owner": owner, "generation": generation}
    return await _instances(connection, "select_alarm_instances_changed", parameters)


async def select_alarm_instances_page(
    connection: Connection, definition_id: UUID, after: str, limit: int
) -> list[InstanceRow]:
    """Read the places of one definition in byte order."""
    parameters = {"id": definition_id, "after": after, "limit": limit}
    cursor = await connection.execute(statement("select_alarm_instances_page"), parameters)
    return [InstanceRow(definition_id, *row, is_removed=False) for row in await cursor.fetchall()]


async def select_alarm_instance_counts(connection: Connection, definition_id: UUID) -> tuple[int, int]:
    """Count the places that are watched, and those that cannot be."""
    cursor = await connection.execute(statement("select_alarm_instance_counts"), {"id": definition_id})
    row = await cursor.fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def upsert_alarm_instances(
    connection: Connection, rows: Sequence[InstanceRow], series_ids: Sequence[int | None], generation: int
) -> None:
    """Write instances under a generation."""
    parameters = {
        "ids": [row.definition_id for row in rows],
        "instances": [row.instance for row in rows],
        "versions": [row.definition_version for row in rows],
        "series_ids": list(series_ids),
        "owners": [row.owner for row in rows],
        "agents": [row.agent for row in rows],
        "devices": [row.device for row in rows],
        "plans": [row.plan for row in rows],
        "problems": [row.problem for row in rows],
        "removed": [row.is_removed for row in rows],
        "generation": generation,
    }
    if rows:
        await connection.execute(statement("upsert_alarm_instances"), parameters)


async def select_alarm_states_changed(connection: Connection, owner: str, generation: int) -> list[StateRow]:
    """Read the states of one owner that somebody else changed after a generation, or whose instance changed."""
    cursor = await connection.execute(
        statement("select_alarm_states_changed"), {"owner": owner, "generation": generation}
    )
    return [StateRow(*row) for row in await cursor.fetchall()]


async def select_alarm_states(connection: Connection, keys: Sequence[tuple[UUID, str]]) -> list[StateRow]:
    """Read the states of these instances."""
    parameters = {"ids": [key[0] for key in keys], "instances": [key[1] for key in keys]}
    cursor = await connection.execute(statement("select_alarm_states"), parameters)
    return [StateRow(*row) for row in await cursor.fetchall()]


async def upsert_alarm_states(connection: Connection, rows: Sequence[StateRow], generation: int = 0) -> None:
    """Write states; a generation other than 0 tells the owner that somebody else did."""
    parameters = {
        "ids": [row.definition_id for row in rows],
        "instances": [row.instance for row in rows],
        "states": [row.state for row in rows],
        "dues": [None if row.due_us is None else at_us(row.due_us) for row in rows],
        "generation": generation,
    }
    if rows:
        await connection.execute(statement("upsert_alarm_states"), parameters)


async def delete_alarm_states(connection: Connection, keys: Sequence[tuple[UUID, str]]) -> None:
    """Forget states."""
    if keys:
        parameters = {"ids": [key[0] for key in keys], "instances": [key[1] for key in keys]}
        await connection.execute(statement("delete_alarm_states"), parameters)


async def select_alarm_latest(connection: Connection, series_ids: Sequence[int]) -> dict[int, LatestRow]:
    """Read the newest samples of these series."""
    cursor = await connection.execute(statement("select_alarm_latest"), {"series_ids": list(series_ids)})
    return {row[0]: latest_row(row) for row in await cursor.fetchall()}


async def select_alarm_untils(connection: Connection) -> dict[tuple[str, str], int]:
    """Read how far each device was measured, in microseconds, by agent and device."""
    cursor = await connection.execute(statement("select_alarm_untils"))
    return {(row[0], row[1]): us_of(row[2]) for row in await cursor.fetchall()}


async def select_alarm_leader_series(connection: Connection) -> list[int]:
    """Read which series the leader looks at."""
    cursor = await connection.execute(statement("select_alarm_leader_series"))
    return [int(row[0]) for row in await cursor.fetchall()]


async def select_alarm_references(
    connection: Connection, series_ids: Sequence[int], froms_us: Sequence[int]
) -> dict[tuple[int, int], tuple[int, float]]:
    """Find the first usable sample of each series at or after an instant: time and value, by series and instant."""
    parameters = {"series_ids": list(series_ids), "froms": [at_us(from_us) for from_us in froms_us]}
    cursor = await connection.execute(statement("select_alarm_references"), parameters)
    return {(row[0], us_of(row[1])): (us_of(row[2]), row[3]) for row in await cursor.fetchall()}


def latest_row(row: Sequence[Any]) -> LatestRow:
    """Make one of (series, time, value, status, text); statuses are stored as the same 32 bits signed."""
    return LatestRow(row[0], us_of(row[1]), row[2], int(row[3]) & 0xFFFF_FFFF, row[4])


async def _instances(connection: Connection, name: str, parameters: dict[str, Any]) -> list[InstanceRow]:
    async with connection.cursor(row_factory=class_row(InstanceRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


async def _number(connection: Connection, name: str) -> int:
    cursor = await connection.execute(statement(name))
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
