"""The page of latest samples: stored ones, and between them those that are calculated on the fly."""

import numpy as np

from cloud_api.calculations.reading import read_latest
from cloud_api.globs import PathGlob
from cloud_api.storage.calculations import select_calculated_page
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.history import NO_SAMPLES
from cloud_api.storage.latest import LatestColumns, select_latest_page
from cloud_api.storage.pool import Connection


async def read_latest_page(connection: Connection, glob: PathGlob, after_path: str, limit: int) -> LatestColumns | None:
    """At most `limit` series in byte order of their paths; None when there are none."""
    stored = await select_latest_page(connection, glob, after_path, limit)
    calculated = await select_calculated_page(connection, glob, after_path, limit)
    if not calculated:
        return stored
    if stored is not None and len(stored.paths) == limit:
        # What lies behind a full page comes with a later one.
        calculated = [row for row in calculated if row.path < stored.paths[-1]]
    return _merged(stored, await read_latest(connection, calculated)) if calculated else stored


def _merged(
    stored: LatestColumns | None, calculated: list[tuple[SeriesRow, SampleColumns, int]]
) -> LatestColumns | None:
    if not calculated:
        return stored
    known = stored or LatestColumns([], [], [], [], np.empty(0, np.int64), NO_SAMPLES)
    rows = [row for row, _, _ in calculated]
    paths = [*known.paths, *(row.path for row in rows)]
    order = sorted(range(len(paths)), key=paths.__getitem__)
    ids = [*known.ids, *(row.id for row in rows)]
    kinds = [*known.kinds, *(row.kind for row in rows)]
    units = [*known.units, *(row.unit for row in rows)]
    arrived = np.concatenate((known.arrived_us, np.array([each for _, _, each in calculated], np.int64)))
    samples = concatenate([known.samples, *(made for _, made, _ in calculated)])
    chosen = np.array(order, np.int64)
    return LatestColumns(
        [ids[each] for each in order],
        [paths[each] for each in order],
        [kinds[each] for each in order],
        [units[each] for each in order],
        arrived[chosen],
        samples.take(chosen),
    )
