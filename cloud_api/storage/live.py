"""What has just been stored, as streams need it: everything of one look is read in one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloud_api.globs import PathGlob
from cloud_api.storage.columns import load_arrays_raw, read_doubles, read_integers, read_statuses, read_times
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Heads:
    """The time of each series' latest sample, and the snapshot in which they were read."""

    snapshot: str
    now_us: int
    # Counts changes of series: names, owners, calculations.
    generation: int
    series_ids: NDArray[np.int32]
    times_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LiveRows:
    """Samples of several series; `texts` is None where a value says everything."""

    series_ids: NDArray[np.int32]
    paths: list[str]
    kinds: list[str]
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    texts: list[str | None]

    def __len__(self) -> int:
        return len(self.paths)

    def earliest(self) -> dict[int, int]:
        """The earliest sample of each series."""
        order = np.lexsort((self.times_us, self.series_ids))
        ids, places = np.unique(self.series_ids[order], return_index=True)
        return dict(zip(ids.tolist(), self.times_us[order][places].tolist(), strict=True))


def joined_rows(left: LiveRows | None, right: LiveRows | None) -> LiveRows | None:
    """Samples of both."""
    if left is None or right is None:
        return left if right is None else right
    return LiveRows(
        np.concatenate((left.series_ids, right.series_ids)),
        left.paths + right.paths,
        left.kinds + right.kinds,
        np.concatenate((left.times_us, right.times_us)),
        np.concatenate((left.values, right.values)),
        np.concatenate((left.statuses, right.statuses)),
        left.texts + right.texts,
    )


async def select_live_heads(connection: Connection) -> Heads:
    """Read how far every series has come."""
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement("select_live_heads"))
        row = await cursor.fetchone()
    assert row is not None
    if row[3] is None:
        return Heads(row[0], row[1], row[2], np.empty(0, np.int32), np.empty(0, np.int64))
    return Heads(row[0], row[1], row[2], read_integers(row[3]), read_times(row[4]))


async def select_live_samples(
    connection: Connection,
    series_ids: NDArray[np.int32],
    after_us: NDArray[np.int64],
    until_us: NDArray[np.int64],
    most: int,
) -> LiveRows | None:
    """Read the newest samples of each series behind `after` and not behind `until`, at most so many of each."""
    parameters = {
        "series_ids": series_ids.tolist(),
        "after": [at_us(each) for each in after_us.tolist()],
        "until": [at_us(each) for each in until_us.tolist()],
        "most": most,
    }
    return await _rows(connection, "select_live_samples", parameters)


async def select_live_missed(
    connection: Connection, glob: PathGlob, snapshots: tuple[str, str], since: datetime, most: tuple[int, int]
) -> LiveRows | None:
    """Read the samples newer than `since` that were committed after one snapshot and before the other.

    `most` says how many: of each series, and of all.
    """
    parameters = {
        "from_path": glob.from_path,
        "to_path": glob.to_path,
        "pattern": glob.pattern,
        "seen": snapshots[0],
        "begins": snapshots[1],
        "since": since,
        "most": most[0],
        "most_of_all": most[1],
    }
    return await _rows(connection, "select_live_missed", parameters)


async def select_live_changed(
    connection: Connection, series_ids: Sequence[int], snapshots: tuple[str, str], since: datetime
) -> dict[int, int]:
    """The earliest sample of each series that is newer than `since` and was committed between two snapshots."""
    parameters = {"series_ids": list(series_ids), "seen": snapshots[0], "begins": snapshots[1], "since": since}
    cursor = await connection.execute(statement("select_live_changed"), parameters)
    return {row[0]: us_of(row[1]) for row in await cursor.fetchall()}


async def _rows(connection: Connection, name: str, parameters: Mapping[str, Any]) -> LiveRows | None:
    async with connection.cursor(binary=True) as cursor:
        load_arrays_raw(cursor)
        await cursor.execute(statement(name), parameters)
        row = await cursor.fetchone()
    if row is None or row[0] is None:
        return None
    ids, paths, kinds, times, values, statuses, texts = row
    return LiveRows(
        read_integers(ids), paths, kinds, read_times(times), read_doubles(values), read_statuses(statuses), texts
    )
