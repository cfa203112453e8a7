"""What a batch says: columns of samples, how far each device was measured, and what is known to be missing."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.columns import MAX_TIME_US, MIN_TIME_US, Column, PackedColumn
from schemas.errors import BatchInvalid, BatchTooLarge
from schemas.header import EPOCH_BYTES, Header
from schemas.limits import MAX_COLUMNS, MAX_DEVICES, MAX_GAPS, MAX_SAMPLES, MAX_SEQ, MAX_TAGS
from schemas.sample import name_problem

DICTIONARY_BYTES = 8
MAX_DICTIONARY_INDEX = 2**31
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")


class GapReason(StrEnum):
    """Why a stretch is missing; a reader keeps reasons it does not know as they are."""

    AGENT_STOPPED = "agent_stopped"
    DEVICE_UNREACHABLE = "device_unreachable"
    OUTBOX_FULL = "outbox_full"
    OUTBOX_EXPIRED = "outbox_expired"
    OUTBOX_CORRUPT = "outbox_corrupt"
    OUTBOX_RESTORED = "outbox_restored"
    SOURCE_OVERFLOW = "source_overflow"
    SCAN_OVERRUN = "scan_overrun"
    CONFIGURATION_CHANGED = "configuration_changed"
    CLOCK_IMPLAUSIBLE = "clock_implausible"
    SAMPLE_TOO_LARGE = "sample_too_large"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch known to be missing, of a device or of single tags; `batches` are the (epoch, first, last) it ate."""

    from_us: int
    to_us: int
    reason: str
    device: str | None = None
    tags: tuple[str, ...] | None = None
    batches: tuple[bytes, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The wire unit, readable: `tags` is the agent's ordered tag list, or `dictionary` the hash of one known by ack."""

    agent: str
    epoch: bytes
    seq: int
    base_us: int
    tags: tuple[str, ...] | None = None
    dictionary: bytes | None = None
    columns: tuple[Column, ...] = ()
    until: Mapping[str, int] = field(default_factory=dict[str, int])
    gaps: tuple[Gap, ...] = ()

    @property
    def sample_count(self) -> int:
        """Samples in all columns."""
        return sum(len(column.tags) for column in self.columns)


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """The wire unit with its columns still packed; tag indices are not yet compared with the dictionary's length."""

    header: Header
    agent: str
    base_us: int
    tags: tuple[str, ...] | None
    dictionary: bytes | None
    columns: tuple[PackedColumn, ...]
    until: Mapping[str, int]
    gaps: tuple[Gap, ...]

    @property
    def epoch(self) -> bytes:
        """The epoch of the agent process that numbered this batch."""
        return self.header.epoch

    @property
    def seq(self) -> int:
        """Its number in that epoch."""
        return self.header.seq

    @property
    def sample_count(self) -> int:
        """Samples in all columns."""
        return sum(column.count for column in self.columns)


def dictionary_hash(tags: Sequence[str]) -> bytes:
    """Name an ordered tag list: BLAKE2b with 8 bytes over the paths in UTF-8, each ended by a line feed."""
    joined = "".join([f"{path}\n" for path in tags])
    return hashlib.blake2b(joined.encode(), digest_size=DICTIONARY_BYTES).digest()


def check_content(batch: Batch | PackedBatch) -> None:
    """Refuse what the protocol has no form for, whoever made it: BatchInvalid, BatchTooLarge."""
    problem = name_problem(batch.agent)
    if problem:
        raise BatchInvalid("agent", batch.agent, f"it {problem}")
    _check_number("epoch", "seq", (batch.epoch, batch.seq, batch.seq))
    _check_time("base", batch.base_us)
    _check_tags(batch)
    for what, size, limit in (
        ("cols", len(batch.columns), MAX_COLUMNS),
        ("samples", batch.sample_count, MAX_SAMPLES),
        ("until", len(batch.until), MAX_DEVICES),
        ("gaps", len(batch.gaps), MAX_GAPS),
    ):
        if size > limit:
            raise BatchTooLarge(what, size, limit)
    for device, until_us in batch.until.items():
        if name_problem(device):
            raise BatchInvalid("until", device, f"a device name {name_problem(device)}")
        _check_time(f"until {device}", until_us)
    for position, gap in enumerate(batch.gaps):
        _check_gap(f"gaps[{position}]", gap)


def _check_tags(batch: Batch | PackedBatch) -> None:
    if batch.tags is not None and batch.dictionary is not None:
        raise BatchInvalid("dict", batch.dictionary.hex(), "either tags or dict is, not both")
    if batch.tags is not None and len(batch.tags) > MAX_TAGS:
        raise BatchTooLarge("tags", len(batch.tags), MAX_TAGS)
    if batch.dictionary is not None and len(batch.dictionary) != DICTIONARY_BYTES:
        raise BatchInvalid("dict", batch.dictionary.hex(), f"a hash of {DICTIONARY_BYTES} bytes is")
    if batch.tags is None and batch.dictionary is None and batch.sample_count:
        raise BatchInvalid("tags", None, "a batch with samples needs tags, or dict once an ack has named it")


def _check_gap(field_name: str, gap: Gap) -> None:
    if gap.device is not None and name_problem(gap.device):
        raise BatchInvalid(f"{field_name}.device", gap.device, f"it {name_problem(gap.device)}")
    if not _REASON.fullmatch(gap.reason):
        raise BatchInvalid(f"{field_name}.reason", gap.reason, "one lower_snake word of at most 64 characters is")
    _check_time(f"{field_name}.from", gap.from_us)
    _check_time(f"{field_name}.to", gap.to_us)
    if gap.from_us > gap.to_us:
        raise BatchInvalid(f"{field_name}.to", gap.to_us, f"a time not before from ({gap.from_us}) is")
    if gap.batches is not None:
        _check_number(f"{field_name}.batches.epoch", f"{field_name}.batches", gap.batches)


def _check_number(epoch_field: str, seq_field: str, numbers: tuple[bytes, int, int]) -> None:
    epoch, first, last = numbers
    if len(epoch) != EPOCH_BYTES:
        raise BatchInvalid(epoch_field, epoch.hex(), f"{EPOCH_BYTES} bytes are")
    if not 1 <= first <= last <= MAX_SEQ:
        raise BatchInvalid(seq_field, (first, last), f"numbers from 1 to {MAX_SEQ}, in order, are")


def _check_time(field_name: str, time_us: int) -> None:
    if not MIN_TIME_US <= time_us <= MAX_TIME_US:
        raise BatchInvalid(field_name, time_us, "64-bit microseconds since 1970 are")
