"""Agents: seen, online, offline, healthy, and replaced by another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

INGEST_LEASE = "ingest"


class AgentUnknown(Exception):
    """Nothing was ever heard of this agent."""


@dataclass(frozen=True, slots=True)
class AgentStatusRow:
    """What an agent published of its state."""

    id: str
    boot_id: str
    version: str
    boot_at: datetime
    config_revision: str | None
    config: str | None = None


@dataclass(frozen=True, slots=True)
class TakeOver:
    """How many series moved, and which paths stayed because the new agent has them itself."""

    moved: int
    left: tuple[str, ...]


async def upsert_agents_seen(connection: Connection, ids: Sequence[str], seen_at: datetime) -> None:
    """Remember when these agents were last heard."""
    parameters = {"ids": list(ids), "seen_ats": [seen_at] * len(ids)}
    await connection.execute(statement("upsert_agents_seen"), parameters)


async def upsert_agent_online(connection: Connection, row: AgentStatusRow, now: datetime) -> None:
    """Take over what a started agent says."""
    await connection.execute(statement("upsert_agent_online"), _status_parameters(row, now))


async def upsert_agent_offline(connection: Connection, row: AgentStatusRow, now: datetime) -> None:
    """Believe an offline only of the boot that is known."""
    await connection.execute(statement("upsert_agent_offline"), _status_parameters(row, now))


async def upsert_agent_health(connection: Connection, agent: str, health: str, now: datetime) -> None:
    """Keep the last health message, as JSON."""
    await connection.execute(statement("upsert_agent_health"), {"id": agent, "health": health, "now": now})


async def select_certificate_days(connection: Connection, now: datetime) -> list[tuple[str, str, float]]:
    """Agent, use and the days until the first certificate of that use ends; negative after it."""
    cursor = await connection.execute(statement("select_certificate_days"), {"now": now})
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def select_known_agents(connection: Connection, age: timedelta) -> list[str]:
    """Agents heard within `age`."""
    cursor = await connection.execute(statement("select_known_agents"), {"age": age})
    return [row[0] for row in await cursor.fetchall()]


async def take_over(connection: Connection, new_agent: str, old_agent: str) -> TakeOver:
    """Let the new agent continue the old one's series, inside the caller's transaction; ingest waits meanwhile."""
    # No ingest transaction may be under way that still believes in the old owner.
    await connection.execute(statement("lock_lease"), {"name": INGEST_LEASE})
    for agent in (new_agent, old_agent):
        cursor = await connection.execute(statement("select_agent_exists"), {"id": agent})
        row = await cursor.fetchone()
        if row is None or not row[0]:
            raise AgentUnknown(agent)
    parameters = {"new_agent": new_agent, "old_agent": old_agent}
    moved = (await connection.execute(statement("update_series_source"), parameters)).rowcount
    left = await connection.execute(statement("select_source_paths"), {"agent": old_agent})
    paths = tuple(row[0] for row in await left.fetchall())
    await connection.execute(statement("update_agent_replaced"), parameters)
    await connection.execute(statement("update_series_generation"))
    return TakeOver(moved, paths)


def _status_parameters(row: AgentStatusRow, now: datetime) -> dict[str, object]:
    return {
        "id": row.id,
        "boot_id": row.boot_id,
        "version": row.version,
        "boot_at": row.boot_at,
        "config_revision": row.config_revision,
        "config": row.config,
        "now": now,
    }
