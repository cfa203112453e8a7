"""Samples that this process has just stored and still holds: minutes are rolled of them without reading raw again.

What is held is never trusted alone: each transaction that writes above the watermark says so in the database, and a
minute is rolled from memory only where all that was written to it is here (decision 0091). Series that somebody else
wrote to are read from the database.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from cloud_api.rollups.blocks import Density, Portion, Stretch, read_portion
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.raw_blocks import RawBlock, join_blocks, select_series_to_roll
from cloud_api.storage.rollup_marks import MINUTE_US
from cloud_api.storage.rollup_writes import KEPT_US, select_writes
from cloud_api.storage.rows import SampleRows, key_order

MOST_BYTES = 40 * 2**20
SAMPLE_BYTES = 24
TEXT_BYTES = 64
# After a change of owners so much is read from the database, whatever is told: a process of an older version, or one
# that wrote before the first minute was ever closed, told nothing, and samples may be five minutes ahead of the clock.
WARM_UP_US = 7 * MINUTE_US
# So long the process that has the role leaves new minutes to another one that has stored their samples and holds them.
LEFT_TO_HOLDER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Held:
    rows: SampleRows
    last_us: int
    size: int


@dataclass(slots=True)
class Fresh:
    """What the ingest of this process has handed over, for as long as its roller holds the lease."""

    most_bytes: int = MOST_BYTES
    warm_up_us: int = WARM_UP_US
    _from_us: int | None = None
    _held: dict[UUID, _Held] = field(default_factory=dict[UUID, _Held])
    _bytes: int = 0

    def hold(self, rows: SampleRows) -> UUID | None:
        """Hold what is being stored, and name it; None where nobody rolls here. Arrays must not change any more."""
        if self._from_us is None or not len(rows):
            return None
        held = _Held(rows, int(rows.times_us.max()), _size(rows))
        if held.last_us < self._from_us or held.size > self.most_bytes:
            return None
        name = uuid4()
        self._held[name] = held
        self._bytes += held.size
        while self._bytes > self.most_bytes:
            self.release(next(iter(self._held)))
        return name

    def release(self, name: UUID) -> None:
        """Let go of what was not stored after all, or is too much."""
        held = self._held.pop(name, None)
        if held is not None:
            self._bytes -= held.size

    def advance(self, closed_us: int) -> None:
        """The watermark was raised to this by the roller here; what was told before KEPT_US of it may be gone."""
        if self._from_us is None:
            # What is written from now on is held; what was written before to later minutes was told without a name.
            self._from_us = closed_us + self.warm_up_us
            return
        self._from_us = max(self._from_us, closed_us - KEPT_US)
        for name in [name for name, held in self._held.items() if held.last_us < self._from_us]:
            self.release(name)

    def restart(self) -> None:
        """Whatever is held may not be all: another process rolled, or stored, until now."""
        self._from_us = None
        self._held.clear()
        self._bytes = 0

    def covers(self, from_us: int) -> bool:
        """Whether everything that was written from then on above the watermark is still told in the database."""
        return self._from_us is not None and from_us >= self._from_us

    def holds(self, names: Sequence[UUID]) -> bool:
        """Whether all of these are here."""
        return all(name in self._held for name in names)

    def held(self, names: Sequence[UUID]) -> list[SampleRows] | None:
        """Samples by name; None where one of them is not here, and where there is none at all."""
        return [self._held[name].rows for name in names] if names and self.holds(names) else None


async def read_fresh(
    connection: Connection, wanted: Stretch, fresh: Fresh, density: Density
) -> tuple[Portion, int] | None:
    """The whole of a stretch that is rolled for the first time, and how many of its samples were held here.

    None where all of it has to be read from the database.
    """
    if wanted.is_empty or not fresh.covers(wanted.from_us):
        return None
    writes = await select_writes(connection, at_us(wanted.from_us), at_us(wanted.to_us))
    is_forgotten = writes.told_us is not None and wanted.from_us < writes.told_us
    held = None if is_forgotten else fresh.held(writes.handed)
    if held is None:
        return None
    ids = wanted.series_ids
    others = ids[:0]
    if writes.series is not None:
        others = np.intersect1d(ids, (await select_series_to_roll(connection, writes.series)).ids)
    mine = wanted.of(np.setdiff1d(ids, others, assume_unique=True))
    block = await asyncio.to_thread(cut, held, mine)
    if not len(others):
        return Portion(block, wanted, wanted.of(others), wanted.of(others)), len(block)
    read = await read_portion(connection, wanted.of(others), density, is_narrow=True)
    whole = await asyncio.to_thread(_in_order, join_blocks([block, read.block]))
    done = wanted.of(np.union1d(mine.series_ids, read.done.series_ids))
    return Portion(whole, done, read.rest, read.too_long), len(block)


def cut(held: Sequence[SampleRows], wanted: Stretch) -> RawBlock:
    """What the wanted series have in a stretch, in order."""
    if wanted.is_empty:
        return join_blocks([])
    is_wanted = np.zeros(int(wanted.series_ids[-1]) + 2, np.bool_)
    is_wanted[wanted.series_ids] = True
    return _in_order(join_blocks([_cut(rows, wanted, is_wanted) for rows in held]))


def _cut(rows: SampleRows, wanted: Stretch, is_wanted: NDArray[np.bool_]) -> RawBlock:
    # Whatever lies behind the last wanted series falls on the last entry, which is never wanted.
    keep = is_wanted[np.minimum(rows.series_ids, len(is_wanted) - 1)]
    keep &= (rows.times_us >= wanted.from_us) & (rows.times_us < wanted.to_us)
    part = rows if keep.all() else rows.take(keep)
    texts = None if part.texts is None else part.texts.tolist()
    return RawBlock(part.series_ids, part.times_us, part.values, part.statuses.view(np.uint32), texts)


def _in_order(block: RawBlock) -> RawBlock:
    if not len(block):
        return block
    order = key_order(block.series_ids, block.times_us)
    texts = None if block.texts is None else [block.texts[place] for place in order.tolist()]
    return RawBlock(block.series_ids[order], block.times_us[order], block.values[order], block.statuses[order], texts)


def _size(rows: SampleRows) -> int:
    size = len(rows) * SAMPLE_BYTES
    if rows.texts is not None:
        size += sum(TEXT_BYTES + len(text) for text in rows.texts.tolist() if text is not None)
    return size
