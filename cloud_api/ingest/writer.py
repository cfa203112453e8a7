"""One transaction for one set of batches: lease, samples, alarms, bookkeeping, commit."""

import asyncio
import operator
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from uuid import UUID

from cloud_api.ingest.book import LedgerBook, write_changes
from cloud_api.ingest.hand_over import HandOver, held
from cloud_api.ingest.incoming import ByHand, Incoming, LedgerKey, Replay
from cloud_api.ingest.prepare import Preparation, Prepared
from cloud_api.ingest.rejects import RejectStore
from cloud_api.ingest.results import EntryCrossed, RejectReplayed
from cloud_api.ingest.screen import Kept
from cloud_api.ingest.series_map import SeriesMap
from cloud_api.leases import Ownership
from cloud_api.storage.agents import INGEST_LEASE, upsert_agents_seen
from cloud_api.storage.audit import Outcome, insert_audit_from
from cloud_api.storage.dictionaries import delete_old_dictionaries, insert_tag_dictionary
from cloud_api.storage.engine import Engine, EngineKind, Partitions
from cloud_api.storage.entries import insert_entry
from cloud_api.storage.faults import DECOMPRESSION_LIMITED, KEY_EXISTS, PARTITION_MISSING
from cloud_api.storage.gaps import insert_gaps
from cloud_api.storage.instants import at_us
from cloud_api.storage.lease import LeaseLost, read_lease_held, select_lease_held, select_series_generation
from cloud_api.storage.ledger import UntilRow, insert_ledger_marks, upsert_agent_until
from cloud_api.storage.pool import Connection, Pool, begin, check_committed, commit, undone_on_failure
from cloud_api.storage.rejects import insert_rejects, update_reject_replayed
from cloud_api.storage.rollup_marks import Closed, hold_closed, mark_late, mark_whole, read_closed
from cloud_api.storage.rollup_writes import Write as Written
from cloud_api.storage.rollup_writes import insert_write, write_of
from cloud_api.storage.rows import (
    DistinctRows,
    SampleRows,
    copy_bytes,
    distinct_rows,
    empty_rows,
    join_rows,
    newest_rows,
)
from cloud_api.storage.samples import (
    WrittenCounts,
    copy_samples,
    set_decompression_unlimited,
    update_latest,
    upsert_latest,
    upsert_samples,
)
from cloud_api.storage.series import update_series_kinds
from cloud_api.telemetry import BatchOutcome, Lane, Telemetry
from cloud_api.witness import Observe
from schemas.sample import Kind

KEPT_DICTIONARIES = 32
SEEN_EVERY_S = 5.0
# As long as the slots of the ledger's marks in the database.
MARK_NS = 15 * 60 * 1_000_000_000
# In a smaller pool a lane that is busy for long would keep others from working.
POOL_TO_SHARE = 4
# A transaction takes a lock on every day it touches.
MAX_DAYS = 64
# Late samples seldom come alone: what they mark is rolled again only then.
SETTLE_US = 5_000_000

Write = Callable[[Connection, SampleRows], Awaitable[WrittenCounts]]


@dataclass(frozen=True, slots=True)
class Joined:
    """The parts of a set as one set of rows, and the bytes that COPY takes of it."""

    parts: Sequence[SampleRows]
    rows: DistinctRows
    data: bytes

    def is_of(self, parts: Sequence[SampleRows]) -> bool:
        """Whether it was made of these very parts."""
        return len(parts) == len(self.parts) and all(map(operator.is_, parts, self.parts))


class SeriesStale(Exception):
    """Somebody changed series since they were looked up; look again."""


class PartitionGone(Exception):
    """A day partition that was there is not; make it again."""


class RetentionMoved(Exception):
    """Raw samples so old are kept no more; look again which can be stored."""


class Evaluate(Protocol):
    """What else happens in the ingest transaction: alarms on single series."""

    def __call__(
        self, connection: Connection, samples: SampleRows, untils: Sequence[UntilRow], lane: Lane
    ) -> AbstractAsyncContextManager[None]:
        """Advance by these samples, sorted by series and time; what is written commits or fails with them.

        Left after COMMIT, then what was found is remembered; left by an exception, then it is forgotten.
        """
        ...


@dataclass(frozen=True, slots=True)
class IngestState:
    """What the lanes of one process share."""

    pool: Pool
    engine: Engine
    ownership: Ownership
    book: LedgerBook
    series: SeriesMap
    rejects: RejectStore
    partitions: Partitions
    telemetry: Telemetry
    evaluate: Evaluate | None
    observe: Observe | None = None
    hand_over: HandOver | None = None
    # Series that have their row in `latest`.
    with_latest: set[int] = field(default_factory=set[int])
    kept: Kept = field(default_factory=Kept)
    # Rows that both lanes touch are written last, one lane after the other, so that neither waits in the database.
    bookkeeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget(self) -> None:
        """Forget what was read: another process may have written since."""
        self.book.clear()
        self.series.clear()
        self.partitions.clear()
        self.with_latest.clear()


class Writer:
    """Writes sets of batches for one lane."""

    def __init__(self, state: IngestState, lane: Lane) -> None:
        self._state = state
        self._lane = lane
        self._preparation = Preparation(state.book, state.series, state.rejects, state.kept)
        self._seen: dict[str, float] = {}
        self._joined: Joined | None = None
        self._connection: Connection | None = None
        self._is_unlimited = lane is Lane.BACKLOG
        # From here on the database is busy for long and the lane may use the time.
        self.is_copying = asyncio.Event()

    def look_ahead(self, incoming: Incoming) -> None:
        """Do what can be done for a batch before its turn, while the database works on another set."""
        self._preparation.look_ahead(incoming)

    def join_ahead(self, items: Iterable[Incoming]) -> None:
        """Lay out what COPY will take, as far as it can be foreseen."""
        parts = self._preparation.rows_ahead(items)
        if parts:
            self._joined = _joined(parts)

    async def write(self, items: Sequence[Incoming]) -> tuple[Prepared, DistinctRows, WrittenCounts]:
        """Commit a set of batches; whatever fails, nothing of it is written and nothing is remembered of it."""
        prepared = Prepared()
        self.is_copying.clear()
        try:
            if self._connection is None:
                self._connection = await self._state.pool.getconn()
            await self._preparation.prepare(self._connection, items, prepared)
            return await self._commit(self._connection, prepared)
        except BaseException:
            await self.rest()
            # The commit may have happened and its answer be lost: only the database knows.
            self._state.book.forget(_keys(items) | set(prepared.changes))
            self._state.series.clear()
            raise
        finally:
            self._preparation.release(items, prepared)
            if self._state.pool.max_size < POOL_TO_SHARE:
                await self.rest()

    async def rest(self) -> None:
        """Give the connection back; while sets follow each other it is kept."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._state.pool.putconn(connection)

    async def _commit(self, connection: Connection, prepared: Prepared) -> tuple[Prepared, DistinctRows, WrittenCounts]:
        joined, self._joined = self._joined, None
        if joined is None or not joined.is_of(prepared.rows):
            joined = _joined(prepared.rows)
        rows = joined.rows
        counts = WrittenCounts(0, 0, 0)
        if not prepared.is_empty or _replays(prepared):
            started = time.monotonic()
            if prepared.widened:
                await update_series_kinds(connection, list(prepared.widened), list(prepared.widened.values()))
            last_slice, early = await self._write_early_days(connection, rows.rows, prepared.generation)
            data = joined.data if last_slice is rows.rows else copy_bytes(last_slice)
            counts = early + await self._transact(connection, prepared, last_slice, data)
            self._state.telemetry.commit_seconds.observe(time.monotonic() - started)
        elif prepared.generation != await select_series_generation(connection, INGEST_LEASE):
            # A replay of which everything was refused writes nothing, but what refused it may be out of date.
            raise SeriesStale
        self._state.book.apply(prepared.changes)
        self._state.rejects.add(prepared.rejects)
        for tag_map in prepared.dictionaries.values():
            tag_map.is_stored = True
        return prepared, rows, counts

    async def _write_early_days(
        self, connection: Connection, rows: SampleRows, generation: int | None
    ) -> tuple[SampleRows, WrittenCounts]:
        """Rows spread over very many days go in slices, the ledger with the last one: writing twice changes nothing."""
        days = rows.days()
        rest = rows
        counts = WrittenCounts(0, 0, 0)
        while len(days) > MAX_DAYS:
            early, days = days[:MAX_DAYS], days[MAX_DAYS:]
            in_slice = rest.in_days(early)
            part = rest.take(in_slice)
            counts += await self._transact(connection, Prepared(generation=generation), part, copy_bytes(part))
            rest = rest.take(~in_slice)
        return rest, counts

    async def _transact(
        self, connection: Connection, prepared: Prepared, rows: SampleRows, data: bytes
    ) -> WrittenCounts:
        if self._state.engine.kind is EngineKind.POSTGRES:
            await self._state.partitions.ensure(connection, rows.days())
        try:
            return await self._copy(connection, prepared, rows, data)
        except DECOMPRESSION_LIMITED:
            # Chunks are compressed that are younger than this lane expects: it costs what it costs.
            self._state.telemetry.transactions.labels("decompressed").inc()
            self._is_unlimited = True
            return await self._copy(connection, prepared, rows, data)
        finally:
            self._is_unlimited = self._lane is Lane.BACKLOG

    async def _copy(self, connection: Connection, prepared: Prepared, rows: SampleRows, data: bytes) -> WrittenCounts:
        try:
            # Nothing of it was there before: the roller of this process may take these very rows for it.
            with held(self._state.hand_over, rows) as handed:
                return await self._try(connection, prepared, rows, partial(copy_samples, data=data), handed)
        except KEY_EXISTS:
            # COPY stands first in its transaction, so undoing all of it is the savepoint.
            self._state.telemetry.transactions.labels("conflict").inc()
        except PARTITION_MISSING as error:
            self._state.partitions.clear()
            raise PartitionGone(str(error)) from error
        return await self._try(connection, prepared, rows, upsert_samples)

    async def _try(
        self,
        connection: Connection,
        prepared: Prepared,
        rows: SampleRows,
        write: Write,
        handed: UUID | None = None,
    ) -> WrittenCounts:
        state = self._state
        async with AsyncExitStack() as stack, undone_on_failure(connection):
            closed = await self._begin(connection, prepared)
            self._check_kept(rows, closed)
            self.is_copying.set()
            counts = await write(connection, rows)
            due_at = at_us(time.time_ns() // 1000 + SETTLE_US)
            await mark_late(connection, rows.series_ids, rows.times_us, closed, due_at)
            # A Good sample without a number counts in a series of texts, and in no other.
            texts = [series_id for series_id, kind in prepared.widened.items() if kind in {Kind.STR, Kind.JSON}]
            if texts:
                await mark_whole(connection, texts, closed, due_at)
            if state.evaluate is not None:
                await stack.enter_async_context(state.evaluate(connection, rows, prepared.until_rows, self._lane))
            newest = newest_rows(rows)
            # Until after COMMIT.
            await stack.enter_async_context(state.bookkeeping)
            written = write_of(rows.series_ids, rows.times_us, closed, handed)
            await self._keep_books(connection, prepared, newest, written)
        state.with_latest.update(newest.series_ids.tolist())
        state.telemetry.transactions.labels("committed").inc()
        return counts

    async def _begin(self, connection: Connection, prepared: Prepared) -> Closed:
        """Begin, in one round trip with the look at the lease and at what is rolled, which are held until the end."""
        ownership = self._state.ownership
        if ownership.token is None:
            raise LeaseLost("this process does not own ingest")
        async with connection.pipeline():
            await begin(connection)
            held = await select_lease_held(connection, INGEST_LEASE, ownership.owner, ownership.token)
            closed = await hold_closed(connection)
        if prepared.generation != await read_lease_held(held):
            raise SeriesStale
        if self._is_unlimited and self._state.engine.kind is EngineKind.TIMESCALE:
            await set_decompression_unlimited(connection)
        return await read_closed(closed)

    def _check_kept(self, rows: SampleRows, closed: Closed) -> None:
        """Rows behind the retention would be rolled alone, without those that were dropped: they become rejects."""
        kept_us = closed.raw_kept_us
        self._state.kept.from_us = kept_us
        if kept_us is not None and len(rows) and int(rows.times_us.min()) < kept_us:
            raise RetentionMoved

    async def _keep_books(
        self, connection: Connection, prepared: Prepared, newest: SampleRows, written: Written | None
    ) -> None:
        """Write what is not samples, and commit, the last of it in one round trip."""
        now = at_us(time.time_ns() // 1000)
        for (agent, dictionary), tag_map in sorted(prepared.dictionaries.items(), key=lambda pair: pair[0]):
            await insert_tag_dictionary(connection, agent, dictionary, tag_map.tags)
            await delete_old_dictionaries(connection, agent, KEPT_DICTIONARIES)
        if prepared.rejects:
            await insert_rejects(connection, prepared.rejects)
        if prepared.gaps:
            await insert_gaps(connection, prepared.gaps)
        await self._mark_replays(connection, prepared)
        for by_hand in _by_hand(prepared):
            await _enter(connection, by_hand)
        async with connection.pipeline():
            has_rows = self._state.with_latest.issuperset(newest.series_ids.tolist())
            await (update_latest if has_rows else upsert_latest)(connection, newest, now)
            if written is not None:
                await insert_write(connection, written)
            if prepared.untils:
                await upsert_agent_until(connection, prepared.until_rows)
            seen = self._newly_seen(prepared.agents)
            if seen:
                await upsert_agents_seen(connection, seen, now)
            await write_changes(connection, prepared.changes)
            marks = self._state.book.unmarked(prepared.changes, time.time_ns() // MARK_NS)
            if marks:
                await insert_ledger_marks(connection, marks)
            committed = await commit(connection)
        check_committed(committed)

    async def _mark_replays(self, connection: Connection, prepared: Prepared) -> None:
        for replay in _replays(prepared):
            now = at_us(time.time_ns() // 1000)
            if not await update_reject_replayed(connection, replay.reject_id, now, replay.principal):
                raise RejectReplayed(f"reject {replay.reject_id} was replayed before")

    def _newly_seen(self, agents: Sequence[str]) -> list[str]:
        now = time.monotonic()
        seen = [agent for agent in agents if now - self._seen.get(agent, -SEEN_EVERY_S) >= SEEN_EVERY_S]
        self._seen.update(dict.fromkeys(seen, now))
        return seen


def _joined(parts: Sequence[SampleRows]) -> Joined:
    rows = distinct_rows(join_rows(parts) if parts else empty_rows())
    return Joined(parts, rows, copy_bytes(rows.rows))


def _keys(items: Sequence[Incoming]) -> set[LedgerKey]:
    return {incoming.key for incoming in items if incoming.key is not None}


async def _enter(connection: Connection, by_hand: ByHand) -> None:
    """Write who entered a sample, and the audit's row, in the transaction of the sample."""
    entry = by_hand.entry
    entry_id = await insert_entry(connection, entry)
    if entry_id is None:
        raise EntryCrossed("another entry was committed for this instant or under this key")
    detail = {"id": entry_id, "time": entry.time, "value": entry.value, "comment": entry.comment}
    if entry.replaces is not None:
        detail["replaces"] = entry.replaces
    await insert_audit_from(connection, by_hand.whence, "series.enter", str(entry.series_id), detail, Outcome.DONE)


def _by_hand(prepared: Prepared) -> list[ByHand]:
    return [
        fate.incoming.arrival.by_hand
        for fate in prepared.fates
        if fate.incoming.arrival.by_hand is not None and fate.outcome is BatchOutcome.STORED and not fate.rejected
    ]


def _replays(prepared: Prepared) -> list[Replay]:
    """Replays of which nothing had to stay behind: only then may the kept bytes go."""
    return [
        fate.incoming.arrival.replay
        for fate in prepared.fates
        if fate.incoming.arrival.replay is not None and fate.outcome is BatchOutcome.STORED and not fate.rejected
    ]
