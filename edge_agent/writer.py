"""Between scanning and the disk: gathers what one batch window brought, and commits it in a thread of its own."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from edge_agent.clock import AgentClock, settled
from edge_agent.outbox import Outbox
from edge_agent.outbox_content import Append, Confirmation, NewBatch, WaitingGap
from edge_agent.outbox_file import OutboxCorrupt, OutboxUnavailable
from edge_agent.packing import Collected, Packer, TagBook
from edge_agent.salvage import OutboxMark, start_over
from edge_agent.telemetry import Count, Counters, say
from schemas.batch import BatchInvalid, BatchTooLarge, Gap, GapReason

MARK_PERIOD_S = 5.0
RETRY_MAX_S = 5.0
MAX_PENDING_SAMPLES = 500_000

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Batch window and idle period in seconds, and the bytes that are held while the disk refuses."""

    window_s: float = 0.1
    idle_s: float = 1.0
    memory_bytes: int = 16 << 20


@dataclass(slots=True)
class _Held:
    """What is encoded but not yet durable."""

    batches: deque[NewBatch] = field(default_factory=deque[NewBatch])
    progress: dict[str, int] = field(default_factory=dict[str, int])
    gaps: list[Gap] = field(default_factory=list[Gap])
    confirmed: list[Confirmation] = field(default_factory=list[Confirmation])
    taken_gaps: list[int] = field(default_factory=list[int])
    books: dict[bytes, tuple[str, ...]] = field(default_factory=dict[bytes, tuple[str, ...]])

    @property
    def bytes(self) -> int:
        """Encoded bytes that wait for the disk."""
        return sum(len(batch.payload) for batch in self.batches)

    def as_append(self) -> Append:
        """All of it as one commit."""
        return Append(
            batches=tuple(self.batches),
            progress=self.progress,
            taken_gaps=self.taken_gaps,
            booked_gaps=self.gaps,
            confirmed=self.confirmed,
            dictionaries=self.books,
        )


class OutboxWriter:
    """The only owner of the outbox: every access to it happens in its one thread."""

    def __init__(
        self,
        outbox: Outbox,
        mark: OutboxMark,
        packer: Packer,
        clock: AgentClock,
        counters: Counters,
        settings: WriterSettings,
    ) -> None:
        self.outbox = outbox
        self.on_commit: Callable[[], None] = lambda: None
        self._mark = mark
        self._packer = packer
        self._clock = clock
        self._counters = counters
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, "outbox")
        self._collected: dict[bytes, Collected] = {}
        self._confirmed: list[Confirmation] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._changed = asyncio.Event()
        self._sampled = asyncio.Event()
        self._held = _Held()
        self._known = outbox.known_dictionaries()
        self._marked_at = 0.0
        self._failures = 0
        self.oldest_us: int | None = None
        self.generation = 0

    def collected(self, book: TagBook) -> Collected:
        """Where samples of this book's tags go in the window that is open now."""
        found = self._collected.get(book.digest)
        if found is None:
            found = self._collected[book.digest] = Collected(book)
        return found

    def notice(self, *, has_samples: bool) -> None:
        """Something was put into `collected`."""
        self._changed.set()
        if has_samples:
            self._sampled.set()

    async def durable(self) -> None:
        """Wait until everything collected so far is committed."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._sampled.set()
        self._changed.set()
        await waiter

    def confirm(self, confirmed: Confirmation) -> None:
        """The cloud has settled these numbers: they leave with the next commit."""
        self._confirmed.append(confirmed)
        self._changed.set()

    async def run(self) -> None:
        """Commit once a window, for ever; a disk that refuses is tried again and never ends this."""
        while True:
            await self._changed.wait()
            if not self._sampled.is_set():
                await self._wait_idle()
            if self._sampled.is_set():
                await asyncio.sleep(self._settings.window_s)
            if not self._clock.is_plausible():
                self._bound_pending()
                await asyncio.sleep(self._settings.idle_s)
                continue
            await self.flush()
            if self._failures:
                await asyncio.sleep(min(RETRY_MAX_S, 0.1 * 2.0**self._failures))

    async def flush(self) -> None:
        """Commit what was collected until now; what the disk refuses is kept for the next time."""
        self._changed.clear()
        self._sampled.clear()
        sealed = self._seal()
        waiters, self._waiters = self._waiters, []
        confirmed, self._confirmed = self._confirmed, []
        is_written = await self.call(lambda: self._write(sealed, confirmed))
        if is_written:
            self._failures = 0
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self.on_commit()
        else:
            self._failures += 1
            self._waiters = waiters + self._waiters
            self._changed.set()

    async def call(self, action: Callable[[], ResultT]) -> ResultT:
        """Do something with the outbox in its thread; it is done even where nobody waits for it any more.

        A commit that waits for its turn when the agent stops would else take its samples along.
        """
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, action))

    async def read(self, action: Callable[[], ResultT], otherwise: ResultT) -> ResultT:
        """Look something up; where the file cannot be read now, the answer is `otherwise`."""
        return await self.call(lambda: self._read(action, otherwise))

    async def set_known(self, digest: bytes, *, is_known: bool) -> None:
        """The cloud knows a tag list by its hash, or has forgotten it."""
        if is_known == (digest in self._known):
            return
        (self._known.add if is_known else self._known.discard)(digest)
        await self.call(lambda: self.outbox.mark_dictionary(digest, is_known=is_known))

    def is_known(self, digest: bytes) -> bool:
        """Whether the cloud has named this tag list as known."""
        return digest in self._known

    async def limit_wire(self, max_wire_bytes: int) -> None:
        """The broker takes no larger payloads than this."""
        self._packer.max_wire_bytes = max_wire_bytes

    async def close(self) -> None:
        """Commit what is left and close the file."""
        if self._clock.is_plausible():
            await self.flush()
        await self.call(self.outbox.close)
        self._thread.shutdown()
        self._mark.release()

    async def _wait_idle(self) -> None:
        """Progress without samples is booked once an idle period; samples end the waiting."""
        try:
            async with asyncio.timeout(self._settings.idle_s):
                await self._sampled.wait()
        except TimeoutError:
            return

    def _seal(self) -> list[Collected]:
        sealed = [collected for collected in self._collected.values() if not collected.is_empty]
        self._collected.clear()
        if self._clock.was_provisional:
            for collected in sealed:
                _settle(collected, self._clock.offset_us())
        return sealed

    def _bound_pending(self) -> None:
        """While no time can be given, only so many samples are kept; newer ones are not."""
        for collected in self._collected.values():
            if collected.count > MAX_PENDING_SAMPLES:
                first = min(time_us for buffer in collected.columns.values() for time_us in buffer.times_us)
                gap = Gap(first, self._clock.now_us(), GapReason.CLOCK_IMPLAUSIBLE)
                self._collected[collected.book.digest] = Collected(collected.book, until=collected.until, gaps=[gap])

    def _write(self, sealed: list[Collected], confirmed: list[Confirmation]) -> bool:
        """In the outbox's thread: encode, commit; False when the disk refused and all of it is held."""
        held = self._held
        held.confirmed += confirmed
        try:
            self._encode(sealed)
            if not self.outbox.is_open:
                self.outbox.open()
            if not (held.batches or held.confirmed or held.gaps or held.progress):
                return True
            self.outbox.append(held.as_append(), self._clock.now_us())
        except OutboxUnavailable as error:
            self._refused(error)
            return False
        except OutboxCorrupt as error:
            self._start_over(error)
            return False
        self._counters[Count.COMMITS] += 1
        self._counters[Count.BATCHES_APPENDED] += len(held.batches)
        self._held = _Held()
        self._note_oldest()
        return True

    def _read(self, action: Callable[[], ResultT], otherwise: ResultT) -> ResultT:
        try:
            return action()
        except OutboxUnavailable:
            return otherwise
        except OutboxCorrupt as error:
            self._start_over(error)
            return otherwise

    def _encode(self, sealed: list[Collected]) -> None:
        held = self._held
        waiting = [] if held.taken_gaps or not sealed else self._waiting_gaps()
        for position, collected in enumerate(sealed):
            book = collected.book
            is_known = book.digest in self._known
            gaps = [found.gap for found in waiting] if position == 0 else []
            held.batches.extend(self._packed(collected, is_known=is_known, gaps=gaps))
            held.progress.update(collected.until)
            held.books[book.digest] = book.tags
        held.taken_gaps += [found.id for found in waiting]

    def _waiting_gaps(self) -> list[WaitingGap]:
        """Gaps that no batch carries yet; a disk that refuses must not cost the samples that were just sealed."""
        try:
            return self.outbox.waiting_gaps()
        except (OutboxUnavailable, OutboxCorrupt):
            return []

    def _packed(self, collected: Collected, *, is_known: bool, gaps: list[Gap]) -> list[NewBatch]:
        try:
            return self._packer.pack(collected, is_known=is_known, gaps=gaps)
        except (BatchTooLarge, BatchInvalid) as error:
            times = [time_us for buffer in collected.columns.values() for time_us in buffer.times_us]
            say(logging.ERROR, "samples could not be encoded", error=str(error), samples=len(times))
            now_us = self._clock.now_us()
            span = (min(times, default=now_us), max(times, default=now_us))
            self._held.gaps += [*gaps, *collected.gaps, Gap(*span, GapReason.SAMPLE_TOO_LARGE)]
            return []

    def _refused(self, error: OutboxUnavailable) -> None:
        held = self._held
        self._counters[Count.COMMITS_FAILED] += 1
        if self._failures == 0:
            say(logging.ERROR, "outbox cannot be written; samples are held in memory", error=str(error))
        while len(held.batches) > 1 and held.bytes > self._settings.memory_bytes:
            lost = held.batches.popleft()
            self._counters[Count.BATCHES_DROPPED] += 1
            held.gaps += lost.gaps
            held.gaps = _with_lost(held.gaps, lost)

    def _start_over(self, error: OutboxCorrupt) -> None:
        self._counters[Count.OUTBOX_SALVAGED] += 1
        self._held.taken_gaps.clear()
        self.generation += 1
        try:
            aside = start_over(self.outbox, self._mark, self._clock.now_us())
        except (OutboxUnavailable, OutboxCorrupt, OSError) as failure:
            say(logging.ERROR, "outbox is damaged and cannot be replaced yet", error=str(failure))
            return
        say(logging.ERROR, "outbox was damaged and has been salvaged", error=str(error), set_aside=str(aside))

    def _note_oldest(self) -> None:
        now = self._clock.monotonic()
        if now - self._marked_at >= MARK_PERIOD_S:
            self._marked_at = now
            oldest = self.outbox.oldest()
            self.oldest_us = oldest[1] if oldest else None
            self.outbox.shrink()
            self._mark.write(oldest[0] if oldest else self._clock.now_us())


def _with_lost(gaps: list[Gap], lost: NewBatch) -> list[Gap]:
    """Add one lost batch; a run of numbers stays one gap."""
    for position, gap in enumerate(gaps):
        if gap.batches and gap.batches[0] == lost.epoch and gap.batches[2] + 1 == lost.seq:
            span = (min(gap.from_us, lost.from_us), max(gap.to_us, lost.to_us))
            gaps[position] = Gap(*span, gap.reason, batches=(lost.epoch, gap.batches[1], lost.seq))
            return gaps
    return [*gaps, Gap(lost.from_us, lost.to_us, GapReason.OUTBOX_FULL, batches=(lost.epoch, lost.seq, lost.seq))]


def _settle(collected: Collected, offset_us: int) -> None:
    for buffer in collected.columns.values():
        buffer.times_us = settled(buffer.times_us, offset_us)
    collected.until = dict(zip(collected.until, settled(list(collected.until.values()), offset_us), strict=True))
    collected.gaps = [replace(gap, to_us=settled([gap.to_us], offset_us)[0]) for gap in collected.gaps]
