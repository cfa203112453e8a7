"""The accounts that administrators keep: made with a one-time password, changed, disabled; audited."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cloud_api.auth.reach import checked_reach
from cloud_api.auth.roles import Role
from cloud_api.problems import Kinds, Problem, body_invalid, not_found
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection
from cloud_api.storage.sessions import delete_sessions
from cloud_api.storage.users import (
    NewUserRow,
    UserRow,
    insert_user,
    lock_users,
    select_other_admin_count,
    select_user,
    update_password,
    update_second_factor,
    update_user,
)
from cloud_api.users.models import NAME_ALLOWED, NewUser, UserChange, user_name_problem
from cloud_api.users.passwords import one_time_password


def new_password() -> str:
    """Make a password for one use."""
    return one_time_password(secrets.choice)


async def create_user(connection: Connection, new: NewUser, password_hash: str, principal: str) -> UserRow:
    """Make a user inside the caller's transaction; Problem conflict where a user or a key has the name."""
    if problem := user_name_problem(new.name):
        raise body_invalid("name", new.name, problem, NAME_ALLOWED)
    await lock_users(connection)
    row = NewUserRow(new.name, new.role, new.display_name, checked_reach(new.reach, new.role), password_hash)
    user_id = await insert_user(connection, row)
    if user_id is None:
        raise Problem(Kinds.CONFLICT, f"a user or an API key has the name {new.name!r}")
    await insert_audit(connection, principal, "user.create", new.name, {"role": new.role, "reach": new.reach})
    return await find_user(connection, user_id)


async def change_user(connection: Connection, user_id: int, change: UserChange, principal: str) -> UserRow:
    """Change a user inside the caller's transaction; who is disabled is logged out."""
    await lock_users(connection)
    user = await find_user(connection, user_id)
    named: dict[str, Any] = change.model_dump(exclude_unset=True)
    if not named or ("role" in named and change.role is None) or ("reach" in named and change.reach is None):
        allowed = "role, display_name, reach or state"
        raise body_invalid("role", None, "is missing, and so is every other field", allowed)
    state = named.pop("state", None)
    if state is not None:
        named["disabled_at"] = None if state == "enabled" else user.disabled_at or datetime.now(UTC)
    changed = replace(user, **named)
    checked_reach(changed.reach, changed.role)
    await _keep_an_admin(connection, user, changed)
    await update_user(connection, changed)
    if changed.disabled_at is not None:
        await delete_sessions(connection, user_id)
    before = {name: getattr(user, name) for name in named}
    await insert_audit(connection, principal, "user.change", user.name, {"from": before, "to": named})
    return changed


async def reset_user(connection: Connection, user_id: int, password_hash: str, principal: str) -> UserRow:
    """Give a user a one-time password, without second factor and sessions, inside the caller's transaction."""
    await lock_users(connection)
    user = await find_user(connection, user_id)
    if user.has_identity:
        # A password would outlive what the provider says of him.
        raise Problem(Kinds.CONFLICT, f"{user.name!r} logs in by the identity provider; take the identity away first")
    await update_password(connection, user_id, password_hash, is_one_time=True)
    await update_second_factor(connection, user_id, None, 0, ())
    await delete_sessions(connection, user_id)
    await insert_audit(connection, principal, "user.reset", user.name, {})
    return replace(user, must_change_password=True, has_second_factor=False)


async def find_user(connection: Connection, user_id: int) -> UserRow:
    """Read a user; Problem not-found."""
    user = await select_user(connection, user_id)
    if user is None:
        raise not_found("user", "user_id", user_id)
    return user


async def _keep_an_admin(connection: Connection, before: UserRow, after: UserRow) -> None:
    """Nobody could let anybody in again."""
    was_admin = before.role == Role.ADMIN and before.disabled_at is None
    is_admin = after.role == Role.ADMIN and after.disabled_at is None
    if was_admin and not is_admin and await select_other_admin_count(connection, before.id) == 0:
        raise Problem(Kinds.CONFLICT, f"{before.name!r} is the only administrator")
