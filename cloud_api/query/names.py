"""What series are called, remembered by the version of their rows: a list of ten thousand need not be sent each time.

A version (xmin) is told anew with every list, under the caller's own reach, and what is remembered of another version
is not looked at: a rename, a new unit or a restore shows at once, in every process, with nobody to tell it.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud_api.formats.weaving import Cells, text_cells
from cloud_api.storage.database import Database
from cloud_api.storage.latest import LatestColumns, NameColumns, select_series_names
from cloud_api.storage.pool import Connection

# About 300 bytes each.
MOST = 200_000

Objects: TypeAlias = NDArray[np.object_]


class _Head(msgspec.Struct):
    id: int
    path: str
    kind: str
    unit: str | None


@dataclass(frozen=True)
class Names:
    """Series by id, ascending; `heads` are the beginnings of their JSON objects, without an end."""

    ids: NDArray[np.int32]
    versions: NDArray[np.int32]
    paths: Objects
    kinds: Objects
    heads: Objects

    @cached_property
    def cells(self) -> Cells:
        """The heads, laid out."""
        return text_cells(self.heads.tolist())

    @cached_property
    def ranks(self) -> NDArray[np.intp]:
        """The place of each in the byte order of paths, which is that of their characters."""
        paths: list[str] = self.paths.tolist()
        ranks = np.empty(len(paths), np.intp)
        ranks[sorted(range(len(paths)), key=paths.__getitem__)] = np.arange(len(paths))
        return ranks

    def find(self, ids: NDArray[np.int32], versions: NDArray[np.int32] | None = None) -> NDArray[np.intp]:
        """Where these are; -1 for those that are not known, or not in these versions."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.intp)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        is_known = self.ids[places] == ids
        if versions is not None:
            is_known &= self.versions[places] == versions
        return np.where(is_known, places, -1)

    def joined(self, other: "Names") -> "Names":
        """Both, which have no series in common."""
        both = Names(
            np.concatenate((self.ids, other.ids)),
            np.concatenate((self.versions, other.versions)),
            np.concatenate((self.paths, other.paths)),
            np.concatenate((self.kinds, other.kinds)),
            np.concatenate((self.heads, other.heads)),
        )
        return both.take(np.argsort(both.ids))

    def take(self, places: NDArray[np.intp]) -> "Names":
        """Those at these places."""
        return Names(
            self.ids[places], self.versions[places], self.paths[places], self.kinds[places], self.heads[places]
        )


class SeriesNames:
    """The names that this process has learned."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known = nobody()
        self._server_started_at: datetime | None = None

    async def of(self, connection: Connection, latest: LatestColumns) -> Names:
        """Names that hold every series of a list that is there still; what is not known is asked for."""
        if latest.server_started_at != self._server_started_at:
            # Versions are counted by one server: one that was restored, or took over, may count them again.
            self._known, self._server_started_at = nobody(), latest.server_started_at
        known = self._known
        missing = latest.ids[known.find(latest.ids, latest.versions) < 0]
        if not len(missing):
            return known
        learned = await select_series_names(connection, missing)
        known = known.take(np.flatnonzero(~np.isin(known.ids, missing)))
        known = known if learned is None else known.joined(_names(learned))
        if len(known.ids) > self._most:
            known = known.take(np.flatnonzero(np.isin(known.ids, latest.ids)))
        if latest.server_started_at == self._server_started_at:
            self._known = known
        return known


_learned: WeakKeyDictionary[Database, SeriesNames] = WeakKeyDictionary()


def names_of(database: Database) -> SeriesNames:
    """What this process has learned of a database."""
    return _learned.setdefault(database, SeriesNames())


def nobody() -> Names:
    """No series."""
    return Names(np.empty(0, np.int32), np.empty(0, np.int32), objects([]), objects([]), objects([]))


def _names(columns: NameColumns) -> Names:
    ids = columns.ids.tolist()
    heads = [head_of(*each) for each in zip(ids, columns.paths, columns.kinds, columns.units, strict=True)]
    found = Names(columns.ids, columns.versions, objects(columns.paths), objects(columns.kinds), objects(heads))
    return found.take(np.argsort(columns.ids))


def head_of(series_id: int, path: str, kind: str, unit: str | None) -> bytes:
    """The beginning of a JSON object that goes on."""
    return msgspec.json.encode(_Head(series_id, path, kind, unit))[:-1]


def objects(values: list[Any]) -> Objects:
    """As numpy holds objects, whatever they are."""
    made = np.empty(len(values), np.object_)
    made[:] = values
    return made
