"""Security events until they are quiet again, and from where API keys are used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class SecurityEventRow:
    """What was seen of one subject, how often, and when last."""

    kind: str
    subject: str
    count: int
    detail: str
    seen_at: datetime


async def upsert_security_event(
    connection: Connection, seen: tuple[str, str, str], count: int, *, most: int, others: str
) -> None:
    """Count a sighting (kind, subject, detail); beyond `most` subjects of a kind it is one of the `others`."""
    kind, subject, detail = seen
    parameters = {"kind": kind, "subject": subject, "detail": detail, "count": count, "most": most, "others": others}
    await connection.execute(statement("upsert_security_event"), parameters)


async def select_security_events_new(connection: Connection) -> list[SecurityEventRow]:
    """Read and lock those that have no alarm yet."""
    return await _rows(connection, "select_security_events_new", {})


async def update_security_events_raised(connection: Connection) -> None:
    """Note that those which were read have their alarms."""
    await connection.execute(statement("update_security_events_raised"))


async def delete_security_events_quiet(connection: Connection, quiet: timedelta) -> list[SecurityEventRow]:
    """Forget those that were not seen for so long, and return them."""
    return await _rows(connection, "delete_security_events_quiet", {"quiet": quiet})


async def select_security_event_counts(connection: Connection) -> dict[str, int]:
    """Count by kind what is not quiet yet."""
    cursor = await connection.execute(statement("select_security_event_counts"))
    return {str(kind): int(count) for kind, count in await cursor.fetchall()}


async def upsert_api_key_address(connection: Connection, prefix: str, address: str) -> bool:
    """Note from where a key is used; whether that is new, and it was used from elsewhere before."""
    cursor = await connection.execute(statement("upsert_api_key_address"), {"prefix": prefix, "address": address})
    row = await cursor.fetchone()
    return row is not None and bool(row[0]) and bool(row[1])


async def delete_api_key_addresses_old(connection: Connection) -> None:
    """Forget from where keys were used long ago."""
    await connection.execute(statement("delete_api_key_addresses_old"))


async def _rows(connection: Connection, name: str, parameters: dict[str, Any]) -> list[SecurityEventRow]:
    async with connection.cursor(row_factory=class_row(SecurityEventRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()
