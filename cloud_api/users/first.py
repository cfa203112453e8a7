"""The first user: an administrator with a password for one use, made at the first start and shown once."""

import asyncio
import logging
import sys

from cloud_api.auth.roles import Role
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.pool import Pool, transaction
from cloud_api.storage.users import lock_users, select_has_users
from cloud_api.users.accounts import create_user, new_password
from cloud_api.users.models import NewUser
from cloud_api.users.passwords import Passwords

FIRST_NAME = "admin"
FIRST_PRINCIPAL = "@first-start"
RETRY_S = 1.0

log = logging.getLogger(__name__)


async def wait_for_first_user(pool: Pool, passwords: Passwords) -> None:
    """The same, however often the database goes away meanwhile."""
    is_again = False
    while True:
        try:
            is_there = await ensure_first_user(pool, passwords)
        except UNAVAILABLE as error:
            log.warning("the first user waits for the database: %s", " ".join(str(error).split()))
            is_again = True
            await asyncio.sleep(RETRY_S)
        else:
            if is_again and is_there:
                # The commit may have happened and its answer, with the password, be lost.
                log.warning("if nobody can log in: `millstream cloud user reset %s`", FIRST_NAME)
            return


async def ensure_first_user(pool: Pool, passwords: Passwords) -> bool:
    """Make the first administrator unless there is any user, then True; several processes may start at once."""
    async with pool.connection() as connection:
        if await select_has_users(connection):
            return True
    password = new_password()
    hashed = await passwords.hash(password)
    async with transaction(pool) as connection:
        await lock_users(connection)
        if await select_has_users(connection):
            return True
        new = NewUser(name=FIRST_NAME, role=Role.ADMIN)
        await create_user(connection, new, hashed, FIRST_PRINCIPAL)
    # To the terminal or the journal of whoever starts the service, not through the log, whose lines travel.
    print(
        f"First start: user {FIRST_NAME}, password for one use {password} (it must be replaced at the first log-in; "
        f"lost: `millstream cloud user reset {FIRST_NAME}`)",
        file=sys.stderr,
        flush=True,
    )
    return False
