"""Acknowledgements: what is committed, said to the agents after the commit (pure but for the sending)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cloud_api.ingest.incoming import LedgerKey
from cloud_api.ingest.ledger import LedgerEntry
from cloud_api.ingest.prepare import Fate
from cloud_api.telemetry import BatchOutcome, Lane
from schemas.ack import Ack


class AckSender(Protocol):
    """The way to the agents; what cannot be sent now is lost, because agents ask again."""

    def send_ack(self, agent: str, ack: Ack) -> None:
        """Publish, without waiting."""
        ...


@dataclass(slots=True)
class _Answer:
    rejected: dict[int, str] = field(default_factory=dict[int, str])
    hold: dict[int, str] = field(default_factory=dict[int, str])
    dictionary: bytes | None = None


def acks_for(fates: Iterable[Fate], entries: dict[LedgerKey, LedgerEntry]) -> list[tuple[str, Ack]]:
    """One acknowledgement for each epoch that a set touched; HTTP gets its answer elsewhere."""
    answers: dict[LedgerKey, _Answer] = {}
    for fate in fates:
        key, header = fate.incoming.key, fate.incoming.header
        if key is None or header is None or fate.is_silent or fate.incoming.arrival.lane is Lane.HTTP:
            continue
        answer = answers.setdefault(key, _Answer())
        answer.dictionary = fate.dictionary or answer.dictionary
        if fate.outcome is BatchOutcome.HELD:
            answer.hold[header.seq] = fate.reason or ""
        elif fate.outcome is BatchOutcome.REJECTED:
            answer.rejected[header.seq] = fate.reason or ""
        elif fate.outcome is BatchOutcome.REPEATED and header.seq in entries[key].rejected:
            # The reason was told the first time, and stands in the reject store.
            answer.rejected[header.seq] = "rejected_before"
    return [(key[0], _ack(key, answer, entries[key])) for key, answer in answers.items()]


def resume_ack(epoch: bytes, entry: LedgerEntry) -> Ack:
    """What a new owner, or one with a new session, says: send again what is not named here."""
    return Ack(epoch=epoch, through=entry.settled.through(), also=entry.also(), is_resume=True)


def _ack(key: LedgerKey, answer: _Answer, entry: LedgerEntry) -> Ack:
    return Ack(
        epoch=key[1],
        through=entry.settled.through(),
        also=entry.also(),
        rejected=tuple(answer.rejected.items()),
        hold=tuple(answer.hold.items()),
        dictionary=answer.dictionary,
    )
