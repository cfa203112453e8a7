"""The last measured sample of each series, by source time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.globs import PathGlob
from cloud_api.storage.columns import (
    SampleColumns,
    load_arrays_raw,
    read_integers,
    sent_doubles,
    sent_integers,
    sent_statuses,
    sent_times,
)
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class LatestColumns:
    """One sample of each of several series; `versions` are those of the rows of series in this life of the server."""

    ids: NDArray[np.int32]
    versions: NDArray[np.int32]
    arrived_us: NDArray[np.int64]
    samples: SampleColumns
    server_started_at: datetime

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class NameColumns:
    """What series are called in one version of their rows."""

    ids: NDArray[np.int32]
    versions: NDArray[np.int32]
    paths: list[str]
    kinds: list[str]
    units: list[str | None]


async def select_latest_page(
    connection: Connection, glob: PathGlob, after_path: str, limit: int
) -> LatestColumns | None:
    """Read latest samples of the series that the glob means, in byte order of their paths; None when there are none."""
    return await _latest(connection, "select_latest_page", glob, {"after_path": after_path, "limit": limit})


async def select_latest_unordered(connection: Connection, glob: PathGlob, limit: int) -> LatestColumns | None:
    """Read the same in no order; where there are more than `limit`, any of them."""
    return await _latest(connection, "select_latest_unordered", glob, {"limit": limit})


async def select_series_names(connection: Connection, ids: NDArray[np.int32]) -> NameColumns | None:
    """Read what these series are called; those that are gone are left out."""
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_series_names"), {"series_ids": ids.tolist()})
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    found = sent_integers(row[0])
    units = _by_id(row[4], row[5])
    named = (row[2].split("\n"), row[3].split("\n"), [units.get(each) for each in found.tolist()])
    return NameColumns(found, sent_integers(row[1]), *named)


async def _latest(connection: Connection, name: str, glob: PathGlob, more: dict[str, Any]) -> LatestColumns | None:
    parameters = {"from_path": glob.from_path, "to_path": glob.to_path, "pattern": glob.pattern, **more}
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement(name), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    ids = sent_integers(row[0])
    texts = _by_id(row[6], row[7])
    samples = SampleColumns(
        sent_times(row[2]),
        sent_doubles(row[4]),
        sent_statuses(row[5]),
        [texts.get(each) for each in ids.tolist()] if texts else None,
    )
    return LatestColumns(ids, sent_integers(row[1]), sent_times(row[3]), samples, row[8])


def _by_id(ids: bytes | None, texts: Sequence[str]) -> dict[int, str]:
    return {} if ids is None else dict(zip(read_integers(ids).tolist(), texts, strict=True))


async def select_latest_of(connection: Connection, series_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """When the latest samples of these series were measured and when they arrived, in UTC microseconds."""
    cursor = await connection.execute(statement("select_latest_of"), {"series_ids": list(series_ids)})
    return {int(row[0]): (int(row[1]), int(row[2])) for row in await cursor.fetchall()}
