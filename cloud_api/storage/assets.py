"""The asset tree by path: grown from tag paths, read, edited, moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.pinyin import sounding
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement
from cloud_api.storage.words import containing

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One asset; `attributes` and `documents` are JSON, the counts are of what hangs directly below it."""

    id: int
    path: str
    parent: str | None
    depth: int
    kind: str
    name_en: str | None
    name_zh: str | None
    description: str | None
    location: str | None
    attributes: str
    documents: str
    template_id: int | None
    template_name: str | None
    created_at: datetime
    updated_at: datetime
    child_count: int
    series_count: int


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Which assets a listing shows; `max_depth` counts from the root."""

    glob: PathGlob
    max_depth: int | None = None
    kind: str | None = None
    template_id: int | None = None
    words: str | None = None


def blank_asset(path: str, kind: str) -> AssetRow:
    """An asset that is not there yet; the database gives it its id, its place in the tree and its times."""
    return AssetRow(
        id=0,
        path=path,
        parent=None,
        depth=0,
        kind=kind,
        name_en=None,
        name_zh=None,
        description=None,
        location=None,
        attributes="{}",
        documents="[]",
        template_id=None,
        template_name=None,
        created_at=_NEVER,
        updated_at=_NEVER,
        child_count=0,
        series_count=0,
    )


async def lock_paths_shared(connection: Connection) -> None:
    """Before series are made or renamed: until this transaction ends, no asset moves."""
    await connection.execute(statement("lock_paths_shared"))


async def lock_paths(connection: Connection) -> None:
    """Before assets move: until this transaction ends, no series is made or renamed."""
    await connection.execute(statement("lock_paths"))


async def insert_grown_assets(connection: Connection, paths: Sequence[str]) -> None:
    """Let the tree have every level above these paths; what is there stays as it is."""
    if paths:
        await connection.execute(statement("insert_grown_assets"), {"paths": list(paths)})


async def select_asset_page(
    connection: Connection, asset_filter: AssetFilter, after_path: str, limit: int
) -> list[AssetRow]:
    """Read assets in byte order of their paths, from the one after `after_path`."""
    parameters = {
        "from_path": asset_filter.glob.from_path,
        "to_path": asset_filter.glob.to_path,
        "pattern": asset_filter.glob.pattern,
        "max_depth": asset_filter.max_depth,
        "kind": asset_filter.kind,
        "template_id": asset_filter.template_id,
        "words": containing(asset_filter.words),
        "sound": sounding(asset_filter.words),
        "after_path": after_path,
        "limit": limit,
    }
    return await _assets(connection, "select_asset_page", parameters)


async def select_asset(connection: Connection, asset_id: int) -> AssetRow | None:
    """Read one asset."""
    rows = await _assets(connection, "select_asset", {"asset_id": asset_id})
    return rows[0] if rows else None


async def select_assets_by_paths(connection: Connection, paths: Sequence[str]) -> list[AssetRow]:
    """Read the assets that have these paths, without counts."""
    return await _assets(connection, "select_assets_by_paths", {"paths": list(paths)})


async def select_asset_path(connection: Connection, asset_id: int) -> str | None:
    """Where an asset is."""
    return await _value(connection, "select_asset_path", {"asset_id": asset_id})


async def select_asset_id(connection: Connection, path: str) -> int | None:
    """Which asset is there."""
    return await _value(connection, "select_asset_id", {"path": path})


async def insert_asset(connection: Connection, row: AssetRow) -> int:
    """Make an asset and return its id; a unique violation when its path is taken."""
    cursor = await connection.execute(statement("insert_asset"), {"path": row.path} | _parameters(row))
    made = await cursor.fetchone()
    return 0 if made is None else int(made[0])


async def update_asset(connection: Connection, row: AssetRow) -> None:
    """Write everything of an asset but its path."""
    await connection.execute(statement("update_asset"), {"asset_id": row.id} | _parameters(row))


async def select_move_clashes(connection: Connection, from_path: str, to_path: str) -> list[tuple[str, str]]:
    """What stands already where a move would go: (`asset` or `series`, path), at most 20."""
    parameters = {"from_path": from_path, "to_path": to_path}
    cursor = await connection.execute(statement("select_move_clashes"), parameters)
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def select_deepest_level(connection: Connection, path: str) -> int:
    """The most levels that a path at or below this one has."""
    return int(await _value(connection, "select_deepest_level", {"path": path}) or 0)


async def upsert_asset_aliases(connection: Connection, asset_id: int, from_path: str) -> None:
    """Remember by which wire paths the devices below this asset know it, before it moves away from `from_path`."""
    await connection.execute(statement("upsert_asset_aliases"), {"asset_id": asset_id, "from_path": from_path})


async def update_moved_assets(connection: Connection, from_path: str, to_path: str) -> int:
    """Move an asset and what is below it; how many."""
    parameters = {"from_path": from_path, "to_path": to_path}
    return (await connection.execute(statement("update_moved_assets"), parameters)).rowcount


async def update_moved_series(connection: Connection, from_path: str, to_path: str) -> int:
    """Let the series below a moved asset show at their new place; how many."""
    parameters = {"from_path": from_path, "to_path": to_path}
    return (await connection.execute(statement("update_moved_series"), parameters)).rowcount


async def select_series_count_below(connection: Connection, path: str) -> tuple[int, int]:
    """How many series hang below, in use and altogether."""
    cursor = await connection.execute(statement("select_series_count_below"), {"path": path})
    row = await cursor.fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


async def delete_assets_below(connection: Connection, path: str) -> list[str]:
    """Delete an asset and all below it; their paths."""
    cursor = await connection.execute(statement("delete_assets_below"), {"path": path})
    return [row[0] for row in await cursor.fetchall()]


async def _assets(connection: Connection, name: str, parameters: dict[str, Any]) -> list[AssetRow]:
    async with connection.cursor(row_factory=class_row(AssetRow)) as cursor:
        await cursor.execute(statement(name), parameters)
        return await cursor.fetchall()


async def _value(connection: Connection, name: str, parameters: dict[str, Any]) -> Any:
    cursor = await connection.execute(statement(name), parameters)
    row = await cursor.fetchone()
    return None if row is None else row[0]


def _parameters(row: AssetRow) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name_en": row.name_en,
        "name_zh": row.name_zh,
        "description": row.description,
        "location": row.location,
        "attributes": row.attributes,
        "documents": row.documents,
        "template_id": row.template_id,
    }
