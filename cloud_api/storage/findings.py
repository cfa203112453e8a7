"""What is missing (gaps) and what was put aside (rejects), as the API lists them: newest first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class GapFilter:
    """Which gaps a listing shows: those that touch [from_at, to_at)."""

    agent: str | None
    device: str | None
    reason: str | None
    from_at: datetime | None
    to_at: datetime | None
    # Those that a series below the asset of this path has part in.
    asset: str | None = None


@dataclass(frozen=True, slots=True)
class GapRow:
    """A stretch known to be missing."""

    id: int
    agent: str
    device: str | None
    paths: list[str] | None
    from_at: datetime
    to_at: datetime
    reason: str
    epoch: UUID | None
    first_batch: int | None
    last_batch: int | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Which rejects a listing shows."""

    agent: str | None
    reason: str | None
    only_open: bool


@dataclass(frozen=True, slots=True)
class RejectRow:
    """A batch, or samples of one tag in it, put aside with the reason."""

    id: int
    received_at: datetime
    last_received_at: datetime
    occurrences: int
    topic: str | None
    agent: str | None
    epoch: UUID | None
    seq: str | None
    path: str | None
    reason: str
    detail: str | None
    form: str
    sample_count: int
    first_at: datetime | None
    last_at: datetime | None
    payload_bytes: int
    replayed_at: datetime | None
    replayed_by: str | None


async def select_gap_page(connection: Connection, gap_filter: GapFilter, before_id: int, limit: int) -> list[GapRow]:
    """Read gaps recorded before the one with `before_id`."""
    parameters = {
        "agent": gap_filter.agent,
        "device": gap_filter.device,
        "reason": gap_filter.reason,
        "from_at": gap_filter.from_at,
        "to_at": gap_filter.to_at,
        "asset": gap_filter.asset,
        "before_id": before_id,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(GapRow)) as cursor:
        await cursor.execute(statement("select_gap_page"), parameters)
        return await cursor.fetchall()


async def select_reject_page(
    connection: Connection, reject_filter: RejectFilter, before_id: int, limit: int
) -> list[RejectRow]:
    """Read rejects kept before the one with `before_id`."""
    parameters = {
        "agent": reject_filter.agent,
        "reason": reject_filter.reason,
        "only_open": reject_filter.only_open,
        "before_id": before_id,
        "limit": limit,
    }
    async with connection.cursor(row_factory=class_row(RejectRow)) as cursor:
        await cursor.execute(statement("select_reject_page"), parameters)
        return await cursor.fetchall()


async def select_reject_entry(connection: Connection, reject_id: int) -> RejectRow | None:
    """Read one reject without its payload."""
    async with connection.cursor(row_factory=class_row(RejectRow)) as cursor:
        await cursor.execute(statement("select_reject_entry"), {"reject_id": reject_id})
        return await cursor.fetchone()
