"""Opening an outbox that may be damaged: what can be read is kept, the file is set aside, what was lost is a gap."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from edge_agent.clock import EARLIEST_US
from edge_agent.outbox import Outbox
from edge_agent.outbox_content import Append, Caps, NewBatch
from edge_agent.outbox_file import OutboxCorrupt, statements
from schemas.batch import BodyInvalid, Gap, GapReason, HeaderInvalid, VersionUnknown
from schemas.framing import split_header, verified_body

SUFFIXES = ("", "-wal", "-shm")
SALVAGED_TOGETHER = 32


class OutboxInUse(Exception):
    """Another agent has this outbox open."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open outbox, and where its damaged predecessor was put, if there was one."""

    outbox: Outbox
    set_aside: Path | None = None


class OutboxMark:
    """A small file beside the outbox: holds the lock, and since when something in the outbox is not acknowledged."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise OutboxInUse(f"{path} is locked by another running agent") from error

    def read(self) -> int | None:
        """The time noted last."""
        text = os.pread(self._descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else None

    def write(self, oldest_us: int) -> None:
        """Note it; not synchronised: an older mark only makes a gap wider, never too narrow."""
        try:
            os.pwrite(self._descriptor, f"{oldest_us:<31d}\n".encode(), 0)
        except OSError:
            return  # a full disk has its own report

    def release(self) -> None:
        """Let another agent have the outbox."""
        os.close(self._descriptor)


def open_outbox(path: Path, caps: Caps, mark: OutboxMark, now_us: int) -> Opened:
    """Open the outbox; a damaged file is set aside and salvaged into a new one."""
    outbox = Outbox(path, caps)
    try:
        outbox.open()
    except OutboxCorrupt:
        return Opened(outbox, start_over(outbox, mark, now_us))
    return Opened(outbox)


def start_over(outbox: Outbox, mark: OutboxMark, now_us: int) -> Path:
    """Set the damaged file aside, open a new one, and put into it what could be read."""
    outbox.close()
    aside = _set_aside(outbox.path, now_us)
    outbox.open()
    _refill(outbox, aside, mark.read() or EARLIEST_US, now_us)
    return aside


def _set_aside(path: Path, now_us: int) -> Path:
    aside = path.with_name(f"{path.name}.corrupt-{now_us}")
    for suffix in SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside


def _refill(outbox: Outbox, aside: Path, oldest_us: int, now_us: int) -> None:
    damaged = sqlite3.connect(aside)
    try:
        for digest, tags, is_known in _rows(damaged, "salvage_dictionaries"):
            outbox.adopt_dictionary(digest, tags, is_known=bool(is_known))
        for part in _parts(_batches_and_holes(damaged, oldest_us, now_us)):
            batches = [found for found in part if isinstance(found, NewBatch)]
            holes = [found for found in part if isinstance(found, Gap)]
            outbox.append(Append(batches=batches, booked_gaps=holes), now_us)
        progress = dict(_rows(damaged, "salvage_progress"))
        outbox.append(Append(progress=progress, booked_gaps=_readable_gaps(damaged)), now_us)
    finally:
        damaged.close()


def _parts(found: Iterator[NewBatch | Gap]) -> Iterator[list[NewBatch | Gap]]:
    """A few at a time: a large outbox does not fit into memory."""
    while part := list(islice(found, SALVAGED_TOGETHER)):
        yield part


def _batches_and_holes(damaged: sqlite3.Connection, oldest_us: int, now_us: int) -> Iterator[NewBatch | Gap]:
    """Every batch whose checksum holds, and a gap for each stretch that could not be read."""
    before: NewBatch | None = None
    is_hole = False
    for batch in _walk(damaged):
        if batch is None:
            is_hole = True
            continue
        if is_hole or _is_jump(before, batch):
            yield _hole(before, batch, oldest_us, now_us)
            is_hole = False
        before = replace(batch, payload=b"")
        yield batch
    if is_hole:
        yield _hole(before, None, oldest_us, now_us)


def _walk(damaged: sqlite3.Connection) -> Iterator[NewBatch | None]:
    try:
        first, last = damaged.execute(statements()["salvage_span"]).fetchone()
    except sqlite3.Error:
        yield None
        return
    at = (first or 1) - 1
    while last is not None and at < last:
        try:
            row = _first_after(damaged, at, last)
        except sqlite3.Error:
            at = _next_readable(damaged, at, last)
            yield None
            continue
        if row is None:
            return
        at = row[-1]
        yield _checked(row)


def _next_readable(damaged: sqlite3.Connection, at: int, last: int) -> int:
    """The id before the next batch that can be read: a damaged page usually holds only a few."""
    step = 1
    while at + step <= last:
        try:
            _first_after(damaged, at + step, last)
        except sqlite3.Error:
            step += max(1, step // 8)
            continue
        return at + step
    return last


def _first_after(damaged: sqlite3.Connection, after: int, through: int) -> tuple[Any, ...] | None:
    return damaged.execute(statements()["salvage_batch"], {"after": after, "through": through}).fetchone()


def _checked(row: tuple[Any, ...]) -> NewBatch | None:
    epoch, seq, payload, from_us, to_us, dictionary, created_us, _ = row
    try:
        header = split_header(payload)
        verified_body(payload, header)
    except (HeaderInvalid, BodyInvalid, VersionUnknown, TypeError):
        return None
    if (header.epoch, header.seq) != (epoch, seq):
        return None
    return NewBatch(epoch, seq, payload, from_us, to_us, dictionary, created_us=created_us)


def _is_jump(before: NewBatch | None, behind: NewBatch) -> bool:
    """Numbers are missing between two batches: a damaged page may also read as an empty one."""
    return before is not None and before.epoch == behind.epoch and behind.seq != before.seq + 1


def _hole(before: NewBatch | None, behind: NewBatch | None, oldest_us: int, now_us: int) -> Gap:
    from_us = before.to_us if before else oldest_us
    to_us = behind.from_us if behind else now_us
    batches = None
    if before and behind and before.epoch == behind.epoch and behind.seq - before.seq > 1:
        batches = (before.epoch, before.seq + 1, behind.seq - 1)
    return Gap(min(from_us, to_us), to_us, GapReason.OUTBOX_CORRUPT, batches=batches)


def _readable_gaps(damaged: sqlite3.Connection) -> list[Gap]:
    return [
        Gap(from_us, to_us, reason, device, batches=None if epoch is None else (epoch, first, last))
        for from_us, to_us, reason, device, epoch, first, last in _rows(damaged, "salvage_gaps")
    ]


def _rows(damaged: sqlite3.Connection, name: str) -> list[tuple[Any, ...]]:
    try:
        return damaged.execute(statements()[name]).fetchall()
    except sqlite3.Error:
        return []
