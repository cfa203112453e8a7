"""The page of latest samples: stored ones, and between them those that are calculated on the fly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.calculations.reading import read_latest
from cloud_api.formats.weaving import Cells, text_cells
from cloud_api.globs import PathGlob
from cloud_api.query.names import Names, Objects, SeriesNames, head_of, objects
from cloud_api.storage.calculations import select_calculated_page
from cloud_api.storage.catalog import SeriesRow
from cloud_api.storage.columns import SampleColumns, concatenate
from cloud_api.storage.latest import LatestColumns, select_latest_page, select_latest_unordered
from cloud_api.storage.pool import Connection

# Who asks for more is likely to want all that there are.
FEW = 1_000
# A series that is purged between a list and its names is in neither when both are asked for again.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class LatestPage:
    """One sample of each of several series, in byte order of their paths."""

    heads: Cells
    paths: Objects
    kinds: Objects
    arrived_us: NDArray[np.int64]
    samples: SampleColumns

    def __len__(self) -> int:
        return len(self.paths)

    def first(self, count: int) -> "LatestPage":
        """Only the first series."""
        return self.take(np.arange(min(count, len(self))))

    def take(self, places: NDArray[np.intp]) -> "LatestPage":
        """Only the series at these places."""
        return LatestPage(
            self.heads.take(places),
            self.paths[places],
            self.kinds[places],
            self.arrived_us[places],
            self.samples.take(places),
        )


async def read_latest_page(
    connection: Connection, names: SeriesNames, glob: PathGlob, after_path: str, limit: int
) -> LatestPage | None:
    """At most `limit` series in byte order of their paths; None when there are none."""
    async with select_calculated_page(connection, glob, after_path, limit) as fetch:
        stored = await _read_stored(connection, names, glob, after_path, limit)
        calculated = await fetch()
    if not calculated:
        return stored
    if stored is not None and len(stored) == limit:
        # What lies behind a full page comes with a later one.
        calculated = [row for row in calculated if row.path < stored.paths[-1]]
    made = await read_latest(connection, calculated) if calculated else []
    return _merged(stored, _calculated(made)) if made else stored


async def _read_stored(
    connection: Connection, names: SeriesNames, glob: PathGlob, after_path: str, limit: int
) -> LatestPage | None:
    page: LatestPage | None = None
    for _ in range(ATTEMPTS):
        found, is_ordered = await _select(connection, glob, after_path, limit)
        if found is None:
            return None
        page = _named(await names.of(connection, found), found, is_ordered=is_ordered)
        if len(page) == len(found):
            break
    return page if page is not None and len(page) else None


async def _select(
    connection: Connection, glob: PathGlob, after_path: str, limit: int
) -> tuple[LatestColumns | None, bool]:
    """The latest samples, and whether they are in order."""
    if limit > FEW and not after_path:
        found = await select_latest_unordered(connection, glob, limit)
        if found is None or len(found) < limit:
            return found, False
    return await select_latest_page(connection, glob, after_path, limit), True


def _named(known: Names, found: LatestColumns, *, is_ordered: bool) -> LatestPage:
    """A page of those that have a name still."""
    places = known.find(found.ids)
    chosen = np.flatnonzero(places >= 0)
    if not is_ordered:
        chosen = chosen[np.argsort(known.ranks[places[chosen]])]
    places = places[chosen]
    return LatestPage(
        known.cells.take(places),
        known.paths[places],
        known.kinds[places],
        found.arrived_us[chosen],
        found.samples.take(chosen),
    )


def _calculated(made: list[tuple[SeriesRow, SampleColumns, int]]) -> LatestPage:
    rows = [row for row, _, _ in made]
    return LatestPage(
        text_cells([head_of(row.id, row.path, row.kind, row.unit) for row in rows]),
        objects([row.path for row in rows]),
        objects([row.kind for row in rows]),
        np.array([arrived_us for _, _, arrived_us in made], np.int64),
        concatenate([samples for _, samples, _ in made]),
    )


def _merged(stored: LatestPage | None, calculated: LatestPage) -> LatestPage:
    both = calculated
    if stored is not None:
        both = LatestPage(
            stored.heads.joined(calculated.heads),
            np.concatenate((stored.paths, calculated.paths)),
            np.concatenate((stored.kinds, calculated.kinds)),
            np.concatenate((stored.arrived_us, calculated.arrived_us)),
            concatenate([stored.samples, calculated.samples]),
        )
    paths: list[str] = both.paths.tolist()
    return both.take(np.array(sorted(range(len(paths)), key=paths.__getitem__), np.intp))
