"""Who did what: one row for every change that somebody asked for, in the transaction of the change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; None leaves a question open. `action` means what begins with it."""

    who: str | None
    action: str | None
    subject: str | None
    from_at: datetime | None
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that somebody did, or was refused."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str | None
    detail: dict[str, Any] | None


async def insert_audit(
    connection: Connection, principal: str, action: str, subject: str | None, detail: Mapping[str, Any]
) -> None:
    """Write that `principal` did `action` to `subject`."""
    text = msgspec.json.encode(detail, enc_hook=str).decode()
    parameters = {"principal": principal, "action": action, "object": subject, "detail": text}
    await connection.execute(statement("insert_audit"), parameters)


async def select_audit_page(
    connection: Connection, audit_filter: AuditFilter, before_id: int, limit: int
) -> list[AuditRow]:
    """Read rows, newest first, from the one before `before_id`."""
    parameters = asdict(audit_filter) | {"before_id": before_id, "limit": limit}
    async with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        await cursor.execute(statement("select_audit_page"), parameters)
        return await cursor.fetchall()
