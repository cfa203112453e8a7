"""Dropping what is kept no longer: edges in the database, partitions on PostgreSQL; TimescaleDB's job drops chunks."""

from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, SAMPLE, PartitionedTable
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Edges:
    """Instants before which nothing is kept; None keeps everything."""

    raw_at: datetime | None
    rollup_1m_at: datetime | None
    rollup_15m_at: datetime | None


async def move_kept_back(connection: Connection, edges: Edges) -> None:
    """Move edges back to what is kept longer now, no further than nothing was lost; waits while chunks are dropped."""
    await connection.execute(statement("hold_drops"))
    await connection.execute(statement("move_kept_back"), _parameters(edges))


async def update_kept_from(connection: Connection, edges: Edges) -> None:
    """Move the edges forward; from COMMIT on ingest refuses samples before the first one."""
    await connection.execute(statement("update_kept_from"), _parameters(edges))


def _parameters(edges: Edges) -> dict[str, datetime | str]:
    return {
        "raw_at": edges.raw_at or "-infinity",
        "rollup_1m_at": edges.rollup_1m_at or "-infinity",
        "rollup_15m_at": edges.rollup_15m_at or "-infinity",
    }


async def update_raw_drop_until(connection: Connection) -> bool:
    """Let raw samples before the edge go, unless some of them wait to be rolled; whether they may go."""
    cursor = await connection.execute(statement("update_raw_drop_until"))
    return await cursor.fetchone() is not None


async def drop_old_partitions(connection: Connection) -> list[str]:
    """Drop partitions that end before their edge, outside a transaction; their names."""
    cursor = await connection.execute(statement("select_kept_edges"))
    row = await cursor.fetchone()
    edges: tuple[int | None, ...] = (None, None, None) if row is None else (row[0], row[1], row[2])
    dropped: list[str] = []
    for table, edge_us in zip((SAMPLE, ROLLUP_1M, ROLLUP_15M), edges, strict=True):
        if edge_us is not None:
            dropped += await _drop_before(connection, table, edge_us)
    return dropped


async def delete_old_revisions(connection: Connection) -> None:
    """Revisions are kept as long as the rows that they were."""
    for revision, kept in (
        ("rollup_1m_revision", "rollup_1m_kept_from"),
        ("rollup_15m_revision", "rollup_15m_kept_from"),
    ):
        names = {"revision": sql.Identifier(revision), "kept": sql.Identifier(kept)}
        await connection.execute(sql.SQL(statement("delete_old_revisions")).format(**names))


async def _drop_before(connection: Connection, table: PartitionedTable, edge_us: int) -> list[str]:
    cursor = await connection.execute(statement("select_partitions"), {"name": table.name})
    attached = {str(row[0]): bool(row[1]) for row in await cursor.fetchall()}
    cursor = await connection.execute(statement("select_detached"), {"name": table.name})
    detached = [str(row[0]) for row in await cursor.fetchall()]
    dropped: list[str] = []
    for name in sorted({*attached, *detached}):
        if _end_us(table, name) > edge_us:
            continue
        # DDL takes no bound parameters; psycopg composes it of names that the catalog gave.
        names = {"parent": sql.Identifier(table.name), "name": sql.Identifier(name)}
        if name in attached:
            verb = "finish_detaching" if attached[name] else "detach_partition"
            await connection.execute(sql.SQL(statement(verb)).format(**names))
        await connection.execute(sql.SQL(statement("drop_partition")).format(**names))
        dropped.append(name)
    return dropped


def _end_us(table: PartitionedTable, name: str) -> int:
    """Where a partition ends, by its name."""
    first = datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC)
    return int(first.timestamp()) * 1_000_000 + table.days * DAY_US
