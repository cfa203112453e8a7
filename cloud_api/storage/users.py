"""People in the database: name, role, the hash of the password, the second factor, and failed log-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as administrators see one."""

    id: int
    name: str
    display_name: str | None
    role: str
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None
    password_changed_at: datetime | None
    must_change_password: bool
    has_second_factor: bool
    has_identity: bool
    reach: list[str]


@dataclass(frozen=True, slots=True)
class NewUserRow:
    """A user to be made, whose password must be changed."""

    name: str
    role: str
    display_name: str | None
    reach: Sequence[str]
    password_hash: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a log-in is proved with; `second_factor` is the shared secret of one that was confirmed."""

    id: int
    name: str
    role: str
    password_hash: str | None
    second_factor: str | None
    pending_second_factor: str | None
    second_factor_step: int
    recovery_hashes: list[bytes]
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class LockRow:
    """Failed log-ins under one heading, and for how many seconds from now no further one is looked at."""

    failed_count: int
    locked_s: float


async def insert_user(connection: Connection, user: NewUserRow) -> int | None:
    """Make a user; None when the name is taken, by a key too."""
    parameters = {
        "name": user.name,
        "role": user.role,
        "display_name": user.display_name,
        "reach": list(user.reach),
        "password_hash": user.password_hash,
    }
    cursor = await connection.execute(statement("insert_user"), parameters)
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def lock_users(connection: Connection) -> None:
    """Let one change of who there is wait for another, until its transaction ends."""
    await connection.execute(statement("lock_users"))


async def select_user(connection: Connection, user_id: int) -> UserRow | None:
    """Read one user."""
    async with connection.cursor(row_factory=class_row(UserRow)) as cursor:
        await cursor.execute(statement("select_user"), {"user_id": user_id})
        return await cursor.fetchone()


async def select_users(connection: Connection, after_name: str, limit: int) -> list[UserRow]:
    """Read users in byte order of their names, from the one after `after_name`."""
    async with connection.cursor(row_factory=class_row(UserRow)) as cursor:
        await cursor.execute(statement("select_users"), {"after_name": after_name, "limit": limit})
        return await cursor.fetchall()


async def select_has_users(connection: Connection) -> bool:
    """Whether there is any user, disabled ones too."""
    cursor = await connection.execute(statement("select_has_users"))
    return await cursor.fetchone() is not None


async def select_other_admin_count(connection: Connection, user_id: int) -> int:
    """Count the administrators who are not disabled and are not this one."""
    cursor = await connection.execute(statement("select_other_admin_count"), {"user_id": user_id})
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def update_user(connection: Connection, user: UserRow) -> None:
    """Write a user's role, display name, reach, and whether he is disabled."""
    parameters = {
        "user_id": user.id,
        "role": user.role,
        "display_name": user.display_name,
        "disabled_at": user.disabled_at,
        "reach": user.reach,
    }
    await connection.execute(statement("update_user"), parameters)


async def select_credentials(connection: Connection, name: str) -> Credentials | None:
    """Read what proves the user of that name."""
    async with connection.cursor(row_factory=class_row(Credentials)) as cursor:
        await cursor.execute(statement("select_credentials"), {"name": name})
        return await cursor.fetchone()


async def update_password(connection: Connection, user_id: int, password_hash: str, *, is_one_time: bool) -> None:
    """Replace a password."""
    parameters = {"user_id": user_id, "password_hash": password_hash, "is_one_time": is_one_time}
    await connection.execute(statement("update_password"), parameters)


async def update_password_hash(connection: Connection, user_id: int, old: str, new: str) -> None:
    """Replace the hash of the same password, unless the password was changed meanwhile."""
    await connection.execute(statement("update_password_hash"), {"user_id": user_id, "old": old, "new": new})


async def update_logged_in(connection: Connection, user_id: int) -> None:
    """Note a log-in now."""
    await connection.execute(statement("update_logged_in"), {"user_id": user_id})


async def update_second_factor_pending(connection: Connection, user_id: int, secret: str) -> None:
    """Keep a second factor that is not confirmed yet."""
    await connection.execute(statement("update_second_factor_pending"), {"user_id": user_id, "secret": secret})


async def update_second_factor(
    connection: Connection, user_id: int, secret: str | None, step: int, recovery_hashes: Sequence[bytes]
) -> None:
    """Confirm a second factor, or take it away with None."""
    parameters = {"user_id": user_id, "secret": secret, "step": step, "recovery_hashes": list(recovery_hashes)}
    await connection.execute(statement("update_second_factor"), parameters)


async def update_second_factor_used(connection: Connection, user_id: int, step: int) -> bool:
    """Note the time step of a code; False when it, or a later one, was used before."""
    parameters = {"user_id": user_id, "step": step}
    cursor = await connection.execute(statement("update_second_factor_used"), parameters)
    return cursor.rowcount > 0


async def update_recovery_used(connection: Connection, user_id: int, recovery_hash: bytes) -> bool:
    """Use up one recovery code; False when it is not there."""
    parameters = {"user_id": user_id, "recovery_hash": recovery_hash}
    cursor = await connection.execute(statement("update_recovery_used"), parameters)
    return cursor.rowcount > 0


async def select_locked_s(connection: Connection, headings: Sequence[str]) -> float:
    """For how many seconds from now no log-in under any of these headings is looked at; 0 for none."""
    cursor = await connection.execute(statement("select_locked_s"), {"headings": list(headings)})
    row = await cursor.fetchone()
    assert row is not None
    return float(row[0])


async def upsert_login_failure(connection: Connection, heading: str, free: int, longest_s: float) -> LockRow:
    """Count a failed log-in under a heading: after `free` of them it is locked, for 30 s doubling to `longest_s`."""
    parameters = {"heading": heading, "free": free, "longest_s": longest_s}
    async with connection.cursor(row_factory=class_row(LockRow)) as cursor:
        await cursor.execute(statement("upsert_login_failure"), parameters)
        row = await cursor.fetchone()
    assert row is not None
    return row


async def delete_login_failures(connection: Connection, headings: Sequence[str]) -> None:
    """Forget the failures under these headings."""
    await connection.execute(statement("delete_login_failures"), {"headings": list(headings)})


async def delete_login_failures_old(connection: Connection) -> None:
    """Forget failures of more than a day ago."""
    await connection.execute(statement("delete_login_failures_old"))


async def select_key_name_taken(connection: Connection, name: str) -> bool:
    """Whether a user has this name, so that no key may."""
    cursor = await connection.execute(statement("select_key_name_taken"), {"name": name})
    return await cursor.fetchone() is not None
