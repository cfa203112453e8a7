"""A batch on its way in: as it arrived, and opened as far as that needs no database (pure)."""

from collections.abc import Callable
from dataclasses import dataclass

from cloud_api.ingest.columns import ColumnArrays, read_column
from cloud_api.ingest.results import BatchResult, RejectReason
from cloud_api.storage.entries import NewEntry
from cloud_api.telemetry import Lane
from schemas.ack import HoldReason
from schemas.batch import (
    MAX_WIRE_BYTES,
    BodyInvalid,
    Header,
    HeaderInvalid,
    PackedBatch,
    VersionUnknown,
    read_header,
    unpack,
)

# Of a message above the wire limit only the beginning is kept.
KEPT_OF_OVERSIZE_BYTES = 64 * 1024

# 1990-01-01, long before any device of today was made.
OLDEST_US = 631_152_000_000_000

# One decoded sample: index, time, status, value, text pointer.
SAMPLE_BYTES = 40

LedgerKey = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Replay:
    """This payload is a reject that somebody sends through again."""

    reject_id: int
    principal: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """A person has entered this one sample; `whence` is who, from which address, proved by what."""

    entry: NewEntry
    whence: tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One payload as a door received it; `settle` is called once, with None when nothing can be said of it."""

    payload: bytes
    lane: Lane
    topic: str | None
    agent: str | None
    received_us: int
    settle: Callable[[BatchResult | None], None]
    # What came, where only the beginning is kept because it was above the wire limit.
    wire_bytes: int | None = None
    # Payloads without a number of their own (HTTP samples, replays) pass by the ledger, and `agent` is whose they are.
    is_numbered: bool = True
    replay: Replay | None = None
    by_hand: ByHand | None = None

    @property
    def is_kept_elsewhere(self) -> bool:
        """Whether what cannot be stored of it need not be put aside: a reject is kept already, a person is told."""
        return self.replay is not None or self.by_hand is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The whole batch is put aside."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An opened arrival: a batch with decoded columns, or why there is none."""

    arrival: Arrival
    header: Header | None
    batch: PackedBatch | None
    columns: tuple[ColumnArrays, ...]
    refusal: Refusal | None = None
    hold: HoldReason | None = None
    # Roughly what it holds in memory: a small frame may become 4 MiB.
    size_bytes: int = 0

    @property
    def agent(self) -> str | None:
        """Who is answered: the agent of the topic, else the one that the batch names."""
        if self.arrival.agent is not None:
            return self.arrival.agent
        return None if self.batch is None else self.batch.agent

    @property
    def key(self) -> LedgerKey | None:
        """Its row in the ledger, if it has one."""
        agent = self.agent
        if agent is None or self.header is None or not self.arrival.is_numbered:
            return None
        return agent, self.header.epoch

    @property
    def sample_count(self) -> int:
        """Samples in all columns."""
        return sum(len(column) for column in self.columns)

    def oldest_us(self) -> int | None:
        """The oldest source time, if there is any sample."""
        times = [int(column.times_us.min()) for column in self.columns if len(column)]
        return min(times) if times else None

    def is_behind(self, horizon_us: int) -> bool:
        """Whether a sample that may be stored is older than this."""
        oldest_us = self.oldest_us()
        return (oldest_us is not None and oldest_us < horizon_us) and any(
            bool(((column.times_us < horizon_us) & (column.times_us >= OLDEST_US)).any()) for column in self.columns
        )

    def newest_us(self) -> int | None:
        """The newest source time, if there is any sample."""
        times = [int(column.times_us.max()) for column in self.columns if len(column)]
        return max(times) if times else None


def kept_part(payload: bytes) -> tuple[bytes, int | None]:
    """The payload, or the beginning of one that is above the wire limit and its size."""
    if len(payload) <= MAX_WIRE_BYTES:
        return payload, None
    return payload[:KEPT_OF_OVERSIZE_BYTES], len(payload)


def open_arrival(arrival: Arrival) -> Incoming:
    """Decode a payload; whatever is wrong with it becomes a refusal or a hold, never an exception."""
    if arrival.wire_bytes is not None:
        return _oversize(arrival, arrival.wire_bytes)
    try:
        batch = unpack(arrival.payload)
    except HeaderInvalid as error:
        return Incoming(arrival, None, None, (), Refusal(error.reason, error.detail))
    except VersionUnknown as error:
        return Incoming(arrival, error.header, None, (), hold=HoldReason.VERSION_UNKNOWN)
    except BodyInvalid as error:
        return Incoming(arrival, error.header, None, (), Refusal(error.reason, error.detail))
    if arrival.is_numbered and arrival.agent not in {None, batch.agent}:
        detail = f"{arrival.agent} sent a batch of {batch.agent}"
        return Incoming(arrival, batch.header, None, (), Refusal(RejectReason.WRONG_AGENT, detail))
    columns = tuple(read_column(column, batch.base_us) for column in batch.columns if column.count)
    return Incoming(arrival, batch.header, batch, columns, size_bytes=_size(batch))


def _size(batch: PackedBatch) -> int:
    texts = sum(sum(map(len, column.texts)) for column in batch.columns if column.texts is not None)
    tags = sum(map(len, batch.tags or ())) + sum(sum(map(len, gap.tags or ())) for gap in batch.gaps)
    return batch.sample_count * SAMPLE_BYTES + texts + tags


def _oversize(arrival: Arrival, wire_bytes: int) -> Incoming:
    kept = f"the first {len(arrival.payload)} are kept"
    refusal = Refusal("wire_too_large", f"{wire_bytes} bytes; at most {MAX_WIRE_BYTES} on the wire ({kept})")
    try:
        header = read_header(arrival.payload)
    except HeaderInvalid:
        header = None
    return Incoming(arrival, header, None, (), refusal)
