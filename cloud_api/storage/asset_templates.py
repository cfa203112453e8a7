"""Templates of assets, and the tags that assets bound to them have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """One template; `tags` is JSON."""

    id: int
    name: str
    description: str | None
    tags: str
    created_at: datetime
    updated_at: datetime
    asset_count: int


@dataclass(frozen=True, slots=True)
class TagRow:
    """One series below an asset, as far as a template speaks of it."""

    asset: str
    id: int
    path: str
    kind: str
    unit: str | None
    low: float | None
    high: float | None
    scan_period_s: float | None


async def select_template_page(connection: Connection, after_id: int, limit: int) -> list[TemplateRow]:
    """Read templates in the order in which they were made."""
    async with connection.cursor(row_factory=class_row(TemplateRow)) as cursor:
        await cursor.execute(statement("select_template_page"), {"after_id": after_id, "limit": limit})
        return await cursor.fetchall()


async def select_template(connection: Connection, template_id: int) -> TemplateRow | None:
    """Read one template."""
    async with connection.cursor(row_factory=class_row(TemplateRow)) as cursor:
        await cursor.execute(statement("select_template"), {"template_id": template_id})
        return await cursor.fetchone()


async def select_template_exists(connection: Connection, template_id: int) -> bool:
    """Whether there is such a template."""
    cursor = await connection.execute(statement("select_template_exists"), {"template_id": template_id})
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def select_template_ids(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """The ids of templates by their names; those that do not exist are left out."""
    cursor = await connection.execute(statement("select_template_ids"), {"names": list(names)})
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def insert_template(connection: Connection, name: str, description: str | None, tags: str) -> int:
    """Make a template and return its id; a unique violation when the name is taken."""
    parameters = {"name": name, "description": description, "tags": tags}
    row = await (await connection.execute(statement("insert_template"), parameters)).fetchone()
    return 0 if row is None else int(row[0])


async def update_template(connection: Connection, row: TemplateRow) -> None:
    """Write a template; a unique violation when the name is taken."""
    parameters = {"template_id": row.id, "name": row.name, "description": row.description, "tags": row.tags}
    await connection.execute(statement("update_template"), parameters)


async def delete_template(connection: Connection, template_id: int) -> None:
    """Delete a template to which no asset is bound."""
    await connection.execute(statement("delete_template"), {"template_id": template_id})


async def select_bound_paths(connection: Connection, paths: Sequence[str]) -> set[str]:
    """Which assets below these have a template of their own."""
    cursor = await connection.execute(statement("select_bound_paths"), {"paths": list(paths)})
    return {row[0] for row in await cursor.fetchall()}


async def select_tags_below(connection: Connection, paths: Sequence[str]) -> list[TagRow]:
    """Read the series in use below each of these assets."""
    async with connection.cursor(row_factory=class_row(TagRow)) as cursor:
        await cursor.execute(statement("select_tags_below"), {"paths": list(paths)})
        return await cursor.fetchall()
