"""What the ledger proves of a window: how many batches were stored, rejected, declared lost, or are open (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cloud_api.storage.delivery import DeliveryRow, DeliveryState
from cloud_api.storage.ledger import ranges_of

# An agent that lives says every 30 s what waits in its outbox.
HEALTH_PATIENCE = timedelta(seconds=90)


class Verdict(StrEnum):
    """What can be said of the delivery of a window."""

    COMPLETE = "complete"
    DECLARED_LOST = "declared_lost"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's numbers of the window."""

    row: DeliveryRow
    open_ranges: Sequence[tuple[int, int]]

    @property
    def open(self) -> int:
        """How many have not arrived."""
        return sum(high - low + 1 for low, high in self.open_ranges)


@dataclass(frozen=True, slots=True)
class Proof:
    """The sums over all epochs, and the verdict with its reason where it is not plain."""

    epochs: Sequence[Epoch]
    stored: int
    rejected: int
    lost: int
    open: int
    verdict: Verdict
    why: str | None


def prove(rows: Sequence[DeliveryRow], state: DeliveryState, to_at: datetime, now: datetime) -> Proof:
    """Weigh what the ledger has. Only what the agent itself says to be delivered is called complete."""
    epochs = [Epoch(row, ranges_of(row.open)) for row in rows]
    lost, missing = sum(row.lost for row in rows), sum(epoch.open for epoch in epochs)
    verdict, why = _verdict(state, to_at, now)
    if missing:
        verdict, why = Verdict.OPEN, f"{missing} batches have not arrived; the agent sends them again"
    elif verdict is Verdict.COMPLETE and lost:
        verdict, why = Verdict.DECLARED_LOST, f"the agent gave up {lost} batches; see its gaps"
    elif verdict is Verdict.COMPLETE and not rows:
        verdict, why = Verdict.UNKNOWN, "the ledger has no batch of this window"
    return Proof(
        epochs=epochs,
        stored=sum(row.stored for row in rows),
        rejected=sum(row.rejected for row in rows),
        lost=lost,
        open=missing,
        verdict=verdict,
        why=why,
    )


def _verdict(state: DeliveryState, to_at: datetime, now: datetime) -> tuple[Verdict, str | None]:
    if state.known_until_at is None:
        return Verdict.UNKNOWN, "the agent does not say up to when it has delivered"
    if state.known_until_at < to_at:
        return Verdict.UNKNOWN, "the window ends after what the agent says to be delivered"
    if state.health_at is None or (state.state_at is not None and state.health_at < state.state_at):
        return Verdict.UNKNOWN, "the agent has not said yet what waits in its outbox"
    if state.oldest_at is not None and datetime.fromisoformat(state.oldest_at) < to_at:
        return Verdict.OPEN, f"{state.backlog_batches} batches wait in the agent's outbox"
    if now - state.health_at > HEALTH_PATIENCE and state.health_at < to_at:
        return Verdict.UNKNOWN, "the agent has not been heard since the end of the window"
    return Verdict.COMPLETE, None
