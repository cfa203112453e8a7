"""Store-and-forward on SQLite: what is in here is durable, and leaves only when the cloud has committed it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_agent.outbox_content import Append, Caps, Confirmation, NewBatch, StoredBatch, WaitingGap
from edge_agent.outbox_file import OutboxFile
from schemas.batch import Gap, GapReason

ROW_OVERHEAD_BYTES = 128
MAX_GAPS_A_BATCH = 200
NEARLY_FULL = 0.5


class Outbox:
    """One open outbox; used by one thread at a time."""

    def __init__(self, path: Path, caps: Caps) -> None:
        self.path = path
        self.count = 0
        self.bytes = 0
        self.evicted = 0
        self.refused = 0
        self.published: set[tuple[bytes, int]] = set()
        self._caps = caps
        self._file = OutboxFile(path)
        self._is_last_lost_published = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._file.is_open

    def open(self) -> None:
        """Open or create the file; OutboxCorrupt when it cannot be trusted."""
        self._file.open()
        try:
            self.count, self.bytes = self._file.rows("select_totals")[0]
        except BaseException:
            self._file.close()
            raise
        self.bytes += self.count * ROW_OVERHEAD_BYTES

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._file.close()

    def append(self, content: Append, now_us: int) -> None:
        """Commit all of it durably, or nothing: OutboxUnavailable leaves the outbox as it was."""
        count, size, evicted, refused = self.count, self.bytes, self.evicted, self.refused
        try:
            with self._file.transaction():
                self._apply(content, now_us)
        except BaseException:
            self.count, self.bytes, self.evicted, self.refused = count, size, evicted, refused
            raise

    def peek(self, after: int, through: int | None, count: int) -> list[StoredBatch]:
        """Batches behind that id in order of appending; nothing is removed."""
        bounds = {"after": after, "through": 2**62 if through is None else through, "count": count}
        return [StoredBatch(*row) for row in self._file.rows("select_batches", bounds)]

    def get(self, epoch: bytes, seq: int) -> StoredBatch | None:
        """One batch, or None when it is settled or evicted."""
        rows = self._file.rows("select_batch", {"epoch": epoch, "seq": seq})
        return StoredBatch(*rows[0]) if rows else None

    def replace_payload(self, epoch: bytes, seq: int, payload: bytes, dictionary: bytes | None = None) -> None:
        """Keep another encoding of the same batch; `dictionary` is None when it names its tags itself."""
        with self._file.transaction():
            old = self.get(epoch, seq)
            if old is not None:
                self._file.run(
                    "update_payload", {"epoch": epoch, "seq": seq, "payload": payload, "dictionary": dictionary}
                )
                self.bytes += len(payload) - len(old.payload)

    def boundary(self, created_us: int) -> int:
        """The id of the newest batch that is at least that old; 0 when there is none."""
        return int(self._file.rows("select_boundary", {"created_us": created_us})[0][0])

    def oldest(self) -> tuple[int, int] | None:
        """When the oldest batch begins and when it was appended."""
        rows = self._file.rows("select_oldest")
        return (rows[0][4], rows[0][6]) if rows else None

    def progress(self) -> dict[str, int]:
        """Until when each device is measured, durably."""
        return dict(self._file.rows("select_progress"))

    def waiting_gaps(self) -> list[WaitingGap]:
        """Gaps that the next batch should carry; that of a full outbox grows in one piece until there is room."""
        is_nearly_full = self.bytes > NEARLY_FULL * self._caps.max_bytes
        held_back = GapReason.OUTBOX_FULL if is_nearly_full else ""
        rows = self._file.rows("select_waiting_gaps", {"count": MAX_GAPS_A_BATCH, "held_back": held_back})
        return [WaitingGap(row[0], _gap(row[1:])) for row in rows]

    def known_dictionaries(self) -> set[bytes]:
        """Hashes of the tag lists that the cloud has named as known."""
        return {row[0] for row in self._file.rows("select_known_dictionaries")}

    def dictionary(self, digest: bytes) -> tuple[str, ...] | None:
        """The tag list of that hash."""
        rows = self._file.rows("select_dictionary", {"hash": digest})
        return tuple(json.loads(rows[0][0])) if rows else None

    def adopt_dictionary(self, digest: bytes, tags: str, *, is_known: bool) -> None:
        """Take over a tag list from another outbox."""
        with self._file.transaction():
            self._file.run("insert_dictionary", {"hash": digest, "tags": tags, "is_known": is_known})

    def mark_dictionary(self, digest: bytes, *, is_known: bool) -> None:
        """Remember that the cloud knows a tag list, or has forgotten it."""
        with self._file.transaction():
            self._file.run("update_dictionary", {"hash": digest, "is_known": is_known})
            self._file.run("delete_unused_dictionaries")

    def note(self, name: str) -> str | None:
        """A small fact kept over restarts."""
        rows = self._file.rows("select_note", {"name": name})
        return rows[0][0] if rows else None

    def write_note(self, name: str, value: str) -> None:
        """Keep a small fact over restarts."""
        with self._file.transaction():
            self._file.run("upsert_note", {"name": name, "value": value})

    def shrink(self) -> None:
        """Give pages that a drained backlog has left back to the disk, a few at a time."""
        self._file.shrink()

    def _apply(self, content: Append, now_us: int) -> None:
        for confirmed in content.confirmed:
            self._confirm(confirmed)
        for digest, tags in (content.dictionaries or {}).items():
            text = json.dumps(tags, ensure_ascii=False)
            self._file.run("insert_dictionary", {"hash": digest, "tags": text, "is_known": False})
        for gap_id in content.taken_gaps:
            self._file.run("delete_gap", {"id": gap_id})
        for gap in content.booked_gaps:
            self._book(gap, None)
        self._evict_expired(now_us)
        for batch in content.batches:
            self._store(batch, now_us)
        if content.progress:
            self._file.run_many("upsert_progress", list(content.progress.items()))

    def _confirm(self, confirmed: Confirmation) -> None:
        numbers = {"epoch": confirmed.epoch, "first": confirmed.first, "last": confirmed.last}
        count, size = self._file.rows("select_confirmed", numbers)[0]
        if count:
            self._file.run("delete_confirmed", numbers)
            self.count -= count
            self.bytes -= size + count * ROW_OVERHEAD_BYTES
        self._file.run("delete_carried_gaps", numbers)
        settled = {n for n in self.published if n[0] == confirmed.epoch and confirmed.first <= n[1] <= confirmed.last}
        self.published -= settled

    def _store(self, batch: NewBatch, now_us: int) -> None:
        size = len(batch.payload) + ROW_OVERHEAD_BYTES
        if self.bytes + size > self._caps.max_bytes and not self._make_room(size):
            self._refuse(batch)
            return
        self._file.run(
            "insert_batch",
            {
                "epoch": batch.epoch,
                "seq": batch.seq,
                "payload": batch.payload,
                "dictionary": batch.dictionary,
                "from_us": batch.from_us,
                "to_us": batch.to_us,
                "created_us": batch.created_us or now_us,
            },
        )
        self.count += 1
        self.bytes += size
        for gap in batch.gaps:
            self._book(gap, batch)

    def _make_room(self, size: int) -> bool:
        if not self._caps.is_oldest_evicted:
            return False
        while self.count and self.bytes + size > self._caps.max_bytes:
            self._evict(self._file.rows("select_oldest")[0], GapReason.OUTBOX_FULL)
        return True

    def _refuse(self, batch: NewBatch) -> None:
        for gap in batch.gaps:
            self._book(gap, None)
        self._lose(batch.epoch, batch.seq, (batch.from_us, batch.to_us), GapReason.OUTBOX_FULL)
        self.refused += 1

    def _evict_expired(self, now_us: int) -> None:
        while self.count:
            oldest = self._file.rows("select_oldest")[0]
            if now_us - oldest[6] <= self._caps.max_age_us:
                return
            self._evict(oldest, GapReason.OUTBOX_EXPIRED)

    def _evict(self, row: Sequence[Any], reason: GapReason) -> None:
        batch_id, epoch, seq, size, from_us, to_us, _ = row
        self._file.run("delete_batch", {"id": batch_id})
        self._file.run("release_gaps", {"epoch": epoch, "seq": seq})
        self.count -= 1
        self.bytes -= size + ROW_OVERHEAD_BYTES
        self.evicted += 1
        self._lose(epoch, seq, (from_us, to_us), reason)

    def _lose(self, epoch: bytes, seq: int, span_us: tuple[int, int], reason: GapReason) -> None:
        """Book one lost batch. A run of numbers stays one gap, but a batch that was published has its own:
        the cloud may have it, only the acknowledgement was lost, and then the gap is none.
        """
        numbers = {"epoch": epoch, "seq": seq, "from_us": span_us[0], "to_us": span_us[1], "reason": reason}
        is_published = (epoch, seq) in self.published
        self.published.discard((epoch, seq))
        if is_published or self._is_last_lost_published or self._file.run("extend_gap", numbers) == 0:
            self._book(Gap(span_us[0], span_us[1], reason, batches=(epoch, seq, seq)), None)
        self._is_last_lost_published = is_published

    def _book(self, gap: Gap, carrier: NewBatch | None) -> None:
        epoch, first, last = gap.batches or (None, None, None)
        self._file.run(
            "insert_gap",
            {
                "from_us": gap.from_us,
                "to_us": gap.to_us,
                "reason": gap.reason,
                "device": gap.device,
                "epoch": epoch,
                "first_seq": first,
                "last_seq": last,
                "carrier_epoch": carrier and carrier.epoch,
                "carrier_seq": carrier and carrier.seq,
            },
        )


def _gap(row: Sequence[Any]) -> Gap:
    from_us, to_us, reason, device, epoch, first, last = row
    batches = None if epoch is None else (epoch, first, last)
    return Gap(from_us, to_us, reason, device, batches=batches)
