"""One set of batches on the way to its transaction: ledger, series, masks; afterwards nothing is left to decide."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from cloud_api.ingest.book import LedgerBook
from cloud_api.ingest.incoming import Incoming, LedgerKey, Refusal
from cloud_api.ingest.ledger import LedgerChange, LedgerEntry, Verdict
from cloud_api.ingest.rejects import RejectStore, detail_of, payload_reject, samples_reject
from cloud_api.ingest.results import RejectedSamples, RejectReason
from cloud_api.ingest.screen import FUTURE_LIMIT_US, Kept, RejectedGroup, Screened, has_unknown_tag, screen
from cloud_api.ingest.series_map import SeriesMap, TagMap
from cloud_api.storage.gaps import GapRow
from cloud_api.storage.instants import at_us
from cloud_api.storage.ledger import UntilRow
from cloud_api.storage.pool import Connection
from cloud_api.storage.rejects import RejectRow
from cloud_api.storage.rows import SampleRows
from cloud_api.telemetry import BatchOutcome, Lane
from schemas.ack import HoldReason
from schemas.batch import Gap, PackedBatch, dictionary_hash
from schemas.sample import Kind


@dataclass(slots=True)
class Fate:
    """What becomes of one batch when the transaction commits."""

    incoming: Incoming
    outcome: BatchOutcome
    reason: str | None = None
    detail: str | None = None
    row_count: int = 0
    rejected: tuple[RejectedSamples, ...] = ()
    # Nothing is said to anybody: the other lane is writing this very batch.
    is_silent: bool = False
    tag_map: TagMap | None = None
    dictionary: bytes | None = None
    # What the sender can do about samples that were put aside.
    advice: str | None = None


@dataclass(slots=True)
class Prepared:
    """Everything that one transaction writes."""

    fates: list[Fate] = field(default_factory=list[Fate])
    rows: list[SampleRows] = field(default_factory=list[SampleRows])
    changes: dict[LedgerKey, LedgerChange] = field(default_factory=dict[LedgerKey, LedgerChange])
    rejects: list[RejectRow] = field(default_factory=list[RejectRow])
    gaps: list[GapRow] = field(default_factory=list[GapRow])
    untils: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    dictionaries: dict[tuple[str, bytes], TagMap] = field(default_factory=dict[tuple[str, bytes], TagMap])
    widened: dict[int, Kind] = field(default_factory=dict[int, Kind])
    # What the series were looked up under; a newer one makes the set stale.
    generation: int | None = None
    in_flight: set[tuple[LedgerKey, int]] = field(default_factory=set[tuple[LedgerKey, int]])

    @property
    def agents(self) -> list[str]:
        """Agents that were heard; what applications post and what people replay is no sign of an agent."""
        heard = (fate.incoming for fate in self.fates if fate.incoming.arrival.is_numbered)
        return sorted({incoming.agent for incoming in heard if incoming.agent is not None})

    @property
    def until_rows(self) -> list[UntilRow]:
        """How far devices were measured."""
        return [UntilRow(agent, device, until_us) for (agent, device), until_us in sorted(self.untils.items())]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write at all."""
        return not (self.rows or self.rejects or self.gaps or self.changes or self.dictionaries or self.untils)

    def change(self, key: LedgerKey) -> LedgerChange:
        """The change of one ledger row, made when it is the first."""
        return self.changes.setdefault(key, LedgerChange())


class Preparation:
    """Judges batches in their order and gathers what is to be written."""

    def __init__(self, book: LedgerBook, series: SeriesMap, rejects: RejectStore, kept: Kept) -> None:
        self._book = book
        self._series = series
        self._rejects = rejects
        self._kept = kept
        self._ahead: dict[int, tuple[Incoming, TagMap, Screened]] = {}

    async def prepare(self, connection: Connection, items: Sequence[Incoming], prepared: Prepared) -> None:
        """Decide the fate of each batch and gather what is to be written; may make series, writes nothing else."""
        prepared.generation = await self._series.current_generation(connection)
        entries = await self._book.load(connection, _ledger_keys(items))
        for incoming in items:
            prepared.fates.append(await self._judge(connection, incoming, entries, prepared))
        for key, change in prepared.changes.items():
            entries[key].close_old_holes(change)

    def look_ahead(self, incoming: Incoming) -> None:
        """Screen a batch before its turn, where nothing needs to be asked of the database."""
        agent, batch = incoming.agent, incoming.batch
        if agent is None or batch is None or not incoming.columns:
            return
        tag_map = self._series.cached(agent, batch)
        if tag_map is not None and not has_unknown_tag(incoming.columns, len(tag_map.tags)):
            screened = screen(incoming.columns, tag_map, incoming.arrival.received_us, self._kept)
            self._ahead[id(incoming)] = (incoming, tag_map, screened)

    def rows_ahead(self, items: Iterable[Incoming]) -> list[SampleRows]:
        """The rows that these batches will most likely give."""
        ahead = [self._ahead.get(id(incoming)) for incoming in items]
        return [part for found in ahead if found is not None for part in found[2].rows if len(part)]

    def release(self, items: Sequence[Incoming], prepared: Prepared) -> None:
        """The set is done with, whatever became of it."""
        self._book.in_flight -= prepared.in_flight
        for incoming in items:
            self._ahead.pop(id(incoming), None)

    async def _judge(
        self, connection: Connection, incoming: Incoming, entries: dict[LedgerKey, LedgerEntry], prepared: Prepared
    ) -> Fate:
        verdict, is_flying = self._number_verdict(incoming, entries, prepared)
        if incoming.hold is not None:
            return Fate(incoming, BatchOutcome.HELD, incoming.hold)
        if is_flying or verdict is Verdict.REPEATED:
            return Fate(incoming, BatchOutcome.REPEATED, is_silent=is_flying)
        if verdict is Verdict.REUSED:
            detail = "this number was used before for other content"
            return await self._refuse(connection, incoming, Refusal(RejectReason.SEQ_REUSED, detail), prepared)
        if incoming.refusal is not None:
            return await self._refuse(connection, incoming, incoming.refusal, prepared)
        return await self._accept(connection, incoming, prepared)

    def _number_verdict(
        self, incoming: Incoming, entries: dict[LedgerKey, LedgerEntry], prepared: Prepared
    ) -> tuple[Verdict, bool]:
        key, header = incoming.key, incoming.header
        if key is None or header is None:
            return Verdict.FRESH, False
        number = (key, header.seq)
        if number in self._book.in_flight and number not in prepared.in_flight:
            return Verdict.FRESH, True
        change = prepared.changes.get(key) or LedgerChange()
        return change.judge(entries[key], header.seq, header.crc), False

    async def _refuse(self, connection: Connection, incoming: Incoming, refusal: Refusal, prepared: Prepared) -> Fate:
        outcome = BatchOutcome.UNREADABLE if incoming.header is None else BatchOutcome.REJECTED
        fate = Fate(incoming, outcome, str(refusal.reason), refusal.detail)
        if incoming.arrival.is_kept_elsewhere:
            return fate
        row = payload_reject(incoming, refusal)
        if not await self._rejects.has_room(connection, [*prepared.rejects, row]):
            return Fate(incoming, BatchOutcome.HELD, HoldReason.REJECTS_FULL)
        prepared.rejects.append(row)
        key, header = incoming.key, incoming.header
        if key is not None and header is not None and refusal.reason != RejectReason.SEQ_REUSED:
            self._number(prepared, key, incoming).rejected.add(header.seq, header.seq)
        return fate

    async def _accept(self, connection: Connection, incoming: Incoming, prepared: Prepared) -> Fate:
        batch, agent = incoming.batch, incoming.agent
        if batch is None or agent is None:
            raise ValueError("a batch without refusal has content")
        fate = Fate(incoming, BatchOutcome.STORED)
        groups: tuple[RejectedGroup, ...] = ()
        rows: tuple[SampleRows, ...] = ()
        if incoming.columns or batch.tags:
            tag_map = await self._tag_map(connection, agent, batch)
            if tag_map is None:
                return Fate(incoming, BatchOutcome.HELD, HoldReason.DICT_UNKNOWN)
            if has_unknown_tag(incoming.columns, len(tag_map.tags)):
                detail = f"a tag index is outside the {len(tag_map.tags)} tags"
                refusal = Refusal(RejectReason.TAG_INDEX_UNKNOWN, detail)
                return await self._refuse(connection, incoming, refusal, prepared)
            screened = self._screened(incoming, tag_map)
            rows, groups = screened.rows, screened.rejected
            prepared.widened.update(screened.widened)
            fate.tag_map = tag_map
        if not await self._keep_groups(connection, incoming, groups, prepared):
            return Fate(incoming, BatchOutcome.HELD, HoldReason.REJECTS_FULL)
        fate.advice = next(filter(None, (detail_of(group, self._kept.from_us) for group in groups)), None)
        fate.row_count = sum(len(part) for part in rows)
        fate.rejected = tuple(RejectedSamples(group.path, group.reason, len(group.times_us)) for group in groups)
        prepared.rows.extend(part for part in rows if len(part))
        self._book_stored(prepared, fate, batch, agent)
        return fate

    def _screened(self, incoming: Incoming, tag_map: TagMap) -> Screened:
        ahead = self._ahead.pop(id(incoming), None)
        # A map that was made anew since then may know other series.
        if ahead is not None and ahead[1] is tag_map:
            return ahead[2]
        return screen(incoming.columns, tag_map, incoming.arrival.received_us, self._kept)

    async def _tag_map(self, connection: Connection, agent: str, batch: PackedBatch) -> TagMap | None:
        if batch.dictionary is not None:
            return await self._series.named(connection, agent, batch.dictionary)
        tags = batch.tags or ()
        return await self._series.inline(connection, agent, dictionary_hash(tags), tags)

    async def _keep_groups(
        self,
        connection: Connection,
        incoming: Incoming,
        groups: Sequence[RejectedGroup],
        prepared: Prepared,
    ) -> bool:
        if not groups or incoming.arrival.is_kept_elsewhere:
            return True
        rows = [samples_reject(incoming, group, self._kept.from_us) for group in groups]
        if not await self._rejects.has_room(connection, [*prepared.rejects, *rows]):
            return False
        prepared.rejects.extend(rows)
        return True

    def _book_stored(self, prepared: Prepared, fate: Fate, batch: PackedBatch, agent: str) -> None:
        key, arrival = fate.incoming.key, fate.incoming.arrival
        if key is not None:
            self._number(prepared, key, fate.incoming).stored.add(batch.seq, batch.seq)
        if arrival.is_numbered and batch.tags and fate.tag_map is not None and arrival.payload[:1] != b"{":
            fate.dictionary = dictionary_hash(batch.tags)
            if not fate.tag_map.is_stored:
                prepared.dictionaries[agent, fate.dictionary] = fate.tag_map
        for gap in batch.gaps:
            self._book_gap(prepared, gap, agent, is_numbered=arrival.is_numbered)
        # What a backlog batch says of `until` is old news: live batches have overtaken it.
        if arrival.lane is not Lane.BACKLOG:
            self._book_until(prepared, batch, agent, arrival.received_us)

    def _book_gap(self, prepared: Prepared, gap: Gap, agent: str, *, is_numbered: bool) -> None:
        if gap.batches is not None and is_numbered:
            epoch, first, last = gap.batches
            if self._book.entry((agent, epoch)).stored.covers(first, last):
                # The agent gave up what it had sent already, and what arrived: nothing is missing.
                return
            prepared.change((agent, epoch)).lost.add(first, last)
        prepared.gaps.append(gap_row(agent, gap))

    def _book_until(self, prepared: Prepared, batch: PackedBatch, agent: str, received_us: int) -> None:
        for device, until_us in batch.until.items():
            # A device clock from the future must not make everything that follows late.
            if until_us <= received_us + FUTURE_LIMIT_US:
                known = prepared.untils.get((agent, device), until_us)
                prepared.untils[agent, device] = max(known, until_us)

    def _number(self, prepared: Prepared, key: LedgerKey, incoming: Incoming) -> LedgerChange:
        change = prepared.change(key)
        if incoming.header is not None:
            change.recent[incoming.header.seq] = incoming.header.crc
            number = (key, incoming.header.seq)
            prepared.in_flight.add(number)
            self._book.in_flight.add(number)
        return change


def gap_row(agent: str, gap: Gap) -> GapRow:
    """A gap as storage books it; the digest makes booking it twice a no-op."""
    paths = None if gap.tags is None else [tag.replace("\0", "\ufffd") for tag in gap.tags]
    epoch = None if gap.batches is None else UUID(bytes=gap.batches[0])
    batches = None if gap.batches is None else f"[{gap.batches[1]},{gap.batches[2]}]"
    content = repr((gap.device, paths, gap.from_us, gap.to_us, gap.reason, epoch, batches))
    return GapRow(
        agent=agent,
        device=gap.device,
        paths=paths,
        from_at=at_us(gap.from_us),
        to_at=at_us(gap.to_us),
        reason=gap.reason,
        epoch=epoch,
        batches=batches,
        digest=hashlib.blake2b(content.encode(errors="replace"), digest_size=16).digest(),
    )


def _ledger_keys(items: Iterable[Incoming]) -> set[LedgerKey]:
    keys: set[LedgerKey] = set()
    for incoming in items:
        if incoming.key is not None:
            keys.add(incoming.key)
        if incoming.batch is not None and incoming.agent is not None and incoming.arrival.is_numbered:
            keys |= {(incoming.agent, gap.batches[0]) for gap in incoming.batch.gaps if gap.batches is not None}
    return keys
