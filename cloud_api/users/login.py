"""Logging in: password, second factor, a lock on guessing, a session; every refusal looks the same."""

import math
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud_api import origin
from cloud_api.auth.roles import Role
from cloud_api.auth.session_tokens import hash_session_token, make_session_token
from cloud_api.problems import Kinds, Problem
from cloud_api.storage.audit import insert_audit
from cloud_api.storage.pool import Pool, transaction
from cloud_api.storage.sessions import NewSession, insert_session
from cloud_api.storage.users import (
    Credentials,
    delete_login_failures,
    select_credentials,
    select_locked_s,
    update_logged_in,
    update_password_hash,
    update_recovery_used,
    update_second_factor_used,
    upsert_login_failure,
)
from cloud_api.users.passwords import Passwords
from cloud_api.users.second_factor import matching_step, recovery_hash

# So many wrong log-ins are free; then 30 s, doubling. From one address, and from all: a stranger who guesses cannot
# keep the owner of the name out from elsewhere before that many.
FREE_FROM_ONE_ADDRESS, LONGEST_FROM_ONE_ADDRESS_S = 5, 3600.0
FREE_FROM_ALL, LONGEST_FROM_ALL_S = 50, 900.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody who wants to log in sends, and from where.

    Where passwords are not for everybody, `only_name` is the one administrator for whom they are (break glass).
    """

    name: str
    password: str
    code: str | None
    address: str
    client: str
    only_name: str | None = None

    @property
    def headings(self) -> tuple[str, str]:
        """Under which failures are counted: this name from this address, and from everywhere."""
        return (f"{self.name}\n{self.address}", self.name)


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that has begun."""

    user_id: int
    token: str
    expires_at: datetime


async def log_in(pool: Pool, passwords: Passwords, attempt: Attempt, lasts: timedelta) -> Opened:
    """Open a session that `lasts` so long at most; Problem login-refused, login-locked or second-factor-needed."""
    # A turn lasts from the look at the lock to the count of the failure: a thousand guesses at once get no further.
    async with passwords.turn():
        async with pool.connection() as connection:
            locked_s = await select_locked_s(connection, attempt.headings)
            known = await select_credentials(connection, attempt.name)
        # A name that nobody has is not written down: it may be a password in the wrong field.
        origin.present().claim(attempt.name if known else None, "password")
        if locked_s > 0:
            raise locked(locked_s)
        is_right = await passwords.is_right(known.password_hash if known else None, attempt.password)
        if not is_right or known is None or known.is_disabled or not _is_for(known, attempt):
            raise await _refusal(pool, attempt)
        await _prove_second_factor(pool, attempt, known)
        return await _open(pool, passwords, attempt, known, lasts)


def _is_for(known: Credentials, attempt: Attempt) -> bool:
    return attempt.only_name is None or (known.name == attempt.only_name and known.role == Role.ADMIN)


async def _prove_second_factor(pool: Pool, attempt: Attempt, known: Credentials) -> None:
    if known.second_factor is None:
        return
    if attempt.code is None:
        raise Problem(Kinds.SECOND_FACTOR_NEEDED, "send `code`: what the authenticator shows, or a recovery code")
    step = matching_step(known.second_factor, attempt.code, time.time())
    async with transaction(pool) as connection:
        if step is None:
            is_proved = await update_recovery_used(connection, known.id, recovery_hash(attempt.code))
        else:
            is_proved = await update_second_factor_used(connection, known.id, step)
    if not is_proved:
        raise await _refusal(pool, attempt)


async def _open(pool: Pool, passwords: Passwords, attempt: Attempt, known: Credentials, lasts: timedelta) -> Opened:
    token = make_session_token(secrets.token_bytes)
    renewed = None
    if known.password_hash is not None and passwords.is_outdated(known.password_hash):
        renewed = await passwords.hash(attempt.password)
    async with transaction(pool) as connection:
        await delete_login_failures(connection, attempt.headings[:1])
        if renewed is not None and known.password_hash is not None:
            await update_password_hash(connection, known.id, known.password_hash, renewed)
        session = NewSession(known.id, hash_session_token(token), attempt.address, attempt.client, lasts)
        expires_at = await insert_session(connection, session)
        await update_logged_in(connection, known.id)
        await insert_audit(connection, attempt.name, "login", attempt.name, {"client": attempt.client})
    return Opened(known.id, token, expires_at)


async def _refusal(pool: Pool, attempt: Attempt) -> Problem:
    one, all_ = attempt.headings
    async with transaction(pool) as connection:
        await upsert_login_failure(connection, one, FREE_FROM_ONE_ADDRESS, LONGEST_FROM_ONE_ADDRESS_S)
        await upsert_login_failure(connection, all_, FREE_FROM_ALL, LONGEST_FROM_ALL_S)
    return Problem(Kinds.LOGIN_REFUSED, "name, password or code is wrong, or the user is disabled")


def locked(locked_s: float) -> Problem:
    """The refusal of everybody who has guessed too often."""
    wait_s = math.ceil(locked_s)
    detail = f"too many wrong log-ins with this name; the next one is looked at in {wait_s} s"
    return Problem(Kinds.LOGIN_LOCKED, detail, headers={"Retry-After": str(wait_s)})
