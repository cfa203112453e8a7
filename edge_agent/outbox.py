"""Store-and-forward on SQLite: what is in here is durable, and leaves only when the cloud has committed it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.batch import Gap, GapReason

CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
ROW_OVERHEAD_BYTES = 128
MAX_GAPS_A_BATCH = 200
NEARLY_FULL = 0.5
PAGES_KEPT = 1_024
ALWAYS_CHECKED_BYTES = 256 << 20
"""A larger file is read through at start only when the agent before did not close it."""

_TABLES = ("batch", "batch_created", "progress", "gap", "dictionary", "note")
_PRAGMAS = (
    "pragma auto_vacuum = incremental",
    "pragma journal_mode = wal",
    "pragma synchronous = full",
    "pragma journal_size_limit = 4194304",
    "pragma cache_size = -1024",
)


class OutboxUnavailable(Exception):
    """The disk does not take it now: keep the samples and try again."""


class OutboxCorrupt(Exception):
    """The file is damaged: set it aside, salvage what can be read, start a new one."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """One encoded batch on its way into the outbox, with the gaps it carries."""

    epoch: bytes
    seq: int
    payload: bytes
    from_us: int
    to_us: int
    dictionary: bytes | None = None
    gaps: tuple[Gap, ...] = ()
    created_us: int | None = None


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One batch as the outbox keeps it; ids rise in the order of appending, over all epochs."""

    id: int
    epoch: bytes
    seq: int
    created_us: int
    payload: bytes
    dictionary: bytes | None


@dataclass(frozen=True, slots=True)
class WaitingGap:
    """A gap that no batch in the outbox carries yet."""

    id: int
    gap: Gap


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Numbers of one epoch that the cloud has settled: stored or rejected."""

    epoch: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Caps:
    """When the outbox is full, and what gives way then."""

    max_bytes: int
    max_age_us: int
    is_oldest_evicted: bool


@dataclass(frozen=True, slots=True)
class Append:
    """One commit: batches, how far each device is measured, gaps taken from the waiting ones, what was settled."""

    batches: Sequence[NewBatch] = ()
    progress: Mapping[str, int] | None = None
    taken_gaps: Sequence[int] = ()
    booked_gaps: Sequence[Gap] = ()
    confirmed: Sequence[Confirmation] = ()
    dictionaries: Mapping[bytes, Sequence[str]] | None = None


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
        self._connection: sqlite3.Connection | None = None
        self._is_last_lost_published = False

    @property
    def is_open(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def open(self) -> None:
        """Open or create the file; OutboxCorrupt when it cannot be trusted."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _translated():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def append(self, content: Append, now_us: int) -> None:
        """Commit all of it durably, or nothing: OutboxUnavailable leaves the outbox as it was."""
        count, size, evicted, refused = self.count, self.bytes, self.evicted, self.refused
        try:
            with self._transaction():
                self._apply(content, now_us)
        except BaseException:
            self.count, self.bytes, self.evicted, self.refused = count, size, evicted, refused
            raise

    def peek(self, after: int, through: int | None, count: int) -> list[StoredBatch]:
        """Batches behind that id in order of appending; nothing is removed."""
        bounds = {"after": after, "through": 2**62 if through is None else through, "count": count}
        return [StoredBatch(*row) for row in self._rows("select_batches", bounds)]

    def get(self, epoch: bytes, seq: int) -> StoredBatch | None:
        """One batch, or None when it is settled or evicted."""
        rows = self._rows("select_batch", {"epoch": epoch, "seq": seq})
        return StoredBatch(*rows[0]) if rows else None

    def replace_payload(self, epoch: bytes, seq: int, payload: bytes, dictionary: bytes | None = None) -> None:
        """Keep another encoding of the same batch; `dictionary` is None when it names its tags itself."""
        with self._transaction():
            old = self.get(epoch, seq)
            if old is not None:
                self._run("update_payload", {"epoch": epoch, "seq": seq, "payload": payload, "dictionary": dictionary})
                self.bytes += len(payload) - len(old.payload)

    def boundary(self, created_us: int) -> int:
        """The id of the newest batch that is at least that old; 0 when there is none."""
        return int(self._rows("select_boundary", {"created_us": created_us})[0][0])

    def oldest(self) -> tuple[int, int] | None:
        """When the oldest batch begins and when it was appended."""
        rows = self._rows("select_oldest")
        return (rows[0][4], rows[0][6]) if rows else None

    def progress(self) -> dict[str, int]:
        """Until when each device is measured, durably."""
        return dict(self._rows("select_progress"))

    def waiting_gaps(self) -> list[WaitingGap]:
        """Gaps that the next batch should carry; that of a full outbox grows in one piece until there is room."""
        is_nearly_full = self.bytes > NEARLY_FULL * self._caps.max_bytes
        held_back = GapReason.OUTBOX_FULL if is_nearly_full else ""
        rows = self._rows("select_waiting_gaps", {"count": MAX_GAPS_A_BATCH, "held_back": held_back})
        return [WaitingGap(row[0], _gap(row[1:])) for row in rows]

    def known_dictionaries(self) -> set[bytes]:
        """Hashes of the tag lists that the cloud has named as known."""
        return {row[0] for row in self._rows("select_known_dictionaries")}

    def dictionary(self, digest: bytes) -> tuple[str, ...] | None:
        """The tag list of that hash."""
        rows = self._rows("select_dictionary", {"hash": digest})
        return tuple(json.loads(rows[0][0])) if rows else None

    def adopt_dictionary(self, digest: bytes, tags: str, *, is_known: bool) -> None:
        """Take over a tag list from another outbox."""
        with self._transaction():
            self._run("insert_dictionary", {"hash": digest, "tags": tags, "is_known": is_known})

    def mark_dictionary(self, digest: bytes, *, is_known: bool) -> None:
        """Remember that the cloud knows a tag list, or has forgotten it."""
        with self._transaction():
            self._run("update_dictionary", {"hash": digest, "is_known": is_known})
            self._run("delete_unused_dictionaries")

    def note(self, name: str) -> str | None:
        """A small fact kept over restarts."""
        rows = self._rows("select_note", {"name": name})
        return rows[0][0] if rows else None

    def write_note(self, name: str, value: str) -> None:
        """Keep a small fact over restarts."""
        with self._transaction():
            self._run("upsert_note", {"name": name, "value": value})

    def shrink(self) -> None:
        """Give pages that a drained backlog has left back to the disk, a few at a time."""
        with _translated():
            connection = self._opened()
            (free,) = connection.execute("pragma freelist_count").fetchone()
            if free > PAGES_KEPT:
                connection.execute("pragma incremental_vacuum(512)").fetchall()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        was_unclean = self.path.with_name(f"{self.path.name}-wal").exists()
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if was_unclean or self.path.stat().st_size <= ALWAYS_CHECKED_BYTES:
            answer = connection.execute("pragma quick_check(1)").fetchone()
            if answer is None or answer[0] != "ok":
                raise OutboxCorrupt(f"{self.path}: {answer and answer[0]}")
        for table in _TABLES:
            connection.execute(statements()[f"create_{table}"])
        self.count, self.bytes = connection.execute(statements()["select_totals"]).fetchone()
        self.bytes += self.count * ROW_OVERHEAD_BYTES

    def _apply(self, content: Append, now_us: int) -> None:
        for confirmed in content.confirmed:
            self._confirm(confirmed)
        for digest, tags in (content.dictionaries or {}).items():
            text = json.dumps(tags, ensure_ascii=False)
            self._run("insert_dictionary", {"hash": digest, "tags": text, "is_known": False})
        for gap_id in content.taken_gaps:
            self._run("delete_gap", {"id": gap_id})
        for gap in content.booked_gaps:
            self._book(gap, None)
        self._evict_expired(now_us)
        for batch in content.batches:
            self._store(batch, now_us)
        if content.progress:
            self._opened().executemany(statements()["upsert_progress"], list(content.progress.items()))

    def _confirm(self, confirmed: Confirmation) -> None:
        numbers = {"epoch": confirmed.epoch, "first": confirmed.first, "last": confirmed.last}
        count, size = self._rows("select_confirmed", numbers)[0]
        if count:
            self._run("delete_confirmed", numbers)
            self.count -= count
            self.bytes -= size + count * ROW_OVERHEAD_BYTES
        self._run("delete_carried_gaps", numbers)
        settled = {n for n in self.published if n[0] == confirmed.epoch and confirmed.first <= n[1] <= confirmed.last}
        self.published -= settled

    def _store(self, batch: NewBatch, now_us: int) -> None:
        size = len(batch.payload) + ROW_OVERHEAD_BYTES
        if self.bytes + size > self._caps.max_bytes and not self._make_room(size):
            self._refuse(batch)
            return
        self._run(
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
            self._evict(self._rows("select_oldest")[0], GapReason.OUTBOX_FULL)
        return True

    def _refuse(self, batch: NewBatch) -> None:
        for gap in batch.gaps:
            self._book(gap, None)
        self._lose(batch.epoch, batch.seq, (batch.from_us, batch.to_us), GapReason.OUTBOX_FULL)
        self.refused += 1

    def _evict_expired(self, now_us: int) -> None:
        while self.count:
            oldest = self._rows("select_oldest")[0]
            if now_us - oldest[6] <= self._caps.max_age_us:
                return
            self._evict(oldest, GapReason.OUTBOX_EXPIRED)

    def _evict(self, row: Sequence[Any], reason: GapReason) -> None:
        batch_id, epoch, seq, size, from_us, to_us, _ = row
        self._run("delete_batch", {"id": batch_id})
        self._run("release_gaps", {"epoch": epoch, "seq": seq})
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
        if is_published or self._is_last_lost_published or self._run("extend_gap", numbers) == 0:
            self._book(Gap(span_us[0], span_us[1], reason, batches=(epoch, seq, seq)), None)
        self._is_last_lost_published = is_published

    def _book(self, gap: Gap, carrier: NewBatch | None) -> None:
        epoch, first, last = gap.batches or (None, None, None)
        self._run(
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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated():
            connection = self._opened()
            connection.execute("begin immediate")
            try:
                yield
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def _run(self, name: str, parameters: Mapping[str, object] | None = None) -> int:
        return self._opened().execute(statements()[name], parameters or {}).rowcount

    def _rows(self, name: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        with _translated():
            return self._opened().execute(statements()[name], parameters or {}).fetchall()

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise OutboxUnavailable(f"{self.path} is not open")
        return self._connection


@cache
def statements() -> Mapping[str, str]:
    """The statements of outbox.sql by name."""
    text = Path(__file__).with_name("outbox.sql").read_text(encoding="utf-8")
    return dict(_named(text.split("-- name: ")[1:]))


def _named(blocks: Iterable[str]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        name, _, statement = block.partition("\n")
        yield name.strip(), statement.strip()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in CORRUPT_CODES:
            raise OutboxCorrupt(str(error)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise OutboxUnavailable(str(error)) from error
        raise


def _gap(row: Sequence[Any]) -> Gap:
    from_us, to_us, reason, device, epoch, first, last = row
    batches = None if epoch is None else (epoch, first, last)
    return Gap(from_us, to_us, reason, device, batches=batches)
