"""What sending asks of the outbox: batches in order, what became settled, and other encodings of the same batch."""

import json
import logging
from dataclasses import replace

from edge_agent.outbox_content import Append, Confirmation, NewBatch, StoredBatch
from edge_agent.packing import Packer, with_used_tags
from edge_agent.telemetry import Count, Counters, say
from edge_agent.writer import OutboxWriter
from schemas.batch import Batch, BatchTooLarge, BodyInvalid, HeaderInvalid, VersionUnknown, decode, encode

BATCHES_AT_ONCE = 16
CATALOG_NOTE = "catalog_topics"


class Backlog:
    """The sending side's view of the outbox."""

    def __init__(self, writer: OutboxWriter, packer: Packer, counters: Counters) -> None:
        self._writer = writer
        self._packer = packer
        self._counters = counters

    @property
    def generation(self) -> int:
        """Changes when a damaged outbox was replaced: ids of before mean nothing any more."""
        return self._writer.generation

    async def peek(self, after: int, through: int | None, count: int) -> list[StoredBatch]:
        """The next batches behind that id."""
        outbox = self._writer.outbox
        return await self._writer.read(lambda: outbox.peek(after, through, min(count, BATCHES_AT_ONCE)), [])

    async def get(self, epoch: bytes, seq: int) -> StoredBatch | None:
        """One batch, if it still waits."""
        outbox = self._writer.outbox
        return await self._writer.read(lambda: outbox.get(epoch, seq), None)

    async def boundary(self, created_us: int) -> int:
        """The id of the newest batch at least that old."""
        outbox = self._writer.outbox
        return await self._writer.read(lambda: outbox.boundary(created_us), 0)

    def confirm(self, epoch: bytes, first: int, last: int) -> None:
        """These numbers are settled."""
        self._writer.confirm(Confirmation(epoch, first, last))

    def published(self, epoch: bytes, seq: int) -> None:
        """This batch may have reached the cloud from now on."""
        self._writer.outbox.published.add((epoch, seq))

    async def settle(self) -> None:
        """Remove what is confirmed now rather than with the next commit."""
        await self._writer.flush()

    async def know(self, digest: bytes) -> None:
        """The cloud names this tag list as known."""
        await self._writer.set_known(digest, is_known=True)

    async def inlined(self, batch: StoredBatch) -> StoredBatch:
        """The same batch with its tag list inside, kept so in the outbox: the cloud does not know the list."""
        if batch.dictionary is None:
            return batch
        await self._writer.set_known(batch.dictionary, is_known=False)
        payload = await self._writer.read(lambda: self._with_tags(batch), None)
        return batch if payload is None else replace(batch, payload=payload, dictionary=None)

    def limit_wire(self, max_bytes: int) -> None:
        """The broker takes no larger payloads."""
        self._packer.max_wire_bytes = max_bytes

    async def divide(self, batch: StoredBatch) -> bool:
        """Cut a stored batch that the broker would refuse; whether the outbox has it in smaller pieces now."""
        return await self._writer.read(lambda: self._divide(batch), otherwise=False)

    async def said_catalog(self) -> set[str]:
        """The catalog topics that are retained at the broker since earlier runs."""
        note = await self._writer.read(lambda: self._writer.outbox.note(CATALOG_NOTE), None)
        return set(json.loads(note)) if note else set()

    async def remember_catalog(self, topics: set[str]) -> None:
        """Keep their names, so that a device that is gone can be taken away later."""
        text = json.dumps(sorted(topics))
        await self._writer.read(lambda: self._writer.outbox.write_note(CATALOG_NOTE, text), None)

    def _with_tags(self, batch: StoredBatch) -> bytes | None:
        content = _decoded(batch)
        tags = self._writer.outbox.dictionary(batch.dictionary or b"")
        if content is None or tags is None:
            return None
        inline = replace(content, tags=tags, dictionary=None)
        try:
            payload = encode(inline)
        except BatchTooLarge:
            payload = encode(with_used_tags(inline))
        self._writer.outbox.replace_payload(batch.epoch, batch.seq, payload)
        return payload

    def _divide(self, batch: StoredBatch) -> bool:
        content = _decoded(batch)
        pieces = self._packer.repack(content) if content is not None else []
        if not pieces:
            return False
        head, rest = pieces[0], [_kept(piece, batch) for piece in pieces[1:]]
        outbox = self._writer.outbox
        outbox.append(Append(batches=rest), batch.created_us)
        outbox.replace_payload(head.epoch, head.seq, head.payload, dictionary=head.dictionary)
        self._counters[Count.BATCHES_REPACKED] += 1
        return True


def _kept(piece: NewBatch, batch: StoredBatch) -> NewBatch:
    return replace(piece, created_us=batch.created_us)


def _decoded(batch: StoredBatch) -> Batch | None:
    try:
        return decode(batch.payload)
    except (HeaderInvalid, BodyInvalid, VersionUnknown) as error:
        say(logging.ERROR, "a stored batch cannot be read", seq=batch.seq, error=str(error))
        return None
