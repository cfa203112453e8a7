"""As many raw samples as one step may hold, and what is left for the next one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.raw_blocks import RawBlock, select_samples_of_series

# About 20 MB of samples, and as much again of the rows that come of them.
MOST_SAMPLES = 150_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Series from one instant up to another, in whole minutes."""

    series_ids: NDArray[np.int32]
    from_us: int
    to_us: int

    def of(self, series_ids: NDArray[np.int32]) -> "Stretch":
        """The same stretch of other series."""
        return Stretch(series_ids, self.from_us, self.to_us)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not len(self.series_ids) or self.from_us >= self.to_us


@dataclass(frozen=True, slots=True)
class Portion:
    """What was read: every sample of `done`. `rest` did not fit; one series of it alone, `too_long`, never will."""

    block: RawBlock
    done: Stretch
    rest: Stretch
    too_long: Stretch


async def read_portion(connection: Connection, wanted: Stretch, *, is_narrow: bool, most: int = 0) -> Portion:
    """Read whole series up to about `most` samples; in a narrow bin always at least one series, however many it has."""
    most = most or MOST_SAMPLES
    while True:
        between = at_us(wanted.from_us), at_us(wanted.to_us)
        block = await select_samples_of_series(connection, wanted.series_ids, between, most)
        ids = wanted.series_ids
        if len(block) < most:
            return Portion(block, wanted, wanted.of(ids[:0]), wanted.of(ids[:0]))
        last_id = block.series_ids[-1]
        before = ids[ids < last_id]
        if len(before):
            keep = int(np.searchsorted(block.series_ids, last_id))
            return Portion(block.first(keep), wanted.of(before), wanted.of(ids[ids >= last_id]), wanted.of(ids[:0]))
        if not is_narrow:
            alone, after = ids[ids == last_id], ids[ids > last_id]
            return Portion(block.first(0), wanted.of(ids[:0]), wanted.of(after), wanted.of(alone))
        most *= 2
