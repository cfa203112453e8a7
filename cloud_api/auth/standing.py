"""Whether callers of open streams still may what they might when they came: asked anew while they read."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import timedelta

from cloud_api.auth.principal import Principal
from cloud_api.storage.faults import is_passing
from cloud_api.storage.pool import Pool
from cloud_api.storage.standing import Allowed, select_standing_keys, select_standing_sessions

# Streams are heard of every fifteen seconds at least, so each ends within half a minute.
EVERY_S = 10.0

log = logging.getLogger(__name__)


class Standing:
    """One look at keys and sessions for all streams of a process.

    A key that was revoked or has expired, a session that ended, another role or reach: the stream ends, and whoever
    comes back gets what he may now. While the database is away nobody is sent away; nothing new comes either.
    """

    def __init__(self, find_pool: Callable[[], Pool], idle: timedelta, every_s: float = EVERY_S) -> None:
        self._find_pool = find_pool
        self._idle = idle
        self._every_s = every_s
        self._open: Counter[Principal] = Counter()
        self._lost: frozenset[Principal] = frozenset()
        self._looked_s = float("-inf")
        self._looking = asyncio.Lock()

    async def while_standing(self, caller: Principal, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Pass events on until the caller may not have them any more."""
        self._open[caller] += 1
        try:
            async with aclosing(events):
                async for event in events:
                    await self._look()
                    if caller in self._lost:
                        log.info("a stream of %s ends: its key, session, role or reach has changed", caller.name)
                        return
                    yield event
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]

    async def _look(self) -> None:
        if time.monotonic() - self._looked_s < self._every_s:
            return
        async with self._looking:
            if time.monotonic() - self._looked_s < self._every_s:
                return
            try:
                self._lost = await self._read()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("callers of streams cannot be looked at: %s", " ".join(str(error).split()))
            self._looked_s = time.monotonic()

    async def _read(self) -> frozenset[Principal]:
        callers = list(self._open)
        key_ids = [each.key_id for each in callers if each.key_id is not None]
        session_ids = [each.session_id for each in callers if each.session_id is not None]
        async with self._find_pool().connection() as connection:
            keys = await select_standing_keys(connection, key_ids) if key_ids else {}
            sessions = await select_standing_sessions(connection, session_ids, self._idle) if session_ids else {}
        return frozenset(each for each in callers if not _is_same(each, keys, sessions))


def _is_same(caller: Principal, keys: dict[int, Allowed], sessions: dict[int, Allowed]) -> bool:
    found = keys.get(caller.key_id) if caller.key_id is not None else sessions.get(caller.session_id or 0)
    return found is not None and found == (caller.role, caller.reach.globs)
