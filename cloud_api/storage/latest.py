"""The last measured sample of each series, by source time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.globs import PathGlob
from cloud_api.storage.columns import (
    SampleColumns,
    load_arrays_raw,
    read_doubles,
    read_integers,
    read_statuses,
    read_times,
)
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class LatestColumns:
    """One sample of each of several series, in byte order of their paths."""

    ids: list[int]
    paths: list[str]
    kinds: list[str]
    units: list[str | None]
    arrived_us: NDArray[np.int64]
    samples: SampleColumns

    def first(self, count: int) -> "LatestColumns":
        """Only the first series."""
        names = (self.ids[:count], self.paths[:count], self.kinds[:count], self.units[:count])
        return LatestColumns(*names, self.arrived_us[:count], self.samples.first(count))


async def select_latest_page(
    connection: Connection, glob: PathGlob, after_path: str, limit: int
) -> LatestColumns | None:
    """Read the latest samples of the series that the glob means; None when there are none."""
    parameters = {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "after_path": after_path,
        "limit": limit,
    }
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_latest_page"), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    ids = read_integers(row[0]).tolist()
    units = _by_id(row[3], row[4])
    texts = _by_id(row[9], row[10])
    samples = SampleColumns(
        read_times(row[5]),
        read_doubles(row[7]),
        read_statuses(row[8]),
        [texts.get(each) for each in ids] if texts else None,
    )
    named = (row[1].split("\n"), row[2].split("\n"), [units.get(each) for each in ids])
    return LatestColumns(ids, *named, read_times(row[6]), samples)


def _by_id(ids: bytes | None, texts: Sequence[str]) -> dict[int, str]:
    return {} if ids is None else dict(zip(read_integers(ids).tolist(), texts, strict=True))


async def select_latest_of(connection: Connection, series_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """When the latest samples of these series were measured and when they arrived, in UTC microseconds."""
    cursor = await connection.execute(statement("select_latest_of"), {"series_ids": list(series_ids)})
    return {int(row[0]): (int(row[1]), int(row[2])) for row in await cursor.fetchall()}
