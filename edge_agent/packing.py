"""From the samples of one batch window to encoded batches that every limit of the protocol allows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from edge_agent.outbox_content import NewBatch
from schemas.batch import (
    MAX_SAMPLES,
    MAX_WIRE_BYTES,
    Batch,
    BatchInvalid,
    BatchTooLarge,
    Column,
    Gap,
    dictionary_hash,
    encode,
)
from schemas.sample import Kind, Value

BAD_ENCODING_LIMITS_EXCEEDED = 0x80080000
"""OPC UA Part 4, 7.39: the value is larger than what can be carried."""


@dataclass(frozen=True, slots=True)
class TagBook:
    """An ordered tag list and its name on the wire; samples name their tag by position in it."""

    tags: tuple[str, ...]
    digest: bytes

    @classmethod
    def of(cls, tags: Sequence[str]) -> "TagBook":
        """The book of these paths."""
        return cls(tuple(tags), dictionary_hash(tags))


@dataclass(slots=True)
class ColumnBuffer:
    """One growing column; `values` stays empty for samples without one."""

    tags: list[int] = field(default_factory=list[int])
    times_us: list[int] = field(default_factory=list[int])
    statuses: list[int] = field(default_factory=list[int])
    values: list[Value] = field(default_factory=list[Value])

    def column(self, kind: Kind) -> Column:
        """The finished column."""
        statuses = self.statuses if any(self.statuses) else None
        return Column(kind, self.tags, self.times_us, statuses, None if kind is Kind.NONE else self.values)


@dataclass(slots=True)
class Collected:
    """What one batch window has gathered of the tags of one book."""

    book: TagBook
    columns: dict[Kind, ColumnBuffer] = field(default_factory=lambda: {kind: ColumnBuffer() for kind in Kind})
    until: dict[str, int] = field(default_factory=dict[str, int])
    gaps: list[Gap] = field(default_factory=list[Gap])

    @property
    def count(self) -> int:
        """Samples gathered so far."""
        return sum(len(buffer.tags) for buffer in self.columns.values())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say at all."""
        return not (self.until or self.gaps or any(buffer.tags for buffer in self.columns.values()))

    def finished(self) -> tuple[Column, ...]:
        """The columns that have samples."""
        return tuple(buffer.column(kind) for kind, buffer in self.columns.items() if buffer.tags)


@dataclass(slots=True)
class Packer:
    """Numbers and encodes batches of one epoch, none larger than protocol and broker allow."""

    agent: str
    epoch: bytes
    max_wire_bytes: int = MAX_WIRE_BYTES
    seq: int = 0
    covered_us: int | None = None
    dropped_values: int = 0

    def pack(self, collected: Collected, *, is_known: bool, gaps: Sequence[Gap] = ()) -> list[NewBatch]:
        """Batches in order; `until` and gaps go into the last one, when all before them is said."""
        chunks = list(_chunks(collected.finished(), MAX_SAMPLES)) or [()]
        packed: list[NewBatch] = []
        for columns in chunks[:-1]:
            packed += self._encoded(self._draft(collected, columns, is_known=is_known))
        last = self._draft(collected, chunks[-1], is_known=is_known)
        packed += self._encoded(replace(last, until=collected.until, gaps=(*gaps, *collected.gaps)))
        return packed

    def repack(self, batch: Batch) -> list[NewBatch]:
        """The same content in smaller batches; the first keeps the number, the others get new ones."""
        size = batch.sample_count
        while size > 1:
            size = (size + 1) // 2
            first, *others = _chunks(batch.columns, size)
            head = self._kept_number(replace(batch, columns=first, until={}, gaps=()))
            if head is not None:
                packed = [head]
                for columns in others[:-1]:
                    packed += self._encoded(replace(batch, epoch=self.epoch, columns=columns, until={}, gaps=()))
                return packed + self._encoded(replace(batch, epoch=self.epoch, columns=others[-1]))
        empty = self._kept_number(replace(batch, columns=_without_value(batch.columns)))
        self.dropped_values += size
        return [empty] if empty is not None else []

    def _kept_number(self, batch: Batch) -> NewBatch | None:
        next_seq, self.seq = self.seq, batch.seq - 1
        try:
            return self._encode_one(batch)
        finally:
            self.seq = next_seq

    def _draft(self, collected: Collected, columns: tuple[Column, ...], *, is_known: bool) -> Batch:
        book = collected.book
        return Batch(
            agent=self.agent,
            epoch=self.epoch,
            seq=self.seq + 1,
            base_us=_base(columns, collected),
            tags=book.tags if columns and not is_known else None,
            dictionary=book.digest if columns and is_known else None,
            columns=columns,
        )

    def _encoded(self, batch: Batch) -> list[NewBatch]:
        done = self._encode_one(batch)
        if done is not None:
            return [done]
        if batch.tags is not None and len(batch.tags) > len(_used(batch)):
            done = self._encode_one(with_used_tags(batch))
            if done is not None:
                return [done]
        if batch.sample_count > 1:
            first, second = _halves(batch.columns)
            before = self._encoded(replace(batch, columns=first, until={}, gaps=()))
            return before + self._encoded(replace(batch, columns=second))
        if any(column.kind is not Kind.NONE for column in batch.columns):
            self.dropped_values += 1
            return self._encoded(replace(batch, columns=_without_value(batch.columns)))
        return self._encoded_parts(batch)

    def _encoded_parts(self, batch: Batch) -> list[NewBatch]:
        """A batch that even without samples is too large: its gaps go one by one, its `until` at the end."""
        if len(batch.gaps) + len(batch.until) <= 1:
            raise BatchTooLarge("batch", 0, self.max_wire_bytes)
        packed: list[NewBatch] = []
        for gap in batch.gaps:
            packed += self._encoded(replace(batch, columns=(), until={}, gaps=(gap,)))
        items = list(batch.until.items())
        middle = len(items) // 2
        for part in (items[:middle], items[middle:]):
            packed += self._encoded(replace(batch, columns=(), until=dict(part), gaps=()))
        return packed

    def _encode_one(self, batch: Batch) -> NewBatch | None:
        """The encoded batch, or None when it is too large or has a value that its kind cannot carry."""
        numbered = replace(batch, seq=self.seq + 1)
        try:
            payload = encode(numbered)
        except (BatchTooLarge, BatchInvalid):
            return None
        if len(payload) > self.max_wire_bytes:
            return None
        self.seq += 1
        from_us, to_us = self._covers(numbered)
        return NewBatch(
            numbered.epoch, numbered.seq, payload, from_us, to_us, dictionary=batch.dictionary, gaps=numbered.gaps
        )

    def _covers(self, batch: Batch) -> tuple[int, int]:
        """The stretch that is missing if this batch is: from where the one before it ended."""
        from_us, to_us = _span(batch)
        if self.covered_us is not None and batch.epoch == self.epoch:
            from_us = min(from_us, self.covered_us)
        self.covered_us = max(to_us, self.covered_us or to_us)
        return from_us, to_us


def with_used_tags(batch: Batch) -> Batch:
    """The same batch that names only the tags it has samples of."""
    tags = batch.tags or ()
    used = _used(batch)
    position = {index: place for place, index in enumerate(used)}
    columns = tuple(replace(column, tags=[position[index] for index in column.tags]) for column in batch.columns)
    return replace(batch, tags=tuple(tags[index] for index in used), columns=columns)


def _used(batch: Batch) -> list[int]:
    return sorted({index for column in batch.columns for index in column.tags})


def _base(columns: Sequence[Column], collected: Collected) -> int:
    if columns:
        return columns[0].times_us[0]
    return max(collected.until.values(), default=0)


def _span(batch: Batch) -> tuple[int, int]:
    edges = [edge for column in batch.columns for edge in (min(column.times_us), max(column.times_us))]
    edges = edges or list(batch.until.values()) or [edge for gap in batch.gaps for edge in (gap.from_us, gap.to_us)]
    return min(edges, default=batch.base_us), max(edges, default=batch.base_us)


def _chunks(columns: Sequence[Column], limit: int) -> Iterator[tuple[Column, ...]]:
    chunk: list[Column] = []
    room = limit
    for column in columns:
        start = 0
        while len(column.tags) - start > room:
            if room:
                chunk.append(_slice(column, start, start + room))
            yield tuple(chunk)
            start, chunk, room = start + room, [], limit
        if start < len(column.tags):
            chunk.append(_slice(column, start, len(column.tags)))
            room -= len(column.tags) - start
    if chunk:
        yield tuple(chunk)


def _halves(columns: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    half = (sum(len(column.tags) for column in columns) + 1) // 2
    return _chunks(columns, half)


def _slice(column: Column, start: int, stop: int) -> Column:
    if start == 0 and stop == len(column.tags):
        return column
    return Column(
        column.kind,
        column.tags[start:stop],
        column.times_us[start:stop],
        None if column.statuses is None else column.statuses[start:stop],
        None if column.values is None else column.values[start:stop],
    )


def _without_value(columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(
        Column(Kind.NONE, column.tags, column.times_us, [BAD_ENCODING_LIMITS_EXCEEDED] * len(column.tags), None)
        for column in columns
    )
