"""Dead letters: how payloads and samples are kept, read again for a replay, and how much room there is."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from cloud_api.ingest.incoming import Incoming, Refusal
from cloud_api.ingest.results import RejectReason
from cloud_api.ingest.screen import RejectedGroup
from cloud_api.instants import format_at
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.rejects import RejectForm, RejectRow, select_reject_bytes
from schemas.sample import Kind, Value

ROW_BYTES = 200
RECOUNT_AFTER_S = 10.0


class KeptSamples(msgspec.Struct, array_like=True, frozen=True):
    """The samples of one tag as a reject keeps them."""

    kind: Kind
    times_us: Sequence[int]
    statuses: Sequence[int]
    values: Sequence[Value]


@dataclass(slots=True)
class RejectStore:
    """How full the reject store is; at its cap batches are held, not acknowledged away."""

    max_bytes: int
    used_bytes: int = 0
    _counted_at: float | None = None

    async def has_room(self, connection: Connection, rows: Sequence[RejectRow]) -> bool:
        """Whether these rejects fit; counts anew now and then, and before it says no."""
        needed = sum(len(row.payload) + ROW_BYTES for row in rows)
        age_s = None if self._counted_at is None else time.monotonic() - self._counted_at
        is_full = self.used_bytes + needed > self.max_bytes
        if age_s is None or age_s > RECOUNT_AFTER_S or (is_full and age_s > 1.0):
            self.used_bytes = await select_reject_bytes(connection)
            self._counted_at = time.monotonic()
        return self.used_bytes + needed <= self.max_bytes

    def add(self, rows: Sequence[RejectRow]) -> None:
        """Count what was committed."""
        self.used_bytes += sum(len(row.payload) + ROW_BYTES for row in rows)


def payload_reject(incoming: Incoming, refusal: Refusal) -> RejectRow:
    """The whole payload, put aside."""
    arrival = incoming.arrival
    header = incoming.header
    received_at = at_us(arrival.received_us)
    oldest_us, newest_us = incoming.oldest_us(), incoming.newest_us()
    return RejectRow(
        received_at=received_at,
        topic=_printable(arrival.topic),
        agent=incoming.agent,
        epoch=None if header is None else UUID(bytes=header.epoch),
        seq=None if header is None else header.seq,
        path=None,
        reason=str(refusal.reason),
        detail=_printable(refusal.detail),
        form=RejectForm.PAYLOAD,
        sample_count=incoming.sample_count,
        first_at=None if oldest_us is None else at_us(oldest_us),
        last_at=None if newest_us is None else at_us(newest_us),
        digest=_digest(arrival.topic or incoming.agent or "", refusal.reason, arrival.payload),
        payload=arrival.payload,
    )


def detail_of(group: RejectedGroup, kept_us: int | None) -> str | None:
    """What there is to say besides the reason."""
    if group.reason is not RejectReason.OLDER_THAN_RETENTION or kept_us is None:
        return None
    return (
        f"raw samples are taken from {format_at(at_us(kept_us))} on; choose a longer raw retention before history is "
        "imported: it goes back as far as nothing was rolled (docs/operations.md, Retention), then replay this"
    )


def samples_reject(incoming: Incoming, group: RejectedGroup, kept_us: int | None) -> RejectRow:
    """The samples of one tag and one reason, put aside."""
    arrival, header = incoming.arrival, incoming.header
    kept = KeptSamples(group.kind, group.times_us, group.statuses, group.values)
    payload = msgspec.msgpack.encode(kept)
    number = b"" if header is None else header.epoch + header.seq.to_bytes(8, "big")
    return RejectRow(
        received_at=at_us(arrival.received_us),
        topic=_printable(arrival.topic),
        agent=incoming.agent,
        epoch=None if header is None else UUID(bytes=header.epoch),
        seq=None if header is None else header.seq,
        path=_printable(group.path),
        reason=group.reason.value,
        detail=detail_of(group, kept_us),
        form=RejectForm.SAMPLES,
        sample_count=len(group.times_us),
        first_at=at_us(min(group.times_us)),
        last_at=at_us(max(group.times_us)),
        digest=_digest(incoming.agent or "", f"{group.reason}\n{group.path}", number + payload),
        payload=payload,
    )


def _digest(owner: str, reason: str, content: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in (owner.encode(), reason.encode(), content):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def _printable(text: str | None) -> str | None:
    """What PostgreSQL's text can hold, and no more of it than a page can show."""
    return None if text is None else text.replace("\0", "\ufffd")[:2000]
