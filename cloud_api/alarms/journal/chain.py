"""The chain of the journal (pure): each row's hash covers its content and the hash of the row before it.

    hash(n) = SHA-256( hash(n - 1) + content(n) ), where hash(0) is empty

content(n) is the UTF-8 text of a JSON array without spaces, and without escapes where JSON needs none: the constant
"millstream.journal.v1", then the columns of CONTENT in that order. Instants are microseconds since the Unix epoch, UTC;
binary64 numbers are the 16 hexadecimal digits of their bits, the sign first; what is absent is null.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from cloud_api.storage.journal import JournalRow

FORM = "millstream.journal.v1"
GENESIS = b""
CONTENT = (
    "number",
    "alarm_id",
    "alarm_version",
    "definition_id",
    "definition_version",
    "path",
    "name",
    "condition",
    "alarm_class",
    "position",
    "event",
    "at",
    "recorded_at",
    "who",
    "from_state",
    "to_state",
    "priority",
    "level",
    "value",
    "status",
    "limit_value",
    "message_en",
    "message_zh",
    "comment",
    "note",
    "order_number",
    "until_at",
    "assignee",
    "is_late",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FindingKind(StrEnum):
    """What can be wrong with the chain."""

    MISSING = "missing"  # numbers that no row has
    CHANGED = "changed"  # a row's content, or the one before it, is not what was sealed
    CUT_OFF = "cut_off"  # rows are missing at the end
    END_DIFFERS = "end_differs"  # the end that is kept apart is another one
    ANCHOR_DIFFERS = "anchor_differs"  # an end noted down earlier is not in the chain


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at the number where it shows."""

    kind: FindingKind
    number: int
    alarm_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The number and hash of the last sealed row."""

    number: int = 0
    hash: bytes = GENESIS


@dataclass(slots=True)
class Inspection:
    """Walks along the chain and keeps what is wrong with it."""

    anchor: End | None = None
    end: End = field(default_factory=End)
    findings: list[Finding] = field(default_factory=list[Finding])

    def inspect(self, rows: Iterable[JournalRow]) -> None:
        """Look at the next rows, in the order of their numbers."""
        for row in rows:
            if row.number != self.end.number + 1:
                self.findings.append(Finding(FindingKind.MISSING, self.end.number + 1))
            elif chained(self.end.hash, row) != row.hash:
                self.findings.append(Finding(FindingKind.CHANGED, row.number, row.alarm_id))
            # Going on from what is stored shows each broken place once.
            self.end = End(row.number, row.hash)
            if self.anchor is not None and row.number == self.anchor.number and row.hash != self.anchor.hash:
                self.findings.append(Finding(FindingKind.ANCHOR_DIFFERS, row.number, row.alarm_id))

    def finish(self, kept: End) -> None:
        """Compare with the end that is kept apart, and with an anchor beyond it."""
        if kept.number > self.end.number:
            self.findings.append(Finding(FindingKind.CUT_OFF, self.end.number + 1))
        elif kept != self.end:
            self.findings.append(Finding(FindingKind.END_DIFFERS, self.end.number))
        if self.anchor is not None and self.anchor.number > self.end.number:
            self.findings.append(Finding(FindingKind.CUT_OFF, self.end.number + 1))


def chained(before: bytes, row: JournalRow) -> bytes:
    """The hash of a row that follows one with the hash `before`."""
    return hashlib.sha256(before + content(row)).digest()


def content(row: JournalRow) -> bytes:
    """The bytes of a row that its hash covers."""
    return msgspec.json.encode([FORM, *(_plain(getattr(row, name)) for name in CONTENT)])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    return str(value) if isinstance(value, UUID) else value
