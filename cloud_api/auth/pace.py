"""How much one caller may ask of a process: requests a minute, and how many run at once; streams count apart."""

import math
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from threading import Timer

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from cloud_api.problems import Kinds, Problem

STREAM_END = "/stream"
SWEEP_S = 30.0


class _Rest(Timer):
    """Stands where the storage keeps its timer: it starts another, a thread, whenever that one has ended."""

    def __init__(self) -> None:
        super().__init__(SWEEP_S, lambda: None)
        self._until_s = time.monotonic() + SWEEP_S

    def is_alive(self) -> bool:
        """Whether it is too early to look for what has expired."""
        return time.monotonic() < self._until_s


class Pace:
    """Counts by caller, in this process."""

    def __init__(self, per_minute: int, running_max: int, streams_max: int) -> None:
        self._rate = RateLimitItemPerMinute(per_minute)
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._caps = {False: running_max, True: streams_max}
        self._running: Counter[tuple[str, bool]] = Counter()

    def step(self, caller: str) -> None:
        """Count one request; Problem too-many-requests above the rate."""
        is_within = self._limiter.hit(self._rate, caller)
        if not isinstance(self._storage.timer, _Rest):
            # What has expired is swept out now and then, not by a thread for each request.
            self._storage.timer = _Rest()
        if not is_within:
            wait_s = max(1, math.ceil(self._limiter.get_window_stats(self._rate, caller).reset_time - time.time()))
            detail = f"more than {self._rate.amount} requests a minute from one caller"
            raise Problem(Kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(wait_s)})

    @contextmanager
    def running(self, caller: str, path: str) -> Generator[None]:
        """Count a request while it runs; Problem too-many-requests above the number."""
        heading = (caller, path.endswith(STREAM_END))
        cap = self._caps[heading[1]]
        if self._running[heading] >= cap:
            detail = f"{cap} {'streams' if heading[1] else 'requests'} of one caller run at once already"
            raise Problem(Kinds.TOO_MANY_REQUESTS, detail, headers={"Retry-After": "1"})
        self._running[heading] += 1
        try:
            yield
        finally:
            self._running[heading] -= 1
            if not self._running[heading]:
                del self._running[heading]
