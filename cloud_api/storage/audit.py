"""Who did what: one row for every change that somebody asked for, in the transaction of the change."""

from collections.abc import Mapping
from typing import Any

import msgspec

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


async def insert_audit(
    connection: Connection, principal: str, action: str, subject: str | None, detail: Mapping[str, Any]
) -> None:
    """Write that `principal` did `action` to `subject`."""
    text = msgspec.json.encode(detail, enc_hook=str).decode()
    parameters = {"principal": principal, "action": action, "object": subject, "detail": text}
    await connection.execute(statement("insert_audit"), parameters)
