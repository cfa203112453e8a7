"""What people have chosen for themselves in the console: documents by name, at most so many a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One view of one person."""

    name: str
    content: dict[str, Any]
    changed_at: datetime


async def select_views(connection: Connection, user_id: int, prefix: str) -> list[ViewRow]:
    """Read a person's views whose names begin with `prefix`, by name."""
    async with connection.cursor(row_factory=class_row(ViewRow)) as cursor:
        await cursor.execute(statement("select_views"), {"user_id": user_id, "prefix": prefix})
        return await cursor.fetchall()


async def upsert_view(
    connection: Connection, user_id: int, name: str, content: Mapping[str, Any], most: int
) -> ViewRow | None:
    """Keep a view; None when the person has `most` others already."""
    text = msgspec.json.encode(content).decode()
    parameters = {"user_id": user_id, "name": name, "content": text, "most": most}
    async with connection.cursor(row_factory=class_row(ViewRow)) as cursor:
        await cursor.execute(statement("upsert_view"), parameters)
        return await cursor.fetchone()


async def delete_view(connection: Connection, user_id: int, name: str) -> bool:
    """Forget a view; False when there is none of that name."""
    cursor = await connection.execute(statement("delete_view"), {"user_id": user_id, "name": name})
    return cursor.rowcount > 0
