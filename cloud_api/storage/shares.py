"""Shares as their owners keep them: terms and their versions, what they mean, keys, and who has read what."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from cloud_api.globs import PathGlob
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NewShare:
    """The terms of a share as JSON, and of them what the database itself weighs."""

    name: str
    terms: str
    from_at: datetime | None
    to_at: datetime | None
    rolling_s: int | None
    expires_at: datetime
    rows_per_day: int | None
    rows_total: int | None
    who: str


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share as it is kept; the database's clock decides what has expired and which day it is (UTC)."""

    id: int
    name: str
    state: str
    version: int
    terms: str
    from_at: datetime | None
    to_at: datetime | None
    rolling_s: int | None
    expires_at: datetime
    rows_per_day: int | None
    rows_total: int | None
    spent_rows: int
    spent_day_rows: int
    is_expired: bool
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What a share was after one change."""

    version: int
    name: str
    state: str
    terms: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset of a share, and what it is called there."""

    path: str
    alias: str


@dataclass(frozen=True, slots=True)
class SharedSeriesRow:
    """A series of a share; `tag` is the place of its tag among the terms. Of series that are purged there is no row.

    It is held back where it is calculated on the fly and its formula is not the one that the owner looked at.
    """

    series_id: int
    alias: str
    asset_path: str
    tag: int
    path: str
    unit: str | None
    is_held_back: bool


@dataclass(frozen=True, slots=True)
class SharedSeries:
    """A series to be shared."""

    series_id: int
    alias: str
    asset_path: str
    tag: int


@dataclass(frozen=True, slots=True)
class NewShareKey:
    """A key to be kept: what proves it, and until when."""

    share_id: int
    name: str
    kind: str
    prefix: str
    hash: bytes
    expires_at: datetime | None
    who: str


@dataclass(frozen=True, slots=True)
class ShareKeyRow:
    """A key of a share."""

    id: int
    share_id: int
    name: str
    kind: str
    prefix: str
    hash: bytes
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_expired: bool
    is_use_unnoted: bool


async def insert_share(connection: Connection, share: NewShare) -> int:
    """Keep a new share."""
    cursor = await connection.execute(statement("insert_share"), asdict(share))
    return _id(await cursor.fetchone())


async def update_share(connection: Connection, share_id: int, share: NewShare) -> None:
    """Write other terms, as a new version."""
    await connection.execute(statement("update_share"), asdict(share) | {"share_id": share_id})


async def update_share_state(connection: Connection, share_id: int, state: str, who: str) -> None:
    """Pause, resume or revoke, as a new version."""
    await connection.execute(statement("update_share_state"), {"share_id": share_id, "state": state, "who": who})


async def insert_share_version(connection: Connection, share_id: int) -> None:
    """Keep what a share is now."""
    await connection.execute(statement("insert_share_version"), {"share_id": share_id})


async def lock_share(connection: Connection, share_id: int) -> ShareRow | None:
    """Read a share that nobody else changes, or reads under, until this transaction ends."""
    return await _share(connection, "lock_share", share_id)


async def select_share(connection: Connection, share_id: int) -> ShareRow | None:
    """Read a share."""
    return await _share(connection, "select_share", share_id)


async def select_shares(connection: Connection, after_id: int, limit: int) -> list[ShareRow]:
    """Read shares by number, from the one after `after_id`."""
    async with connection.cursor(row_factory=class_row(ShareRow)) as cursor:
        await cursor.execute(statement("select_shares"), {"after_id": after_id, "limit": limit})
        return await cursor.fetchall()


async def select_share_versions(connection: Connection, share_id: int) -> list[VersionRow]:
    """Read every version of a share, the newest first."""
    async with connection.cursor(row_factory=class_row(VersionRow)) as cursor:
        await cursor.execute(statement("select_share_versions"), {"share_id": share_id})
        return await cursor.fetchall()


async def replace_share_content(
    connection: Connection, share_id: int, assets: Sequence[AssetRow], series: Sequence[SharedSeries]
) -> None:
    """Write which assets and series a share means."""
    await connection.execute(statement("delete_share_assets"), {"share_id": share_id})
    await connection.execute(statement("delete_share_series"), {"share_id": share_id})
    await connection.execute(statement("delete_share_calculations"), {"share_id": share_id})
    named = {"paths": [each.path for each in assets], "aliases": [each.alias for each in assets]}
    await connection.execute(statement("insert_share_assets"), {"share_id": share_id} | named)
    columns = {
        "series_ids": [each.series_id for each in series],
        "aliases": [each.alias for each in series],
        "asset_paths": [each.asset_path for each in series],
        "tags": [each.tag for each in series],
    }
    await connection.execute(statement("insert_share_series"), {"share_id": share_id} | columns)
    await connection.execute(statement("insert_share_calculations"), {"share_id": share_id})


async def select_share_assets(connection: Connection, share_id: int) -> list[AssetRow]:
    """Read the assets of a share by alias."""
    async with connection.cursor(row_factory=class_row(AssetRow)) as cursor:
        await cursor.execute(statement("select_share_assets"), {"share_id": share_id})
        return await cursor.fetchall()


async def select_share_series(connection: Connection, share_id: int) -> list[SharedSeriesRow]:
    """Read the series of a share by alias; where the caller's reach is limited, those inside."""
    async with connection.cursor(row_factory=class_row(SharedSeriesRow)) as cursor:
        await cursor.execute(statement("select_share_series"), {"share_id": share_id})
        return await cursor.fetchall()


async def select_assets_to_share(connection: Connection, glob: PathGlob, template: str | None, limit: int) -> list[str]:
    """Find assets by glob and template, by path."""
    parameters = {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "template": template,
        "limit": limit,
    }
    cursor = await connection.execute(statement("select_assets_to_share"), parameters)
    return [row[0] for row in await cursor.fetchall()]


async def insert_share_key(connection: Connection, key: NewShareKey) -> int:
    """Keep a new key of a share."""
    cursor = await connection.execute(statement("insert_share_key"), asdict(key))
    return _id(await cursor.fetchone())


async def select_share_keys(connection: Connection, share_id: int) -> list[ShareKeyRow]:
    """Read the keys of a share."""
    async with connection.cursor(row_factory=class_row(ShareKeyRow)) as cursor:
        await cursor.execute(statement("select_share_keys"), {"share_id": share_id})
        return await cursor.fetchall()


async def select_share_key(connection: Connection, prefix: str) -> ShareKeyRow | None:
    """Find a key by its public prefix."""
    async with connection.cursor(row_factory=class_row(ShareKeyRow)) as cursor:
        await cursor.execute(statement("select_share_key"), {"prefix": prefix})
        return await cursor.fetchone()


async def update_share_key_used(connection: Connection, key_id: int) -> None:
    """Note that a key was used now."""
    await connection.execute(statement("update_share_key_used"), {"key_id": key_id})


async def update_share_key_revoked(connection: Connection, key_id: int) -> bool:
    """Revoke a key; False when it is revoked already."""
    cursor = await connection.execute(statement("update_share_key_revoked"), {"key_id": key_id})
    return await cursor.fetchone() is not None


async def update_share_key_expiry(connection: Connection, key_id: int, expires_at: datetime) -> None:
    """Let a key expire at an instant, or before where it would."""
    await connection.execute(statement("update_share_key_expiry"), {"key_id": key_id, "expires_at": expires_at})


async def _share(connection: Connection, name: str, share_id: int) -> ShareRow | None:
    async with connection.cursor(row_factory=class_row(ShareRow)) as cursor:
        await cursor.execute(statement(name), {"share_id": share_id})
        return await cursor.fetchone()


def _id(row: tuple[Any, ...] | None) -> int:
    assert row is not None
    return int(row[0])
