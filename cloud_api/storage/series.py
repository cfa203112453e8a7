"""Series by their source: found, made, widened, described."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class SourceSeries:
    """One series as ingest needs it; `path` is where it shows."""

    source_path: str
    id: int
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class SeriesDescription:
    """What an agent's catalog says of one series."""

    path: str
    kind: str | None
    unit: str | None
    description: str | None
    low: float | None
    high: float | None
    point: str | None
    scan_period_s: float | None
    deadband: str | None
    max_silence_s: float | None


async def select_source_series(connection: Connection, agent: str, paths: Sequence[str]) -> list[SourceSeries]:
    """The agent's series among these wire paths."""
    cursor = await connection.execute(statement("select_source_series"), {"agent": agent, "paths": list(paths)})
    return [SourceSeries(*row) for row in await cursor.fetchall()]


async def insert_source_series(
    connection: Connection, agent: str, paths: Sequence[str], kinds: Sequence[str]
) -> list[SourceSeries]:
    """Make series for wire paths that have none; those whose path shows another source's series are left out."""
    parameters = {"agent": agent, "paths": list(paths), "kinds": list(kinds)}
    cursor = await connection.execute(statement("insert_source_series"), parameters)
    return [SourceSeries(*row) for row in await cursor.fetchall()]


async def update_series_kinds(connection: Connection, ids: Sequence[int], kinds: Sequence[str]) -> None:
    """Widen the kinds of series."""
    await connection.execute(statement("update_series_kinds"), {"ids": list(ids), "kinds": list(kinds)})


async def update_series_descriptions(
    connection: Connection, agent: str, device: str, descriptions: Sequence[SeriesDescription]
) -> None:
    """Take over what the catalog says; rows that say it already are not touched."""
    rows = sorted(descriptions, key=lambda row: row.path)
    parameters = {
        "agent": agent,
        "device": device,
        "paths": [row.path for row in rows],
        "kinds": [row.kind for row in rows],
        "units": [row.unit for row in rows],
        "descriptions": [row.description for row in rows],
        "lows": [row.low for row in rows],
        "highs": [row.high for row in rows],
        "points": [row.point for row in rows],
        "periods": [row.scan_period_s for row in rows],
        "deadbands": [row.deadband for row in rows],
        "silences": [row.max_silence_s for row in rows],
    }
    await connection.execute(statement("update_series_descriptions"), parameters)
