"""Notices that the agent itself did not run: its process was stopped, its virtual machine or its gateway slept."""

import asyncio
import logging
import time
from collections.abc import Callable

from edge_agent.telemetry import say

LOOKS_A_LIMIT = 5
"""How often the watch looks within the time that it lets pass: a look may come late, but not so late."""


def since_boot_s() -> float:
    """Seconds since the machine started, those included in which it was suspended; nobody can set this clock."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class PauseWatch:
    """Looks at a clock that never stops; when nobody looked for as long as the limit, nothing here ran meanwhile.

    It begins with the first look: a start may take as long as it takes.
    The wall clock is not asked: it is set by people and time servers, and that is no pause.
    """

    def __init__(self, limit_s: float, clock: Callable[[], float] = since_boot_s) -> None:
        self.on_pause: Callable[[float], None] = lambda _: None
        """Called with the seconds that the agent stood still, before anything that it missed is judged."""
        self._limit_s = limit_s
        self._clock = clock
        self._looked_at: float | None = None

    def look(self) -> None:
        """Whoever is about to judge a device's silence looks first: after a pause all timers are due at once."""
        now = self._clock()
        stood_s = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if stood_s >= self._limit_s:
            say(logging.WARNING, "agent stood still", seconds=round(stood_s, 1))
            self.on_pause(stood_s)

    async def run(self) -> None:
        """Look again and again, for ever."""
        while True:
            self.look()
            await asyncio.sleep(self._limit_s / LOOKS_A_LIMIT)
