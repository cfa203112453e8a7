"""What was said with one device until it is written: packed as it grows, bounded, the oldest gives way (pure)."""

from collections import deque
from dataclasses import dataclass

from connectors.contract import Exchange
from edge_agent.recorder import tape

BUFFER_BYTES = 16 << 10
"""Records are packed when they take this much."""
LONGEST_RECORD_BYTES = 4 << 10
"""More than any exchange of the protocols we speak; a longer one is counted as lost."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packed records of a time; a failure that began in it makes it worth keeping."""

    first_us: int
    last_us: int
    has_failure: bool
    blocks: bytes


class Ring:
    """Takes the exchanges of one device; `take` gives what there is to write."""

    def __init__(self, pending_bytes: int) -> None:
        self._pending_bytes = pending_bytes
        self._pending: deque[tuple[Stretch, int]] = deque()
        self._packed_bytes = 0
        self._lost = 0
        self._is_failing = False
        self._begin()

    @property
    def held_bytes(self) -> int:
        """What it takes now; never more than `pending_bytes` and what one block is made of."""
        return self._packed_bytes + len(self._records)

    def note(self, exchange: Exchange) -> None:
        """Keep what was asked and answered."""
        if len(exchange.question) + len(exchange.answer or b"") > LONGEST_RECORD_BYTES:
            self._lost += 1
            return
        if not self._count:
            self._first_us = exchange.asked_us
        self._last_us = max(self._last_us, exchange.asked_us)
        self._count += 1
        self._has_failure |= exchange.trouble is not None and not self._is_failing
        self._is_failing = exchange.trouble is not None
        tape.append(exchange, self._records)
        if len(self._records) >= BUFFER_BYTES:
            self._pack()

    def take(self) -> Stretch | None:
        """Everything that is held, which is forgotten now; None where nothing happened."""
        self._pack()
        if not self._pending:
            return None
        stretches = [stretch for stretch, _ in self._pending]
        blocks = [stretch.blocks for stretch in stretches]
        if self._lost:
            missing = bytearray()
            tape.append_lost(self._lost, missing)
            blocks.insert(0, tape.block(missing, 1))
            self._lost = 0
        self._pending.clear()
        self._packed_bytes = 0
        return Stretch(
            min(stretch.first_us for stretch in stretches),
            max(stretch.last_us for stretch in stretches),
            any(stretch.has_failure for stretch in stretches),
            b"".join(blocks),
        )

    def _begin(self) -> None:
        self._records = bytearray()
        self._count = 0
        self._first_us = self._last_us = 0
        self._has_failure = False

    def _pack(self) -> None:
        if not self._count:
            return
        packed = tape.block(self._records, self._count)
        self._pending.append((Stretch(self._first_us, self._last_us, self._has_failure, packed), self._count))
        self._packed_bytes += len(packed)
        self._begin()
        while self._packed_bytes > self._pending_bytes:
            oldest, count = self._pending.popleft()
            self._packed_bytes -= len(oldest.blocks)
            self._lost += count
