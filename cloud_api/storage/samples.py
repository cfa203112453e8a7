"""Writes samples: binary COPY, the upsert for keys that exist, and the newest sample of each series."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud_api.storage.pool import Connection
from cloud_api.storage.rows import (
    SampleRows,
    float8_array_bytes,
    has_text,
    int4_array_bytes,
    timestamptz_array_bytes,
)
from cloud_api.storage.statements import statement
from cloud_api.storage.wire_arrays import Float8Array, Int4Array, TimestamptzArray


@dataclass(frozen=True, slots=True)
class WrittenCounts:
    """What a write did: new rows, rows that were there with other content, rows that were there just so."""

    stored: int
    overwritten: int
    unchanged: int

    def __add__(self, other: "WrittenCounts") -> "WrittenCounts":
        return WrittenCounts(
            self.stored + other.stored, self.overwritten + other.overwritten, self.unchanged + other.unchanged
        )


async def copy_samples(connection: Connection, rows: SampleRows, data: bytes) -> WrittenCounts:
    """Append rows, laid out by `copy_bytes`; UniqueViolation when a key exists, and nothing is written then."""
    if len(rows):
        async with connection.cursor() as cursor, cursor.copy(statement("copy_samples")) as copy:
            await copy.write(data)
    return WrittenCounts(len(rows), 0, 0)


async def upsert_samples(connection: Connection, rows: SampleRows) -> WrittenCounts:
    """Write rows of which some keys exist: a row is replaced only where it differs."""
    if len(rows) == 0:
        return WrittenCounts(0, 0, 0)
    cursor = await connection.execute(statement("upsert_samples"), _parameters(rows))
    row = await cursor.fetchone()
    written, existing = (0, 0) if row is None else (int(row[0]), int(row[1]))
    stored = len(rows) - existing
    return WrittenCounts(stored, written - stored, existing - (written - stored))


async def upsert_latest(connection: Connection, rows: SampleRows, arrived_at: datetime) -> None:
    """Keep the newest sample by source time; one row a series."""
    if len(rows):
        await connection.execute(statement("upsert_latest"), _parameters(rows) | {"arrived_at": arrived_at})


async def update_latest(connection: Connection, rows: SampleRows, arrived_at: datetime) -> None:
    """The same for series that are known to have their row."""
    if len(rows):
        await connection.execute(statement("update_latest"), _parameters(rows) | {"arrived_at": arrived_at})


async def set_decompression_unlimited(connection: Connection) -> None:
    """Let this transaction touch compressed chunks whatever it costs: it runs in the backlog lane."""
    await connection.execute(statement("set_decompression_unlimited"))


def _parameters(rows: SampleRows) -> dict[str, Any]:
    texts = rows.texts
    return {
        "series_ids": Int4Array(int4_array_bytes(rows.series_ids)),
        "statuses": Int4Array(int4_array_bytes(rows.statuses)),
        "times": TimestamptzArray(timestamptz_array_bytes(rows.times_us)),
        "values": Float8Array(float8_array_bytes(rows.values)),
        "texts": list(texts) if texts is not None and has_text(texts).any() else None,
    }
