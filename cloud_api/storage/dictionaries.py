"""Tag dictionaries: ordered tag lists that an agent may name by their hash."""

from collections.abc import Sequence

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


async def select_tag_dictionary(connection: Connection, agent: str, dictionary: bytes) -> tuple[str, ...] | None:
    """The tag list of that hash, or None."""
    cursor = await connection.execute(statement("select_tag_dictionary"), {"agent": agent, "hash": dictionary})
    row = await cursor.fetchone()
    return None if row is None else tuple(row[0])


async def insert_tag_dictionary(connection: Connection, agent: str, dictionary: bytes, tags: Sequence[str]) -> None:
    """Remember a tag list."""
    parameters = {"agent": agent, "hash": dictionary, "tags": list(tags)}
    await connection.execute(statement("insert_tag_dictionary"), parameters)


async def delete_old_dictionaries(connection: Connection, agent: str, keep: int) -> None:
    """Forget all but the newest few."""
    await connection.execute(statement("delete_old_dictionaries"), {"agent": agent, "keep": keep})
