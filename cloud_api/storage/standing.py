"""What keys and sessions of open streams allow now; those that have ended are left out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

# A role, and the globs of a reach.
Allowed: TypeAlias = tuple[str | None, tuple[str, ...]]


async def select_standing_keys(connection: Connection, key_ids: Sequence[int]) -> dict[int, Allowed]:
    """What each of these keys allows."""
    return await _allowed(connection, "select_standing_keys", {"key_ids": list(key_ids)})


async def select_standing_sessions(
    connection: Connection, session_ids: Sequence[int], idle: timedelta
) -> dict[int, Allowed]:
    """What the user of each of these sessions may."""
    return await _allowed(connection, "select_standing_sessions", {"session_ids": list(session_ids), "idle": idle})


async def _allowed(connection: Connection, name: str, parameters: Mapping[str, Any]) -> dict[int, Allowed]:
    cursor = await connection.execute(statement(name), parameters)
    return {row[0]: (row[1], tuple(row[2])) for row in await cursor.fetchall()}
