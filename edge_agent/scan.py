"""Scan classes: when a group of points is due, kept on the monotonic clock so that nothing drifts."""

import asyncio
from dataclasses import dataclass

from connectors.contract import Clock


@dataclass(frozen=True, slots=True)
class ScanClass:
    """A named period and phase in seconds, with the points that are read then."""

    name: str
    period_s: float
    phase_s: float
    points: tuple[int, ...]

    def next_due(self, after: float) -> float:
        """The first grid point of this class later than `after`."""
        steps = (after - self.phase_s) // self.period_s + 1
        due = self.phase_s + steps * self.period_s
        return due if due > after else due + self.period_s

    def missed(self, due: float, now: float) -> int:
        """How many grid points after `due` have already passed."""
        return max(0, int((now - due) // self.period_s))


class ScanTimer:
    """Wakes one loop at each grid point; the first wake comes at once, so that a start shows values without delay."""

    def __init__(self, scan: ScanClass, clock: Clock) -> None:
        self._scan = scan
        self._clock = clock
        self._due: float | None = None
        self._target = clock.monotonic()

    @property
    def late_s(self) -> float:
        """How much later than its grid point the scan begins if it begins now."""
        return max(0.0, self._clock.monotonic() - self._target)

    async def wait(self) -> int:
        """Sleep until the next scan is due; how many were skipped because the last one took too long."""
        now = self._clock.monotonic()
        if self._due is None:
            self._due = self._scan.next_due(now)
            self._target = now
            return 0
        missed = self._scan.missed(self._due, now) if now > self._due else 0
        target = self._due + missed * self._scan.period_s
        self._due = target + self._scan.period_s
        self._target = target
        await asyncio.sleep(max(0.0, target - now))
        return missed
