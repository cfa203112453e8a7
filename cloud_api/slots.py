"""Room for costly reads: a few run at once, the next wait their turn, caller by caller, and not for ever."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager

from cloud_api.problems import Kinds, Problem

# What waits holds little, but somebody waits for it: behind so many an answer would come too late for anybody.
MOST_WAITING = 2_000
# How much the last one counts in the mean time that a slot is held.
LAST = 0.1


class Slots:
    """So many slots. A caller with many requests waits behind itself: each caller in turn gets the next free slot."""

    def __init__(self, count: int, patience_s: float) -> None:
        self._free = count
        self._count = count
        self._patience_s = patience_s
        self._held_s = 0.1
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting_count(self) -> int:
        """How many wait."""
        return sum(len(each) for each in self._waiting.values())

    @asynccontextmanager
    async def slot(self, caller: Hashable) -> AsyncGenerator[None]:
        """Hold a slot; a Problem when there is none in time, with how long it may be until there is."""
        await self._acquire(caller)
        started = time.monotonic()
        try:
            yield
        finally:
            self._held_s += LAST * (time.monotonic() - started - self._held_s)
            self._release()

    async def _acquire(self, caller: Hashable) -> None:
        if self._free:
            self._free -= 1
            return
        if self.waiting_count >= MOST_WAITING:
            raise self._refusal()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The turn came in the same moment.
                self._release()
            self._forget(caller, turn)
            if isinstance(error, TimeoutError):
                raise self._refusal() from error
            raise

    def _release(self) -> None:
        while self._waiting:
            caller, turns = next(iter(self._waiting.items()))
            turn = turns.popleft()
            # Whoever had a turn goes to the end.
            self._waiting.move_to_end(caller)
            if not turns:
                del self._waiting[caller]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, caller: Hashable, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(caller)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[caller]

    def _refusal(self) -> Problem:
        detail = "more queries are waiting than this service answers in time"
        again_s = math.ceil(max(1.0, min(60.0, self.waiting_count * self._held_s / self._count)))
        return Problem(Kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(again_s)})
