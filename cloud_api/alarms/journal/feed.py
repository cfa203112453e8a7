"""How streams learn of new sealed rows: one look at the end of the chain for all streams of a process, no LISTEN."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from cloud_api.server_events import Closing
from cloud_api.storage.faults import is_passing
from cloud_api.storage.journal import JournalRow, select_journal_after, select_journal_head
from cloud_api.storage.pool import Pool

PAGE_ROWS = 500
KEPT_ROWS = 2_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """How often the end of the chain is looked at while somebody reads."""

    look_s: float = 0.1


class Feed:
    """The newest sealed rows, read once for all; readers that are further back read the database themselves."""

    def __init__(self, find_pool: Callable[[], Pool], closing: Closing, times: FeedTimes | None = None) -> None:
        self._find_pool = find_pool
        self._closing = closing
        self._times = times or FeedTimes()
        self._rows: deque[JournalRow] = deque(maxlen=KEPT_ROWS)
        self._looked_s = float("-inf")
        self._looking = asyncio.Lock()

    @property
    def newest(self) -> int:
        """The number of the newest row that was seen; 0 before there is any."""
        return self._rows[-1].number if self._rows else 0

    async def after(self, number: int, wait_s: float) -> Sequence[JournalRow]:
        """Return the next sealed rows after `number`, at most PAGE_ROWS; none when nothing came within `wait_s`."""
        ends_s = time.monotonic() + wait_s
        while True:
            await self._look()
            rows = await self._next(number)
            left_s = ends_s - time.monotonic()
            if rows or left_s <= 0 or await self._closing.wait(min(self._times.look_s, left_s)):
                return rows

    async def _next(self, number: int) -> Sequence[JournalRow]:
        if self.newest <= number:
            return ()
        skipped = number + 1 - self._rows[0].number
        if skipped >= 0:
            return list(islice(self._rows, skipped, skipped + PAGE_ROWS))
        async with self._find_pool().connection() as connection:
            return await select_journal_after(connection, number, PAGE_ROWS)

    async def _look(self) -> None:
        """Read what is new, unless somebody has just done so."""
        async with self._looking:
            if time.monotonic() - self._looked_s < self._times.look_s:
                return
            try:
                await self._read()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("streams of alarms wait for the database: %s", " ".join(str(error).split()))
            self._looked_s = time.monotonic()

    async def _read(self) -> None:
        async with self._find_pool().connection() as connection:
            head, _ = await select_journal_head(connection)
            if head < self.newest or head - self.newest > KEPT_ROWS:
                # Nobody read for long, or the database was put back to an earlier day.
                self._rows.clear()
            after = self.newest or max(0, head - KEPT_ROWS)
            while after < head and (rows := await select_journal_after(connection, after, PAGE_ROWS)):
                self._rows.extend(rows)
                after = rows[-1].number
