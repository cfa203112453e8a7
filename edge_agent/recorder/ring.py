"""What was said with one device until it is written: packed as it grows, bounded, the oldest gives way (pure)."""

from collections import deque
from dataclasses import dataclass

from connectors.contract import Chapter, Exchange
from edge_agent.recorder import tape

BUFFER_BYTES = 16 << 10
"""Records are packed when they take this much."""
LONGEST_RECORD_BYTES = 512 << 10
"""Longer than a full message of any protocol we speak; one beyond it is counted as lost."""
MAX_OPENING_BYTES = 512 << 10
"""Of each chapter of an opening, packed: ten thousand OPC UA items take a fifth of it."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packed records of a time; a failure that began in it makes it worth keeping."""

    first_us: int
    last_us: int
    has_failure: bool
    blocks: bytes
    chapter: Chapter | None = None
    """Set where this is an opening, without which later stretches cannot be understood."""


class _Opening:
    """What one chapter holds so far, packed as it comes."""

    def __init__(self, chapter: Chapter) -> None:
        self._chapter = chapter
        self._first_us = self._last_us = 0
        self._packed = bytearray()
        self._fresh = False

    def add(self, exchange: Exchange) -> bool:
        """Tell whether there was room."""
        record = bytearray()
        tape.append(exchange, record, is_opening=True)
        packed = tape.block(record, 1)
        if len(self._packed) + len(packed) > MAX_OPENING_BYTES:
            return False
        if not self._packed:
            self._first_us = exchange.asked_us
        self._last_us = exchange.asked_us
        self._packed += packed
        self._fresh = True
        return True

    def take(self) -> Stretch | None:
        """All of it, where there is something that was not taken before."""
        if not self._fresh:
            return None
        self._fresh = False
        return Stretch(self._first_us, self._last_us, False, bytes(self._packed), self._chapter)


class Ring:
    """Takes the exchanges of one device; `take` gives what there is to write."""

    def __init__(self, pending_bytes: int) -> None:
        self._pending_bytes = pending_bytes
        self._pending: deque[tuple[Stretch, int]] = deque()
        self._packed_bytes = 0
        self._lost = 0
        self._is_failing = False
        self._openings: dict[Chapter, _Opening] = {}
        self._begun: set[Chapter] = set()
        self._left: deque[Stretch] = deque(maxlen=2 * len(Chapter))
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

    def begin(self, chapter: Chapter) -> None:
        """What is noted of this chapter next takes the place of what was noted of it before."""
        self._begun.add(chapter)

    def note_opening(self, exchange: Exchange, chapter: Chapter) -> None:
        """Keep an exchange as long as any of those that follow."""
        if chapter in self._begun or chapter not in self._openings:
            self._begun.discard(chapter)
            self._leave(chapter)
            self._openings[chapter] = _Opening(chapter)
        too_long = len(exchange.question) + len(exchange.answer or b"") > LONGEST_RECORD_BYTES
        if too_long or not self._openings[chapter].add(exchange):
            self._lost += 1
            return
        self._is_failing = False

    def take_openings(self) -> list[Stretch]:
        """The chapters that have grown since they were taken last, each of them whole, the oldest first."""
        for chapter in Chapter:
            self._leave(chapter)
        taken = list(self._left)
        self._left.clear()
        return taken

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

    def _leave(self, chapter: Chapter) -> None:
        opening = self._openings.get(chapter)
        if opening is not None and (stretch := opening.take()) is not None:
            self._left.append(stretch)

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
        # The newest block stays, however large it is packed.
        while len(self._pending) > 1 and self._packed_bytes > self._pending_bytes:
            oldest, count = self._pending.popleft()
            self._packed_bytes -= len(oldest.blocks)
            self._lost += count
