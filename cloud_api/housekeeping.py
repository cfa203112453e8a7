"""Housekeeping: forgets, once an hour, what is only needed for a while."""

import asyncio
import logging
from datetime import timedelta

from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.idempotency import delete_idempotency_old
from cloud_api.storage.identities import delete_login_answered_old
from cloud_api.storage.ledger import delete_ledger_marks_old
from cloud_api.storage.pool import Pool
from cloud_api.storage.security_events import delete_api_key_addresses_old
from cloud_api.storage.sessions import delete_sessions_ended
from cloud_api.storage.users import delete_login_failures_old

EVERY_S = 3600.0

log = logging.getLogger(__name__)


async def keep_house(pool: Pool, session_idle_s: float) -> None:
    """Keep house until cancelled; a database that is away is waited for."""
    idle = timedelta(seconds=session_idle_s)
    while True:
        try:
            async with pool.connection() as connection:
                await delete_idempotency_old(connection)
                await delete_sessions_ended(connection, idle)
                await delete_login_failures_old(connection)
                await delete_login_answered_old(connection)
                await delete_ledger_marks_old(connection)
                await delete_api_key_addresses_old(connection)
        except UNAVAILABLE as error:
            log.warning("housekeeping waits for the database: %s", " ".join(str(error).split()))
        await asyncio.sleep(EVERY_S)
