"""Agents as the API shows them, and the take-over of a replaced one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent as it last said of itself; `health` is its own JSON."""

    id: str
    state: str
    boot_id: str | None
    version: str | None
    boot_at: datetime | None
    config_revision: str | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    state_at: datetime | None
    health: str | None
    health_at: datetime | None
    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class UntilRow:
    """Up to when everything that a device measured has arrived."""

    agent: str
    device: str
    until_at: datetime


async def select_agents(connection: Connection, after_id: str, limit: int) -> list[AgentRow]:
    """Read agents in byte order of their ids, from the one after `after_id`."""
    async with connection.cursor(row_factory=class_row(AgentRow)) as cursor:
        await cursor.execute(statement("select_agents"), {"after_id": after_id, "limit": limit})
        return await cursor.fetchall()


async def select_agent_for_update(connection: Connection, agent: str) -> AgentRow | None:
    """Read one agent and hold it until the transaction ends."""
    async with connection.cursor(row_factory=class_row(AgentRow)) as cursor:
        await cursor.execute(statement("select_agent_for_update"), {"agent": agent})
        return await cursor.fetchone()


async def select_agent_untils(connection: Connection, agents: Sequence[str]) -> list[UntilRow]:
    """Read up to when each device of these agents is complete."""
    async with connection.cursor(row_factory=class_row(UntilRow)) as cursor:
        await cursor.execute(statement("select_agent_untils"), {"agents": list(agents)})
        return await cursor.fetchall()


async def select_take_over_conflicts(connection: Connection, old: str, new: str) -> list[str]:
    """Name wire paths that both agents own (the first ten)."""
    cursor = await connection.execute(statement("select_take_over_conflicts"), {"old": old, "new": new})
    return [str(row[0]) for row in await cursor.fetchall()]


async def update_series_source_agent(connection: Connection, old: str, new: str) -> int:
    """Give every series of one agent to another; returns how many."""
    cursor = await connection.execute(statement("update_series_source_agent"), {"old": old, "new": new})
    return cursor.rowcount


async def update_agent_replaced(connection: Connection, old: str, new: str) -> None:
    """Note which agent took over."""
    await connection.execute(statement("update_agent_replaced"), {"old": old, "new": new})


async def insert_agent_known(connection: Connection, agent: str) -> None:
    """Make the agent known before it has said anything."""
    await connection.execute(statement("insert_agent_known"), {"agent": agent})
