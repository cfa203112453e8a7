"""Agents as the API shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent as it last said of itself; `health` and `config` are its own JSON."""

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
    config: str | None


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


async def select_agent(connection: Connection, agent: str) -> AgentRow | None:
    """Read one agent."""
    async with connection.cursor(row_factory=class_row(AgentRow)) as cursor:
        await cursor.execute(statement("select_agent"), {"agent": agent})
        return await cursor.fetchone()


async def select_agent_untils(connection: Connection, agents: Sequence[str]) -> list[UntilRow]:
    """Read up to when each device of these agents is complete."""
    async with connection.cursor(row_factory=class_row(UntilRow)) as cursor:
        await cursor.execute(statement("select_agent_untils"), {"agents": list(agents)})
        return await cursor.fetchall()
