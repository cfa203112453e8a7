"""API keys in the database: prefix and hash, role, scopes, expiry, last use; never the key itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be kept: what proves it and what it allows."""

    name: str
    prefix: str
    hash: bytes
    role: str | None
    scopes: Sequence[str]
    expires_at: datetime | None
    reach: Sequence[str] = ("**",)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is kept; the database's clock decides what has expired."""

    id: int
    name: str
    prefix: str
    hash: bytes
    role: str | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    reach: list[str]
    is_use_unnoted: bool
    is_expired: bool


async def insert_api_key(connection: Connection, key: NewKey) -> int:
    """Keep a new key."""
    parameters = {
        "name": key.name,
        "prefix": key.prefix,
        "hash": key.hash,
        "role": key.role,
        "scopes": list(key.scopes),
        "expires_at": key.expires_at,
        "reach": list(key.reach),
    }
    cursor = await connection.execute(statement("insert_api_key"), parameters)
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def select_api_key(connection: Connection, prefix: str) -> KeyRow | None:
    """Find a key by its public prefix."""
    async with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        await cursor.execute(statement("select_api_key"), {"prefix": prefix})
        return await cursor.fetchone()


async def select_api_keys(connection: Connection) -> list[KeyRow]:
    """List every key."""
    async with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        await cursor.execute(statement("select_api_keys"))
        return await cursor.fetchall()


async def update_api_key_used(connection: Connection, key_id: int) -> None:
    """Note that a key was used now."""
    await connection.execute(statement("update_api_key_used"), {"key_id": key_id})


async def update_api_key_revoked(connection: Connection, prefix: str) -> bool:
    """Revoke a key; False when there is none to revoke."""
    cursor = await connection.execute(statement("update_api_key_revoked"), {"prefix": prefix})
    return await cursor.fetchone() is not None


async def select_api_key_by_id(connection: Connection, key_id: int) -> KeyRow | None:
    """Find a key by its number."""
    async with connection.cursor(row_factory=class_row(KeyRow)) as cursor:
        await cursor.execute(statement("select_api_key_by_id"), {"key_id": key_id})
        return await cursor.fetchone()


async def update_api_key_expiry(connection: Connection, key_id: int, expires_at: datetime) -> None:
    """Let a key expire at an instant."""
    await connection.execute(statement("update_api_key_expiry"), {"key_id": key_id, "expires_at": expires_at})
