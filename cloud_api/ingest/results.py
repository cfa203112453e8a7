"""What becomes of a batch, as callers and metrics are told it."""

from dataclasses import dataclass
from enum import StrEnum

from cloud_api.telemetry import BatchOutcome


class RejectReason(StrEnum):
    """Why a sample or a batch is put aside; undecodable bodies carry the decoder's own reasons beside these."""

    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    OLDER_THAN_RETENTION = "older_than_retention"
    KIND_CONTRADICTION = "kind_contradiction"
    FOREIGN_SERIES = "foreign_series"
    PATH_INVALID = "path_invalid"
    TEXT_TOO_LARGE = "text_too_large"
    TEXT_INVALID = "text_invalid"
    TAG_INDEX_UNKNOWN = "tag_index_unknown"
    WRONG_AGENT = "wrong_agent"
    SEQ_REUSED = "seq_reused"
    STORAGE_REFUSED = "storage_refused"


@dataclass(frozen=True, slots=True)
class RejectedSamples:
    """How many samples of one tag were put aside for one reason; no path means the whole batch."""

    path: str | None
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What was committed of one batch."""

    agent: str | None
    epoch: bytes | None
    seq: int | None
    outcome: BatchOutcome
    sample_count: int = 0
    stored: int = 0
    unchanged: int = 0
    overwritten: int = 0
    rejected: tuple[RejectedSamples, ...] = ()
    reason: str | None = None
    detail: str | None = None


class IngestError(Exception):
    """What a caller of ingest can be told."""


class NotOwner(IngestError):
    """Another process owns ingest, or none does yet; ask again soon."""


class IngestOverloaded(IngestError):
    """More is waiting than memory is meant for; send it again later."""


class RejectMissing(IngestError):
    """There is no reject with this id."""


class Overtaken(IngestError):
    """Somebody else did the same, or the opposite, a moment before: look again."""


class RejectReplayed(Overtaken):
    """This reject was replayed before."""


class EntryCrossed(Overtaken):
    """Another entry was committed for the same instant or under the same key."""
