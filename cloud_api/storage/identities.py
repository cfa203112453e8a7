"""People as identity providers know them, in the database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody at a provider: the issuer's own name for itself, and its name for him, which never changes."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class NewIdentitySession:
    """What is kept beside a session that a provider opened, to end it there too."""

    token_hash: bytes
    identity: Identity
    provider_session: str | None
    id_token: str


async def select_identity_user_id(connection: Connection, identity: Identity) -> int | None:
    """Find whose an identity is."""
    cursor = await connection.execute(statement("select_identity_user_id"), asdict(identity))
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def insert_identity_user(
    connection: Connection, name: str, role: str, display_name: str | None, reach: Sequence[str]
) -> int | None:
    """Make a user without a password; None when the name is taken, by a key too."""
    parameters = {"name": name, "role": role, "display_name": display_name, "reach": list(reach)}
    cursor = await connection.execute(statement("insert_identity_user"), parameters)
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def insert_identity(connection: Connection, identity: Identity, user_id: int) -> bool:
    """Say whose an identity is; False when it is somebody's, or he has one, already."""
    cursor = await connection.execute(statement("insert_identity"), asdict(identity) | {"user_id": user_id})
    return await cursor.fetchone() is not None


async def delete_identities(connection: Connection, user_id: int) -> int:
    """Forget a user's identity; returns how many there were."""
    cursor = await connection.execute(statement("delete_identities"), {"user_id": user_id})
    return cursor.rowcount


async def delete_password(connection: Connection, user_id: int) -> None:
    """Leave a user without a password."""
    await connection.execute(statement("delete_password"), {"user_id": user_id})


async def insert_login_answered(connection: Connection, state_hash: bytes) -> bool:
    """Note that an attempt was answered; False when it had been before."""
    cursor = await connection.execute(statement("insert_login_answered"), {"state_hash": state_hash})
    return await cursor.fetchone() is not None


async def delete_login_answered_old(connection: Connection) -> int:
    """Forget attempts that are too old to be answered."""
    cursor = await connection.execute(statement("delete_login_answered_old"))
    return cursor.rowcount


async def insert_identity_session(connection: Connection, session: NewIdentitySession) -> None:
    """Keep what ends a session at the provider."""
    parameters = asdict(session.identity) | {
        "token_hash": session.token_hash,
        "provider_session": session.provider_session,
        "id_token": session.id_token,
    }
    await connection.execute(statement("insert_identity_session"), parameters)


async def select_identity_session_token(connection: Connection, session_id: int) -> str | None:
    """Read the ID token that opened a session, None for one that a password opened."""
    cursor = await connection.execute(statement("select_identity_session_token"), {"session_id": session_id})
    row = await cursor.fetchone()
    return None if row is None else str(row[0])
