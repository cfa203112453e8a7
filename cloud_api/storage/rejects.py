"""The reject store: payloads nobody could read, and samples nobody could store."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


class RejectForm(StrEnum):
    """What the payload of a reject is."""

    PAYLOAD = "payload"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One reject as it is written; `digest` makes writing it twice a count."""

    received_at: datetime
    topic: str | None
    agent: str | None
    epoch: UUID | None
    seq: int | None
    path: str | None
    reason: str
    detail: str | None
    form: RejectForm
    sample_count: int
    first_at: datetime | None
    last_at: datetime | None
    digest: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class StoredReject:
    """What a replay needs of a reject."""

    agent: str | None
    path: str | None
    form: RejectForm
    payload: bytes
    replayed_at: datetime | None
    received_at: datetime


async def insert_rejects(connection: Connection, rows: list[RejectRow]) -> None:
    """Put aside; in one round trip however many."""
    parameters = [
        {
            "received_at": row.received_at,
            "topic": row.topic,
            "agent": row.agent,
            "epoch": row.epoch,
            "seq": row.seq,
            "path": row.path,
            "reason": row.reason,
            "detail": row.detail,
            "form": row.form.value,
            "sample_count": row.sample_count,
            "first_at": row.first_at,
            "last_at": row.last_at,
            "digest": row.digest,
            "payload_bytes": len(row.payload),
            "payload": row.payload,
        }
        for row in rows
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(statement("insert_reject"), parameters)


async def select_reject_bytes(connection: Connection) -> int:
    """How much the store holds."""
    cursor = await connection.execute(statement("select_reject_bytes"))
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def select_reject_payload(connection: Connection, reject_id: int) -> StoredReject | None:
    """One reject with its bytes."""
    cursor = await connection.execute(statement("select_reject_payload"), {"id": reject_id})
    row = await cursor.fetchone()
    return None if row is None else StoredReject(row[0], row[1], RejectForm(row[2]), bytes(row[3]), row[4], row[5])


async def update_reject_replayed(connection: Connection, reject_id: int, replayed_at: datetime, principal: str) -> bool:
    """Mark it; False when somebody was faster."""
    parameters = {"id": reject_id, "replayed_at": replayed_at, "principal": principal}
    cursor = await connection.execute(statement("update_reject_replayed"), parameters)
    return cursor.rowcount == 1
