"""When to leave something alone that does not answer, and how briefly to try it again (pure)."""

from dataclasses import dataclass

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
FIRST_PROBE_SHARE = 0.25


@dataclass(slots=True)
class Breaker:
    """Doubles its pause with every failure in a row; the next try after a pause is a probe.

    A probe's allowance starts short and doubles too, up to the full time-out: a dead unit costs its neighbours
    little, and a slow one is still heard in the end.
    """

    failures: int = 0
    retry_at: float = 0.0
    reason: str = ""

    def remaining_s(self, now: float) -> float:
        """Seconds until the next try is allowed; 0 where it is allowed now."""
        return max(0.0, self.retry_at - now) if self.failures else 0.0

    def allowance_s(self, timeout_s: float) -> float:
        """How long the next try may take."""
        if not self.failures:
            return timeout_s
        return min(timeout_s, timeout_s * FIRST_PROBE_SHARE * 2 ** min(self.failures - 1, 8))

    def fail(self, now: float, reason: str) -> None:
        """Note that a try failed."""
        self.retry_at = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.failures, 16))
        self.failures += 1
        self.reason = reason

    def succeed(self) -> None:
        """Note that a try succeeded: all is forgotten."""
        self.failures = 0
