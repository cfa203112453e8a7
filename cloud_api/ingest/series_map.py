"""Which series a tag index means: tag lists mapped once to arrays, so that batches are mapped without a loop."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.ingest.kinds import CODES
from cloud_api.storage.agents import INGEST_LEASE
from cloud_api.storage.assets import insert_grown_assets, lock_paths_shared
from cloud_api.storage.dictionaries import select_tag_dictionary
from cloud_api.storage.lease import select_series_generation
from cloud_api.storage.pool import Connection
from cloud_api.storage.series import SourceSeries, insert_source_series, select_source_series
from schemas.batch import PackedBatch, dictionary_hash
from schemas.sample import Kind, path_problem

FOREIGN = -1
INVALID_PATH = -2
# Tags in all maps together; the least used maps go first.
MAX_TAGS_CACHED = 2_000_000
_FIRST_SLOTS = 1024


class SeriesTable:
    """Series id and kind by slot; kinds are shared by all maps that name the same series."""

    def __init__(self) -> None:
        self.ids: NDArray[np.int32] = np.zeros(_FIRST_SLOTS, dtype=np.int32)
        self.kinds: NDArray[np.uint8] = np.zeros(_FIRST_SLOTS, dtype=np.uint8)
        self._slots: dict[int, int] = {}

    def slot(self, series: SourceSeries) -> int:
        """The slot of a series, made when it is new."""
        slot = self._slots.get(series.id)
        if slot is None:
            slot = len(self._slots)
            if slot == len(self.ids):
                self.ids = np.concatenate([self.ids, np.zeros_like(self.ids)])
                self.kinds = np.concatenate([self.kinds, np.zeros_like(self.kinds)])
            self._slots[series.id] = slot
            self.ids[slot] = series.id
            self.kinds[slot] = CODES[Kind(series.kind)]
        return slot


@dataclass(slots=True)
class TagMap:
    """An agent's ordered tag list and the slot of each tag; negative where there is no series to write to."""

    table: SeriesTable
    tags: tuple[str, ...]
    slots: NDArray[np.int64]
    # Whether the dictionary is in the database, so that an acknowledgement may name it.
    is_stored: bool

    def series_ids(self, tags: NDArray[np.int64]) -> NDArray[np.int32]:
        """The series of these tag indices; meaningless where the slot is negative."""
        return self.table.ids[self.slots[tags]]


class SeriesMap:
    """The tag maps of all agents; forgotten as a whole when somebody changed series."""

    def __init__(self) -> None:
        self._table = SeriesTable()
        self._maps: OrderedDict[tuple[str, bytes], TagMap] = OrderedDict()
        self._tag_count = 0
        self._generation: int | None = None

    def clear(self) -> None:
        """Forget everything, kinds too."""
        self._table = SeriesTable()
        self._maps.clear()
        self._tag_count = 0
        self._generation = None

    async def named(self, connection: Connection, agent: str, dictionary: bytes) -> TagMap | None:
        """The map of a dictionary that a batch names by its hash; None when it is not known."""
        await self.current_generation(connection)
        cached = self._cached(agent, dictionary)
        if cached is not None:
            return cached
        tags = await select_tag_dictionary(connection, agent, dictionary)
        return None if tags is None else await self._make(connection, agent, (dictionary, tags), is_stored=True)

    async def inline(self, connection: Connection, agent: str, dictionary: bytes, tags: tuple[str, ...]) -> TagMap:
        """The map of a tag list that a batch carries."""
        await self.current_generation(connection)
        cached = self._cached(agent, dictionary, tags)
        if cached is not None:
            return cached
        return await self._make(connection, agent, (dictionary, tags), is_stored=False)

    def cached(self, agent: str, batch: PackedBatch) -> TagMap | None:
        """The map of a batch if it needs no database."""
        if batch.dictionary is not None:
            return self._cached(agent, batch.dictionary)
        return None if batch.tags is None else self._cached(agent, dictionary_hash(batch.tags), batch.tags)

    def _cached(self, agent: str, dictionary: bytes, tags: tuple[str, ...] | None = None) -> TagMap | None:
        found = self._maps.get((agent, dictionary))
        if found is None or (tags is not None and found.tags != tags):
            return None
        self._maps.move_to_end((agent, dictionary))
        return found

    async def current_generation(self, connection: Connection) -> int:
        """The generation of all that is remembered; read before the series are, so that a later one is noticed."""
        if self._generation is None:
            self._generation = await select_series_generation(connection, INGEST_LEASE)
        return self._generation

    async def _make(
        self, connection: Connection, agent: str, named: tuple[bytes, tuple[str, ...]], *, is_stored: bool
    ) -> TagMap:
        dictionary, tags = named
        table = self._table
        valid = list({tag for tag in tags if path_problem(tag) is None})
        series = await ensure_series(connection, agent, valid)
        slots = {row.source_path: table.slot(row) for row in series}
        invalid = set(tags) - set(valid)
        found = [slots.get(tag, INVALID_PATH if tag in invalid else FOREIGN) for tag in tags]
        tag_map = TagMap(table, tags, np.array(found, dtype=np.int64), is_stored)
        if table is self._table:
            self._remember((agent, dictionary), tag_map)
        return tag_map

    def _remember(self, key: tuple[str, bytes], tag_map: TagMap) -> None:
        replaced = self._maps.pop(key, None)
        self._tag_count += len(tag_map.tags) - (0 if replaced is None else len(replaced.tags))
        self._maps[key] = tag_map
        while self._tag_count > MAX_TAGS_CACHED and len(self._maps) > 1:
            _, oldest = self._maps.popitem(last=False)
            self._tag_count -= len(oldest.tags)


async def ensure_series(connection: Connection, agent: str, paths: Sequence[str]) -> list[SourceSeries]:
    """The agent's series of these valid paths, made where they are new, without foreign ones."""
    found = await select_source_series(connection, agent, paths)
    missing = sorted(set(paths) - {row.source_path for row in found})
    if not missing:
        return found
    async with connection.transaction():
        await lock_paths_shared(connection)
        made = await insert_source_series(connection, agent, missing, [Kind.NONE.value] * len(missing))
        await insert_grown_assets(connection, [row.path for row in made])
    left = sorted(set(missing) - {row.source_path for row in made})
    # What is still missing was made by the other lane just now, or its path shows another source.
    raced = await select_source_series(connection, agent, left) if left else []
    return [*found, *made, *raced]
