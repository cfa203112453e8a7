"""What goes into the outbox and comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.batch import Gap


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
