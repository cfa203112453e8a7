"""A lane: batches in the order of arrival, coalesced, written, acknowledged; a bad one never stops it."""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from cloud_api.ingest.acks import AckSender, acks_for
from cloud_api.ingest.incoming import Arrival, Incoming, Refusal, open_arrival
from cloud_api.ingest.observed import observations
from cloud_api.ingest.prepare import Prepared
from cloud_api.ingest.results import BatchResult, Overtaken, RejectReason
from cloud_api.ingest.tally import count, result_of
from cloud_api.ingest.writer import IngestState, PartitionGone, RetentionMoved, SeriesStale, Writer
from cloud_api.storage.faults import is_passing, is_row_fault
from cloud_api.storage.lease import LeaseLost
from cloud_api.storage.rows import DistinctRows
from cloud_api.storage.samples import WrittenCounts
from cloud_api.telemetry import Lane
from schemas.ack import Ack, HoldReason

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0
AHEAD_PAUSE_S = 0.001
# A slow lane rests so many times as long as it worked while the fast one is in use, and no longer than this at once; in
# use it is when it wrote a set within this time.
REST_SHARE = 4.0
LONGEST_REST_S = 2.0
IN_USE_S = 2.0
# A failure of a kind that we do not know is tried so often before a single batch is blamed for it.
UNKNOWN_ATTEMPTS = 4

Committed: TypeAlias = tuple[Sequence[Incoming], Prepared, DistinctRows, WrittenCounts]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How much one lane coalesces and how much it may hold."""

    rows: int = 10_000
    set_bytes: int = 32 * 1024 * 1024
    waiting_bytes: int = 64 * 1024 * 1024
    waiting_batches: int = 10_000
    # Rows older than this may lie in compressed chunks and go by the backlog lane.
    horizon_us: int = 7 * 86_400_000_000


class LaneWorker:
    """Takes arrivals and writes them, alone in its lane."""

    def __init__(
        self,
        state: IngestState,
        lane: Lane,
        acks: AckSender,
        limits: LaneLimits,
        slow_lane: "LaneWorker | None" = None,
    ) -> None:
        self._state = state
        self._lane = lane
        self._acks = acks
        self._limits = limits
        self._slow_lane = slow_lane
        self._fast_lane: LaneWorker | None = None
        if slow_lane is not None:
            slow_lane._fast_lane = self  # noqa: SLF001 # the other half of the same pair
        self._written_s = -IN_USE_S
        self._writer = Writer(state, lane)
        self._waiting: deque[Arrival] = deque()
        self._waiting_bytes = 0
        self._opened: deque[Incoming] = deque()
        self._committed: deque[Committed] = deque()
        self._arrived = asyncio.Event()
        self._batches_gauge = state.telemetry.waiting_batches.labels(lane)
        self._bytes_gauge = state.telemetry.waiting_bytes.labels(lane)

    @property
    def written_s(self) -> float:
        """When it wrote a set last, by the monotonic clock."""
        return self._written_s

    def offer(self, arrival: Arrival) -> bool:
        """Take an arrival, unless more is waiting than memory is meant for."""
        is_full = (
            self._waiting_bytes + len(arrival.payload) > self._limits.waiting_bytes
            or len(self._waiting) >= self._limits.waiting_batches
        )
        # One message above the limit is still taken when nothing else waits, so that it can be refused.
        if is_full and self._waiting:
            return False
        self._waiting.append(arrival)
        self._waiting_bytes += len(arrival.payload)
        self._gauge()
        self._arrived.set()
        return True

    async def run(self) -> None:
        """Write what arrives, until cancelled or until the lease is lost."""
        try:
            while True:
                items = self._take()
                if items:
                    began_s = time.monotonic()
                    await self._write_and_look_ahead(items)
                    self._written_s = time.monotonic()
                    await self._give_way(self._written_s - began_s)
                else:
                    self._report_committed()
                    await self._writer.rest()
                    self._arrived.clear()
                    await self._arrived.wait()
        finally:
            self._report_committed()
            await self._writer.rest()

    async def _give_way(self, worked_s: float) -> None:
        """History that comes late waits while live batches use the database, which has to work for it most."""
        if self._fast_lane is None:
            return
        rested_s = time.monotonic() + min(LONGEST_REST_S, REST_SHARE * worked_s)
        if time.monotonic() - self._fast_lane.written_s < IN_USE_S:
            self._report_committed()
            await self._writer.rest()
            await asyncio.sleep(rested_s - time.monotonic())

    async def _write_and_look_ahead(self, items: Sequence[Incoming]) -> None:
        writing = asyncio.create_task(self._apply(items))
        try:
            await self._open_ahead(writing)
        finally:
            writing.cancel()
            await asyncio.wait({writing})
        writing.result()

    async def _open_ahead(self, writing: asyncio.Task[None]) -> None:
        """Decode and screen the next set while the database works on this one."""
        rows = sum(incoming.sample_count for incoming in self._opened)
        size = sum(incoming.size_bytes for incoming in self._opened)
        is_joined = False
        while not writing.done():
            if not self._writer.is_copying.is_set():
                # The round trips before COPY are short: whatever runs in between only delays them.
                await asyncio.wait({writing}, timeout=AHEAD_PAUSE_S)
                self._report_committed()
                continue
            is_full = rows >= self._limits.rows or size >= self._limits.set_bytes
            incoming = None if is_full else self._receive()
            if incoming is not None:
                # A batch without samples counts too, so that this ends.
                rows, size = rows + max(incoming.sample_count, 1), size + incoming.size_bytes
                self._writer.look_ahead(incoming)
                self._opened.append(incoming)
                # One message at a time, so that whatever waits for the loop gets its turn.
                await asyncio.sleep(0)
            elif is_full and not is_joined:
                self._writer.join_ahead(self._opened)
                is_joined = True
            else:
                await asyncio.wait({writing}, timeout=AHEAD_PAUSE_S)

    def drop_all(self) -> None:
        """Let go of everything: whoever owns ingest now gets it from the agents again."""
        for incoming in self._opened:
            incoming.arrival.settle(None)
        for arrival in self._waiting:
            arrival.settle(None)
        self._opened.clear()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._gauge()

    def _take(self) -> list[Incoming]:
        """The next set: about as many rows as one transaction likes, in order; HTTP calls stand alone."""
        items: list[Incoming] = []
        rows = size = 0
        while rows < self._limits.rows and size < self._limits.set_bytes:
            incoming = self._next()
            if incoming is None:
                break
            is_alone = incoming.arrival.lane is Lane.HTTP
            if is_alone and items:
                self._opened.appendleft(incoming)
                break
            items.append(incoming)
            rows += incoming.sample_count
            size += incoming.size_bytes
            if is_alone:
                break
        return items

    def _next(self) -> Incoming | None:
        return self._opened.popleft() if self._opened else self._receive()

    def _receive(self) -> Incoming | None:
        while self._waiting:
            arrival = self._waiting.popleft()
            self._waiting_bytes -= len(arrival.payload)
            self._gauge()
            incoming = _opened(arrival)
            if not self._is_moved(incoming):
                return incoming
        return None

    def _is_moved(self, incoming: Incoming) -> bool:
        """Rows behind the horizon never share a transaction with live ones."""
        arrival = incoming.arrival
        if self._slow_lane is None or not incoming.is_behind(arrival.received_us - self._limits.horizon_us):
            return False
        if arrival.lane is Lane.HTTP:
            moved = arrival
        else:
            # The broker is told at once, so that the live ones behind it need not wait; the agent only after COMMIT.
            arrival.settle(None)
            moved = replace(arrival, settle=_nobody)
        if not self._slow_lane.offer(moved):
            moved.settle(None)
        return True

    async def _apply(self, items: Sequence[Incoming]) -> None:
        try:
            prepared, rows, counts = await self._write(items)
        except (LeaseLost, asyncio.CancelledError):
            self._settle_all(items)
            raise
        except Overtaken:
            self._settle_all(items)
        except Exception as error:  # noqa: BLE001 # whatever a batch can cause ends here, so that it never stops the lane
            await self._isolate(items, error)
        else:
            # Told while the next set is under way, or at once when there is none.
            self._committed.append((items, prepared, rows, counts))

    async def _write(self, items: Sequence[Incoming]) -> tuple[Prepared, DistinctRows, WrittenCounts]:
        """Try until it is done, or until it is sure that the set itself is what fails."""
        pause_s, unknown = FIRST_PAUSE_S, 0
        while True:
            try:
                return await self._writer.write(items)
            except (LeaseLost, Overtaken):
                raise
            except (SeriesStale, PartitionGone, RetentionMoved):
                self._state.telemetry.transactions.labels("stale").inc()
            except Exception as error:
                if not is_passing(error):
                    unknown += 1
                    if is_row_fault(error) or unknown >= UNKNOWN_ATTEMPTS or len(items) > 1:
                        raise
                self._state.telemetry.transactions.labels("retried").inc()
                log.warning("ingest (%s) waits %.1f s and tries again: %s", self._lane, pause_s, _first_line(error))
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 # jitter, no secret
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _isolate(self, items: Sequence[Incoming], error: Exception) -> None:
        """Halve a set that fails until the bad batch stands alone, and put that one aside."""
        self._state.telemetry.transactions.labels("failed").inc()
        if len(items) > 1:
            middle = len(items) // 2
            await self._apply(items[:middle])
            await self._apply(items[middle:])
            return
        incoming = items[0]
        if not is_row_fault(error):
            # Our own fault, as far as can be told: the agent keeps the batch and sends it again.
            log.error("ingest cannot store batch %s of %s: %s", _number(incoming), incoming.agent, _first_line(error))
            self._hold(incoming)
            return
        log.warning("ingest puts batch %s of %s aside: %s", _number(incoming), incoming.agent, _first_line(error))
        if incoming.refusal is not None and incoming.refusal.reason == RejectReason.STORAGE_REFUSED:
            # Not even the reject could be stored.
            self._hold(incoming)
            return
        refusal = Refusal(RejectReason.STORAGE_REFUSED, _first_line(error))
        await self._apply([replace(incoming, refusal=refusal)])

    def _hold(self, incoming: Incoming) -> None:
        key, header = incoming.key, incoming.header
        if key is not None and header is not None and incoming.arrival.lane is not Lane.HTTP:
            self._acks.send_ack(key[0], Ack(epoch=key[1], hold=((header.seq, HoldReason.STORAGE_FAILED),)))
        incoming.arrival.settle(None)

    def _report_committed(self) -> None:
        while self._committed:
            self._report(*self._committed.popleft())

    def _report(self, items: Sequence[Incoming], prepared: Prepared, rows: DistinctRows, counts: WrittenCounts) -> None:
        """After COMMIT: first the agents, then the broker, then whoever counts."""
        entries = {key: self._state.book.entry(key) for key in {item.key for item in items if item.key is not None}}
        for agent, ack in acks_for(prepared.fates, entries):
            self._acks.send_ack(agent, ack)
        for fate in prepared.fates:
            fate.incoming.arrival.settle(None if fate.is_silent else result_of(fate, prepared, rows, counts))
        count(self._state.telemetry, prepared, rows, counts)
        if self._state.observe is not None:
            self._state.observe(observations(prepared.fates))
        self._state.telemetry.reject_bytes.set(self._state.rejects.used_bytes)

    def _settle_all(self, items: Sequence[Incoming]) -> None:
        for incoming in items:
            incoming.arrival.settle(None)

    def _gauge(self) -> None:
        self._batches_gauge.set(len(self._waiting))
        self._bytes_gauge.set(self._waiting_bytes)


def _opened(arrival: Arrival) -> Incoming:
    try:
        return open_arrival(arrival)
    except Exception as error:  # a decoder that fails on bytes from outside must not stop the lane
        log.exception("a payload on %s broke the decoder", arrival.topic)
        return Incoming(arrival, None, None, (), Refusal(RejectReason.STORAGE_REFUSED, _first_line(error)))


def _nobody(_result: BatchResult | None) -> None:
    """Nobody waits for this one any more."""


def _number(incoming: Incoming) -> str:
    return "?" if incoming.header is None else f"{incoming.header.epoch.hex()[:8]}/{incoming.header.seq}"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:500]
