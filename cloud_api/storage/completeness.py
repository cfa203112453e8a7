"""What the database knows of how complete history is; every function reads one thing for many series or agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from psycopg import sql
from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.columns import load_arrays_raw, read_doubles, read_integers
from cloud_api.storage.pool import Connection
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.statements import statement

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One series, what its source promises, and up to when it has kept it (`until_at`)."""

    id: int
    path: str
    asset: str | None
    agent: str
    source_path: str
    device: str | None
    scan_period_s: float | None
    deadband: str | None
    max_silence_s: float | None
    created_at: datetime
    retired_at: datetime | None
    until_at: datetime | None
    latest_at: datetime | None


@dataclass(frozen=True, slots=True)
class PromiseFilter:
    """Which series are judged: those in use after `from_at`."""

    glob: PathGlob
    agent: str | None
    from_at: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """What to look at: samples of [from_at, to_at) are counted, silences are looked for from `scan_from` on."""

    series_ids: Sequence[int]
    limits_us: Sequence[int]
    intervals_us: Sequence[int]
    scan_from: datetime
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """What one walk found of a series that has samples; lists are None where there is no silence."""

    series_id: int
    received: int
    first_at: datetime
    last_at: datetime
    first_measured_at: datetime | None
    last_measured_at: datetime | None
    silent_from: list[datetime] | None
    silent_to: list[datetime] | None
    unmeasured_from: list[datetime] | None
    unmeasured_to: list[datetime] | None


@dataclass(frozen=True, slots=True)
class RollupSilenceRow(SilenceRow):
    """The same of rollup rows; `suspects` are buckets that may hide a silence."""

    suspects: list[datetime] | None


@dataclass(frozen=True, slots=True)
class WholeRow:
    """A series without silence: its first sample in the first bucket, and its last in the last one."""

    series_id: int
    received: int
    first_offset_us: int
    last_offset_us: int


@dataclass(frozen=True, slots=True)
class InsideRow:
    """Silences inside single buckets of a series."""

    series_id: int
    silent_from: list[datetime] | None
    silent_to: list[datetime] | None
    unmeasured_from: list[datetime] | None
    unmeasured_to: list[datetime] | None


@dataclass(frozen=True, slots=True)
class DeclaredGapRow:
    """A gap of an agent or of one that it replaced."""

    agent: str
    device: str | None
    paths: list[str] | None
    from_at: datetime
    to_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class OutageRow:
    """A stretch in which a part did not work; it lasts while `to_at` is None."""

    part: str
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """From the first to the last source time of what was put aside."""

    agent: str
    path: str | None
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class OpenEpochRow:
    """When batches were made that have not arrived; `heard_from` is None for an agent's first epoch."""

    agent: str
    heard_from: datetime | None
    heard_to: datetime


@dataclass(frozen=True, slots=True)
class AgentStateRow:
    """Whether an agent's session lives, and since when the oldest batch of its outbox waits."""

    id: str
    state: str
    state_at: datetime | None
    oldest_at: str | None
    health_at: datetime | None


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """A planned stretch of a device, an asset, or the paths that a pattern means."""

    agent: str | None
    device: str | None
    asset: str | None
    pattern: str | None
    from_at: datetime
    to_at: datetime


async def set_one_snapshot(connection: Connection) -> None:
    """Let all that this transaction reads be of one moment; before anything else in it."""
    await connection.execute(statement("set_one_snapshot"))


async def select_promises(
    connection: Connection, promise_filter: PromiseFilter, after_path: str, limit: int
) -> list[PromiseRow]:
    """Read the series to judge in byte order of their paths, from the one after `after_path`."""
    parameters = {
        "from_path": promise_filter.glob.from_path,
        "to_path": promise_filter.glob.to_path,
        "pattern": promise_filter.glob.pattern,
        "agent": promise_filter.agent,
        "from_at": promise_filter.from_at,
        "after_path": after_path,
        "limit": limit,
    }
    return await _rows(connection, PromiseRow, "select_promises", parameters)


async def select_silences(connection: Connection, walk: Walk) -> list[SilenceRow]:
    """Walk over raw samples; series without any are not in the answer."""
    parameters = {
        "series_ids": list(walk.series_ids),
        "limits_us": list(walk.limits_us),
        "scan_from": walk.scan_from,
        "scan_to": walk.to_at,
        "from_at": walk.from_at,
        "to_at": walk.to_at,
    }
    return await _rows(connection, SilenceRow, "select_silences", parameters)


async def select_rollup_whole(connection: Connection, resolution: Resolution, walk: Walk) -> list[WholeRow]:
    """Series without any silence over whole buckets in [from_at, to_at), as far as sums tell; others are left out.

    The latest beginning of a row is so near to the earliest end that no two neighbours are too far apart.
    """
    width = timedelta(microseconds=resolution.width_us)
    query = sql.SQL(statement("select_rollup_whole")).format(rollup=sql.Identifier(f"rollup_{resolution.value}"))
    limits = dict(zip(walk.series_ids, walk.limits_us, strict=True))
    ids: dict[int, list[int]] = {}
    for series_id, interval_us in zip(walk.series_ids, walk.intervals_us, strict=True):
        ids.setdefault(interval_us, []).append(series_id)
    found: list[WholeRow] = []
    for interval_us, series_ids in ids.items():
        parameters = {
            "series_ids": series_ids,
            "interval_us": interval_us,
            "from_at": walk.from_at,
            "to_at": walk.to_at,
            "last_at": walk.to_at - width,
            "buckets": (walk.to_at - walk.from_at) // width,
        }
        async with connection.cursor(binary=True) as cursor:
            load_arrays_raw(cursor)
            await cursor.execute(query, parameters)
            row = await cursor.fetchone()
        if row is not None and row[0] is not None:
            found += _whole(row, interval_us, resolution.width_us, limits)
    return found


def _whole(row: Sequence[Any], interval_us: int, width_us: int, limits: Mapping[int, int]) -> list[WholeRow]:
    ids, received, lack_us = read_integers(row[0]), read_doubles(row[1]).astype(np.int64), read_doubles(row[2])
    latest_low, earliest_high, first, last = (read_integers(cell).astype(np.int64) for cell in row[3:7])
    limit_us = np.array([limits[series_id] for series_id in ids.tolist()], np.int64)
    is_whole = (lack_us <= limit_us - interval_us) & (latest_low + width_us - earliest_high <= limit_us)
    columns = (ids[is_whole], received[is_whole], first[is_whole], last[is_whole])
    return [WholeRow(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]


async def select_rollup_silences(connection: Connection, resolution: Resolution, walk: Walk) -> list[RollupSilenceRow]:
    """Walk over the rollup rows of whole buckets in [from_at, to_at)."""
    query = sql.SQL(statement("select_rollup_silences")).format(rollup=sql.Identifier(f"rollup_{resolution.value}"))
    parameters = {
        "series_ids": list(walk.series_ids),
        "limits_us": list(walk.limits_us),
        "intervals_us": list(walk.intervals_us),
        "from_at": walk.from_at,
        "to_at": walk.to_at,
    }
    async with connection.cursor(row_factory=class_row(RollupSilenceRow)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def select_silences_inside(
    connection: Connection,
    series_ids: Sequence[int],
    buckets: Sequence[datetime],
    limits_us: Sequence[int],
    width: timedelta,
) -> list[InsideRow]:
    """Walk over the raw samples of single buckets, each given with its series."""
    parameters = {
        "series_ids": list(series_ids),
        "buckets": list(buckets),
        "limits_us": list(limits_us),
        "width": width,
        "from_at": min(buckets),
        "to_at": max(buckets) + width,
    }
    return await _rows(connection, InsideRow, "select_silences_inside", parameters)


async def select_gaps_between(
    connection: Connection, agents: Sequence[str], from_at: datetime, to_at: datetime
) -> list[DeclaredGapRow]:
    """Gaps that touch the window, of these agents and of those that they replaced."""
    return await _between(connection, DeclaredGapRow, "select_gaps_between", agents, (from_at, to_at))


async def select_outages_between(connection: Connection, from_at: datetime, to_at: datetime) -> list[OutageRow]:
    """Outages of the cloud's own parts."""
    return await _rows(connection, OutageRow, "select_outages_between", {"from_at": from_at, "to_at": to_at})


async def select_rejected_between(
    connection: Connection, agents: Sequence[str], from_at: datetime, to_at: datetime
) -> list[RejectedRow]:
    """Where samples were put aside."""
    return await _between(connection, RejectedRow, "select_rejected_between", agents, (from_at, to_at))


async def select_open_epochs(
    connection: Connection, agents: Sequence[str], from_at: datetime, to_at: datetime
) -> list[OpenEpochRow]:
    """When batches were made that the ledger knows must exist and has not settled."""
    return await _between(connection, OpenEpochRow, "select_open_epochs", agents, (from_at, to_at))


async def select_agent_states(connection: Connection, agents: Sequence[str]) -> list[AgentStateRow]:
    """What agents last said of themselves."""
    return await _rows(connection, AgentStateRow, "select_agent_states", {"agents": list(agents)})


async def select_agent_devices(connection: Connection, agents: Sequence[str]) -> list[tuple[str, str]]:
    """The devices of these agents, as (agent, device)."""
    cursor = await connection.execute(statement("select_agent_devices"), {"agents": list(agents)})
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def select_maintenance_between(
    connection: Connection, from_at: datetime, to_at: datetime
) -> list[MaintenanceRow]:
    """Planned stretches that touch the window, as far as they lasted."""
    return await _rows(connection, MaintenanceRow, "select_maintenance_between", {"from_at": from_at, "to_at": to_at})


async def _between(
    connection: Connection,
    kind: type[RowT],
    name: str,
    agents: Sequence[str],
    window: tuple[datetime, datetime],
) -> list[RowT]:
    parameters = {"agents": list(agents), "from_at": window[0], "to_at": window[1]}
    return await _rows(connection, kind, name, parameters)


async def _rows(connection: Connection, kind: type[RowT], name: str, parameters: dict[str, Any]) -> list[RowT]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()
