"""Chains of hashes (pure): each row's hash covers its content and the hash of the row before it.

    hash(n) = SHA-256( hash(n - 1) + content(n) ), where hash(0) is empty

content(n) is the UTF-8 text of a JSON array without spaces, and without escapes where JSON needs none: the form's name,
then its columns in their order. Instants are microseconds since the Unix epoch, UTC; binary64 numbers are the 16
hexadecimal digits of their bits, the sign first; what is absent is null.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

import msgspec

GENESIS = b""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SealedRow(Protocol):
    """A row of a chain; number 0 and an empty hash while it is not sealed."""

    @property
    def number(self) -> int:
        """Its place, from 1."""
        ...

    @property
    def hash(self) -> bytes:
        """What its content and all rows before it come to."""
        ...


Row = TypeVar("Row", bound=SealedRow)


class FindingKind(StrEnum):
    """What can be wrong with a chain."""

    MISSING = "missing"  # numbers that no row has
    CHANGED = "changed"  # a row's content, or the one before it, is not what was sealed
    CUT_OFF = "cut_off"  # rows are missing at the end
    END_DIFFERS = "end_differs"  # the end that is kept apart is another one
    ANCHOR_DIFFERS = "anchor_differs"  # an end noted down earlier is not in the chain
    START_UNPROVED = "start_unproved"  # rows are missing at the beginning, and no row of the chain says who took them


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, at the number where it shows; `subject` is what that row is about."""

    kind: FindingKind
    number: int
    subject: UUID | str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The number and hash of the last sealed row."""

    number: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class Form(Generic[Row]):
    """What the hashes of one table cover: the name of the form, and the columns in their order."""

    name: str
    columns: tuple[str, ...]
    subject_of: Callable[[Row], UUID | str | None]

    def numbered(self, row: Row, number: int) -> Row:
        """The row with the number that it is given; rows are dataclasses."""
        return cast("Row", replace(cast("Any", row), number=number))

    def content(self, row: Row) -> bytes:
        """The bytes of a row that its hash covers."""
        return msgspec.json.encode([self.name, *(_plain(getattr(row, name)) for name in self.columns)])

    def chained(self, before: bytes, row: Row) -> bytes:
        """The hash of a row that follows one with the hash `before`."""
        return hashlib.sha256(before + self.content(row)).digest()


@dataclass(slots=True)
class Inspection(Generic[Row]):
    """Walks along a chain and keeps what is wrong with it; `end` begins where the rows that were let go end."""

    form: Form[Row]
    anchor: End | None = None
    end: End = field(default_factory=End)
    findings: list[Finding] = field(default_factory=list[Finding])

    def inspect(self, rows: Iterable[Row]) -> None:
        """Look at the next rows, in the order of their numbers."""
        for row in rows:
            if row.number != self.end.number + 1:
                self.findings.append(Finding(FindingKind.MISSING, self.end.number + 1))
            elif self.form.chained(self.end.hash, row) != row.hash:
                self.findings.append(Finding(FindingKind.CHANGED, row.number, self.form.subject_of(row)))
            # Going on from what is stored shows each broken place once.
            self.end = End(row.number, row.hash)
            if self.anchor is not None and row.number == self.anchor.number and row.hash != self.anchor.hash:
                self.findings.append(Finding(FindingKind.ANCHOR_DIFFERS, row.number, self.form.subject_of(row)))

    def finish(self, kept: End) -> None:
        """Compare with the end that is kept apart, and with an anchor beyond it."""
        if kept.number > self.end.number:
            self.findings.append(Finding(FindingKind.CUT_OFF, self.end.number + 1))
        elif kept != self.end:
            self.findings.append(Finding(FindingKind.END_DIFFERS, self.end.number))
        if self.anchor is not None and self.anchor.number > self.end.number:
            self.findings.append(Finding(FindingKind.CUT_OFF, self.end.number + 1))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    return str(value) if isinstance(value, UUID) else value
