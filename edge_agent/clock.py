"""The agent's time: the wall clock once it can be believed, a monotonic stand-in until then."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

EARLIEST_US = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
"""No agent of this build ran before: an earlier wall clock has not been set yet."""


class AgentClock:
    """Real time; before the wall clock is plausible, times are provisional and `settled` puts them right later."""

    def __init__(self, wall: Callable[[], int] | None = None) -> None:
        self._wall = wall or wall_us
        self._provisional_us = self._wall()
        self._started = time.monotonic()
        self._was_plausible = self._provisional_us >= EARLIEST_US
        self.was_provisional = not self._was_plausible

    def now_us(self) -> int:
        """Microseconds since the Unix epoch, UTC; provisional ones lie before EARLIEST_US."""
        return self._wall() if self.is_plausible() else self._provisional_now_us()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def is_plausible(self) -> bool:
        """Whether the wall clock has been set; once believed, it is believed until the agent ends."""
        if not self._was_plausible:
            self._was_plausible = self._wall() >= EARLIEST_US
        return self._was_plausible

    def offset_us(self) -> int:
        """What a provisional time lacks; only once the clock is plausible."""
        return self._wall() - self._provisional_now_us()

    def _provisional_now_us(self) -> int:
        return self._provisional_us + round((time.monotonic() - self._started) * 1_000_000)


def wall_us() -> int:
    """The wall clock as it is."""
    return time.time_ns() // 1_000


def settled(times_us: list[int], offset_us: int) -> list[int]:
    """The same times with provisional ones put right."""
    return [time_us + offset_us if time_us < EARLIEST_US else time_us for time_us in times_us]
