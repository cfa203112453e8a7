"""What is on its way to the cloud: a bounded window of unacknowledged batches, and when to send one again (pure)."""

from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.outbox_content import StoredBatch

Number = tuple[bytes, int]


@dataclass(slots=True)
class Sent:
    """One batch that was sent and is not acknowledged."""

    batch: StoredBatch
    due: float
    attempts: int


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How much may be unacknowledged, and how long an acknowledgement may take before a batch is sent again."""

    batches: int
    bytes: int
    resend_min_s: float
    resend_max_s: float


class DeliveryWindow:
    """The unacknowledged batches of one lane, in the order in which they were sent first."""

    def __init__(self, limits: WindowLimits) -> None:
        self.limits = limits
        self.bytes = 0
        self._sent: dict[Number, Sent] = {}
        self._held: dict[Number, float] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def __contains__(self, number: Number) -> bool:
        return number in self._sent

    @property
    def held(self) -> int:
        """Batches that the cloud asked to keep for later."""
        return len(self._held)

    def room(self) -> int:
        """How many more batches may be sent now."""
        if self.bytes >= self.limits.bytes or self.held >= self.limits.batches * 4:
            return 0
        return max(0, self.limits.batches - len(self._sent))

    def send(self, batch: StoredBatch, now: float) -> None:
        """It was sent for the first time in this session."""
        number = (batch.epoch, batch.seq)
        if number not in self._sent:
            self.bytes += len(batch.payload)
        self._held.pop(number, None)
        self._sent[number] = Sent(batch, now + self.limits.resend_min_s, 0)

    def settle(self, epoch: bytes, first: int, last: int) -> int:
        """The cloud has stored or rejected these numbers; how many of them were on their way."""
        gone = [number for number in self._sent if number[0] == epoch and first <= number[1] <= last]
        for number in gone:
            self._forget(number)
        for number in [number for number in self._held if number[0] == epoch and first <= number[1] <= last]:
            del self._held[number]
        return len(gone)

    def hold(self, number: Number, now: float) -> bool:
        """The cloud cannot take this one now: it makes room for others and comes back after the longest wait."""
        if number not in self._sent:
            return False
        self._forget(number)
        self._held[number] = now + self.limits.resend_max_s
        return True

    def overdue(self, now: float) -> Iterator[StoredBatch]:
        """Batches to send again; each waits twice as long the next time."""
        for sent in self._sent.values():
            if sent.due <= now:
                sent.attempts += 1
                wait = min(self.limits.resend_max_s, self.limits.resend_min_s * 2.0**sent.attempts)
                sent.due = now + wait
                yield sent.batch

    def returning(self, now: float) -> list[Number]:
        """Held batches whose time has come; they are sent as if for the first time."""
        due = [number for number, at in self._held.items() if at <= now]
        for number in due:
            del self._held[number]
        return due

    def replace(self, batch: StoredBatch, now: float) -> None:
        """The same batch in another encoding: what is sent from now on."""
        self._forget((batch.epoch, batch.seq))
        self.send(batch, now)

    def clear(self) -> None:
        """Forget what is on its way: it will be read from the outbox again."""
        self._sent.clear()
        self._held.clear()
        self.bytes = 0

    def _forget(self, number: Number) -> None:
        sent = self._sent.pop(number, None)
        if sent is not None:
            self.bytes -= len(sent.batch.payload)


@dataclass(slots=True)
class Allowance:
    """Bytes a second, with one second of them saved up at most."""

    bytes_a_second: float
    _left: float = 0.0
    _at: float | None = None

    def take(self, size: int, now: float) -> bool:
        """Whether this much may be sent now; a batch larger than a second's worth may when all of it is saved up."""
        if self._at is None:
            self._left = self.bytes_a_second
        else:
            self._left = min(self.bytes_a_second, self._left + (now - self._at) * self.bytes_a_second)
        self._at = now
        if self._left < min(size, self.bytes_a_second):
            return False
        self._left -= size
        return True
