"""Sessions of people in the database: a token's hash, who, since when, from where; never the token itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that has not ended, with its user as he is now; the database's clock decides."""

    id: int
    user_id: int
    name: str
    role: str
    reach: list[str]
    must_change_password: bool
    is_sight_unnoted: bool


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session as its owner sees it."""

    id: int
    address: str
    client: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be kept."""

    user_id: int
    token_hash: bytes
    address: str
    client: str
    lasts: timedelta


async def insert_session(connection: Connection, session: NewSession) -> datetime:
    """Keep a session; returns when it ends at the latest."""
    parameters = {
        "user_id": session.user_id,
        "token_hash": session.token_hash,
        "address": session.address,
        "client": session.client,
        "lasts": session.lasts,
    }
    cursor = await connection.execute(statement("insert_session"), parameters)
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def select_session(connection: Connection, token_hash: bytes, idle: timedelta) -> SessionRow | None:
    """Find a session that has neither ended nor rested longer than `idle`, of a user who is not disabled."""
    async with connection.cursor(row_factory=class_row(SessionRow)) as cursor:
        await cursor.execute(statement("select_session"), {"token_hash": token_hash, "idle": idle})
        return await cursor.fetchone()


async def update_session_seen(connection: Connection, session_id: int) -> None:
    """Note that a session was used now."""
    await connection.execute(statement("update_session_seen"), {"session_id": session_id})


async def select_sessions(connection: Connection, user_id: int, idle: timedelta) -> list[ShownSession]:
    """List the sessions of a user that have not ended, newest first."""
    async with connection.cursor(row_factory=class_row(ShownSession)) as cursor:
        await cursor.execute(statement("select_sessions"), {"user_id": user_id, "idle": idle})
        return await cursor.fetchall()


async def delete_session(connection: Connection, user_id: int, session_id: int) -> bool:
    """End one session of a user; False when there is none."""
    parameters = {"user_id": user_id, "session_id": session_id}
    cursor = await connection.execute(statement("delete_session"), parameters)
    return cursor.rowcount > 0


async def delete_sessions(connection: Connection, user_id: int, kept_id: int | None = None) -> int:
    """End all sessions of a user but `kept_id`; returns how many."""
    cursor = await connection.execute(statement("delete_sessions"), {"user_id": user_id, "kept_id": kept_id})
    return cursor.rowcount


async def delete_sessions_ended(connection: Connection, idle: timedelta) -> int:
    """Forget sessions that have ended by themselves."""
    cursor = await connection.execute(statement("delete_sessions_ended"), {"idle": idle})
    return cursor.rowcount
