"""Who did what: one row for every change that somebody asked for, in the transaction of the change; then sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from cloud_api import origin
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


class Outcome(StrEnum):
    """What became of it."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which rows; None leaves a question open. `action` means what begins with it."""

    who: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: str | None = None
    address: str | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that somebody did, or was refused; number 0 and an empty hash while it is not sealed.

    `detail` is the text of a JSON object, as it was written and hashed.
    """

    number: int
    at: datetime
    who: str
    action: str
    subject: str | None
    detail: str | None
    outcome: str
    address: str | None
    via: str | None
    hash: bytes


async def insert_audit(
    connection: Connection,
    principal: str,
    action: str,
    subject: str | None,
    detail: Mapping[str, Any],
    outcome: Outcome = Outcome.DONE,
) -> None:
    """Write that `principal` did `action` to `subject`, from where the present request comes."""
    whence = origin.present()
    await insert_audit_from(connection, (principal, whence.address, whence.via), action, subject, detail, outcome)


async def insert_audit_from(
    connection: Connection,
    whence: tuple[str, str | None, str | None],
    action: str,
    subject: str | None,
    detail: Mapping[str, Any],
    outcome: Outcome,
) -> None:
    """Write a row about somebody whose request is over: (name, address, by what)."""
    principal, address, via = whence
    parameters = {
        "principal": principal,
        "action": action,
        "object": subject,
        "detail": msgspec.json.encode(detail, enc_hook=str).decode(),
        "outcome": outcome.value,
        "address": address,
        "via": via,
    }
    await connection.execute(statement("insert_audit"), parameters)


async def select_audit_page(
    connection: Connection, audit_filter: AuditFilter, before_id: int, limit: int
) -> list[tuple[int, AuditRow]]:
    """Read rows, each with its id, newest first, from the one before `before_id`; also those not sealed yet."""
    return await _with_ids(
        connection, "select_audit_page", asdict(audit_filter) | {"before_id": before_id, "limit": limit}
    )


async def lock_audit_head(connection: Connection) -> tuple[int, bytes]:
    """Read the end of the chain and keep everybody else from sealing until this transaction ends."""
    return await _end(connection, "lock_audit_head")


async def select_audit_head(connection: Connection) -> tuple[int, bytes]:
    """Read the number and hash of the last sealed row."""
    return await _end(connection, "select_audit_head")


async def select_audit_start(connection: Connection) -> tuple[int, bytes]:
    """Read the number and hash of the last row that was let go; 0 where all are there."""
    return await _end(connection, "select_audit_start")


async def select_audit_unsealed(connection: Connection, limit: int) -> list[tuple[int, AuditRow]]:
    """Read committed rows that have no number yet, each with its id."""
    return await _with_ids(connection, "select_audit_unsealed", {"limit": limit})


async def update_audit_sealed(
    connection: Connection, ids: Sequence[int], numbers: Sequence[int], hashes: Sequence[bytes]
) -> None:
    """Give rows their numbers and hashes, and move the end of the chain to the last."""
    parameters = {"ids": list(ids), "numbers": list(numbers), "hashes": list(hashes)}
    await connection.execute(statement("update_audit_sealed"), parameters)
    await connection.execute(statement("update_audit_head"), {"number": numbers[-1], "hash": hashes[-1]})


async def select_audit_after(connection: Connection, after: int, limit: int) -> list[AuditRow]:
    """Read sealed rows along the chain."""
    query = sql.SQL(statement("select_audit_after")).format(columns=_columns())
    async with connection.cursor(row_factory=class_row(AuditRow)) as cursor:
        await cursor.execute(query, {"after": after, "limit": limit})
        return await cursor.fetchall()


async def select_audit_unsealed_count(connection: Connection) -> tuple[int, datetime | None]:
    """Count what waits to be sealed, and say since when."""
    cursor = await connection.execute(statement("select_audit_unsealed_count"))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0]), row[1]


async def select_audit_is_pruned_by(connection: Connection, through: int, last: bytes) -> bool:
    """Whether a row of the chain says that rows were let go up to this number and hash."""
    parameters = {"through": str(through), "hash": last.hex()}
    cursor = await connection.execute(statement("select_audit_is_pruned_by"), parameters)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def select_audit_prunable(connection: Connection, keep: timedelta) -> tuple[int, bytes, datetime] | None:
    """Find the last sealed row before the first one that is younger than `keep`: number, hash, instant."""
    cursor = await connection.execute(statement("select_audit_prunable"), {"keep": keep})
    row = await cursor.fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]), row[2])


async def delete_audit_pruned(connection: Connection, number: int, last: bytes, at: datetime) -> int:
    """Note where the kept rows begin, and let go what is before; how many rows. `at` is the last one's instant."""
    await connection.execute(statement("update_audit_pruned"), {"number": number, "hash": last, "at": at})
    return (await connection.execute(statement("delete_audit_pruned"), {"number": number})).rowcount


async def select_audit_forward(connection: Connection, target: str) -> int:
    """Read up to which number `target` has been sent; 0 for a new one."""
    cursor = await connection.execute(statement("select_audit_forward"), {"target": target})
    row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def upsert_audit_forward(connection: Connection, target: str, number: int) -> None:
    """Note up to which number `target` has been sent."""
    await connection.execute(statement("upsert_audit_forward"), {"target": target, "number": number})


async def upsert_audit_forward_failure(connection: Connection, target: str, failure: str) -> None:
    """Note why `target` cannot be sent to."""
    await connection.execute(statement("upsert_audit_forward_failure"), {"target": target, "failure": failure})


def _columns() -> sql.SQL:
    return sql.SQL(statement("audit_columns"))


async def _end(connection: Connection, name: str) -> tuple[int, bytes]:
    cursor = await connection.execute(statement(name))
    row = await cursor.fetchone()
    return (0, b"") if row is None else (int(row[0]), bytes(row[1]))


async def _with_ids(connection: Connection, name: str, parameters: dict[str, Any]) -> list[tuple[int, AuditRow]]:
    query = sql.SQL(statement(name)).format(columns=_columns())
    cursor = await connection.execute(query, parameters)
    return [(row[0], AuditRow(*row[1:])) for row in await cursor.fetchall()]
