"""Channels and routes in the database; the secrets of a channel are apart from what may be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel to be kept; `settings` and `secrets` are JSON."""

    name: str
    kind: str
    language: str
    state: str
    settings: str
    secrets: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as it is kept."""

    id: UUID
    name: str
    version: int
    kind: str
    language: str
    state: str
    settings: str
    secrets: str
    updated_at: datetime
    updated_by: str

    def __repr__(self) -> str:
        """Show which one it is and no secret."""
        return f"ChannelRow({self.name!r})"


@dataclass(frozen=True, slots=True)
class NewRoute:
    """A route to be kept; `body` is JSON."""

    name: str
    place: int
    state: str
    body: str


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route as it is kept."""

    id: UUID
    name: str
    version: int
    body: str
    updated_at: datetime
    updated_by: str


async def select_channels(connection: Connection, ids: Sequence[UUID] | None = None) -> list[ChannelRow]:
    """Read these channels, or all."""
    async with connection.cursor(row_factory=class_row(ChannelRow)) as cursor:
        await cursor.execute(statement("select_channels"), {"ids": None if ids is None else list(ids)})
        return await cursor.fetchall()


async def lock_channel(connection: Connection, channel_id: UUID) -> ChannelRow | None:
    """Read a channel that is about to change."""
    async with connection.cursor(row_factory=class_row(ChannelRow)) as cursor:
        await cursor.execute(statement("lock_channel"), {"id": channel_id})
        return await cursor.fetchone()


async def insert_channel(connection: Connection, channel: NewChannel, who: str) -> UUID:
    """Keep a new channel."""
    return await _inserted(connection, "insert_channel", _values(channel) | {"who": who})


async def update_channel(connection: Connection, channel_id: UUID, channel: NewChannel, who: str) -> None:
    """Change a channel."""
    await connection.execute(statement("update_channel"), _values(channel) | {"id": channel_id, "who": who})


async def delete_channel(connection: Connection, channel_id: UUID) -> None:
    """Forget a channel; the journal of its messages stays."""
    await connection.execute(statement("delete_channel"), {"id": channel_id})


async def select_routes(
    connection: Connection, ids: Sequence[UUID] | None = None, state: str | None = None
) -> list[RouteRow]:
    """Read routes in the order in which they are asked."""
    async with connection.cursor(row_factory=class_row(RouteRow)) as cursor:
        await cursor.execute(statement("select_routes"), {"ids": None if ids is None else list(ids), "state": state})
        return await cursor.fetchall()


async def lock_route(connection: Connection, route_id: UUID) -> RouteRow | None:
    """Read a route that is about to change."""
    async with connection.cursor(row_factory=class_row(RouteRow)) as cursor:
        await cursor.execute(statement("lock_route"), {"id": route_id})
        return await cursor.fetchone()


async def insert_route(connection: Connection, route: NewRoute, who: str) -> UUID:
    """Keep a new route."""
    return await _inserted(connection, "insert_route", _values(route) | {"who": who})


async def update_route(connection: Connection, route_id: UUID, route: NewRoute, who: str) -> None:
    """Change a route."""
    await connection.execute(statement("update_route"), _values(route) | {"id": route_id, "who": who})


async def delete_route(connection: Connection, route_id: UUID) -> None:
    """Forget a route and what it owes; the journal of its messages stays."""
    await connection.execute(statement("delete_route"), {"id": route_id})


async def _inserted(connection: Connection, name: str, parameters: dict[str, Any]) -> UUID:
    cursor = await connection.execute(statement(name), parameters)
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


def _values(row: NewChannel | NewRoute) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}
