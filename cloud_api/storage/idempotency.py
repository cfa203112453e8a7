"""Answers kept for a day under the caller's own key, so that a repeated request gets the same one."""

from dataclasses import dataclass

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered under a key, and to which body; no status while the first request still runs."""

    fingerprint: bytes
    status: int | None
    answer: bytes | None


async def insert_idempotency(connection: Connection, principal: str, key: str, fingerprint: bytes) -> bool:
    """Claim a key; False when it is taken. A claim of a running transaction is waited for."""
    parameters = {"principal": principal, "key": key, "fingerprint": fingerprint}
    cursor = await connection.execute(statement("insert_idempotency"), parameters)
    return await cursor.fetchone() is not None


async def select_idempotency(connection: Connection, principal: str, key: str) -> KeptAnswer | None:
    """Read what was answered under a key."""
    cursor = await connection.execute(statement("select_idempotency"), {"principal": principal, "key": key})
    row = await cursor.fetchone()
    return None if row is None else KeptAnswer(row[0], row[1], row[2])


async def update_idempotency_answer(
    connection: Connection, principal: str, key: str, status: int, answer: bytes
) -> bytes:
    """Keep the answer with its key; returns the one that is kept, which is the first."""
    parameters = {"principal": principal, "key": key, "status": status, "answer": answer}
    cursor = await connection.execute(statement("update_idempotency_answer"), parameters)
    row = await cursor.fetchone()
    return answer if row is None else bytes(row[0])


async def delete_idempotency_old(connection: Connection) -> int:
    """Forget answers older than a day."""
    cursor = await connection.execute(statement("delete_idempotency_old"))
    return cursor.rowcount
