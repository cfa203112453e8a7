"""One's own account: the password and the second factor; each change ends the other sessions. Audited."""

import secrets
import time

from cloud_api.auth.principal import Principal
from cloud_api.problems import Kinds, Problem, body_invalid
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.sessions import delete_sessions
from cloud_api.storage.users import (
    Credentials,
    select_credentials,
    select_locked_s,
    update_password,
    update_second_factor,
    update_second_factor_pending,
    upsert_login_failure,
)
from cloud_api.users.login import FREE_FROM_ONE_ADDRESS, LONGEST_FROM_ONE_ADDRESS_S, locked
from cloud_api.users.passwords import ALLOWED, Passwords, password_problem
from cloud_api.users.second_factor import matching_step, new_recovery_codes, new_secret, recovery_hash, setup_uri


async def change_password(pool: Pool, passwords: Passwords, caller: Principal, old: str, new: str) -> None:
    """Replace the caller's password."""
    await prove_password(pool, passwords, caller, old, "old")
    if new == old:
        raise body_invalid("new", None, "is the old password", ALLOWED)
    if problem := password_problem(new, (caller.name, "millstream")):
        # The refusal must not repeat what may become the password after one more character.
        raise body_invalid("new", None, problem, ALLOWED)
    hashed = await passwords.hash(new)
    user_id = person(caller)
    async with transaction(pool) as connection:
        await update_password(connection, user_id, hashed, is_one_time=False)
        await delete_sessions(connection, user_id, caller.session_id)
        await insert_audit(connection, caller.name, "user.password", caller.name, {})


async def begin_second_factor(pool: Pool, caller: Principal) -> tuple[str, str]:
    """Make a second factor that waits for its first code; returns its secret and the address for the QR code."""
    secret = new_secret()
    async with transaction(pool) as connection:
        await update_second_factor_pending(connection, person(caller), secret)
    return secret, setup_uri(secret, caller.name)


async def confirm_second_factor(pool: Pool, caller: Principal, code: str) -> list[str]:
    """Take the waiting second factor into use; returns the recovery codes."""
    codes = new_recovery_codes(secrets.token_bytes)
    async with transaction(pool) as connection:
        known = await _credentials(connection, caller)
        if known.pending_second_factor is None:
            raise Problem(Kinds.CONFLICT, "no second factor waits; begin with POST /api/v1/me/second-factor")
        step = matching_step(known.pending_second_factor, code, time.time())
        if step is None:
            raise body_invalid("code", None, "is not what the authenticator shows now", "6 digits")
        hashes = [recovery_hash(each) for each in codes]
        await update_second_factor(connection, known.id, known.pending_second_factor, step, hashes)
        await delete_sessions(connection, known.id, caller.session_id)
        await insert_audit(connection, caller.name, "user.second_factor", caller.name, {"to": "on"})
    return codes


async def remove_second_factor(pool: Pool, passwords: Passwords, caller: Principal, password: str) -> None:
    """Do without the second factor again."""
    await prove_password(pool, passwords, caller, password, "password")
    async with transaction(pool) as connection:
        await update_second_factor(connection, person(caller), None, 0, ())
        await insert_audit(connection, caller.name, "user.second_factor", caller.name, {"to": "off"})


async def prove_password(pool: Pool, passwords: Passwords, caller: Principal, password: str, field: str) -> None:
    """Ask for the password once more, so that a session left open is not enough."""
    person(caller)
    heading = f"{caller.name}\n@own"
    async with passwords.turn():
        async with pool.connection() as connection:
            locked_s = await select_locked_s(connection, [heading])
            known = await _credentials(connection, caller)
        if locked_s > 0:
            raise locked(locked_s)
        if not await passwords.is_right(known.password_hash, password):
            async with transaction(pool) as connection:
                await upsert_login_failure(connection, heading, FREE_FROM_ONE_ADDRESS, LONGEST_FROM_ONE_ADDRESS_S)
            raise body_invalid(field, None, "is not the present password", "the present password")


def person(caller: Principal) -> int:
    """The caller's number as a user; Problem conflict for a key."""
    if caller.user_id is None:
        raise Problem(Kinds.CONFLICT, "an API key has neither password nor second factor; log in as a user")
    return caller.user_id


async def _credentials(connection: Connection, caller: Principal) -> Credentials:
    known = await select_credentials(connection, caller.name)
    if known is None:
        raise Problem(Kinds.CONFLICT, "this user is not there any more")
    return known
