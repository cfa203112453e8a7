"""As many raw samples as one step may hold, and what is left for the next one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.raw_blocks import RawBlock, join_blocks, select_samples_of_series
from cloud_api.storage.rollup_marks import MINUTE_US

# About 20 MB of samples, and as much again of the rows that come of them.
MOST_SAMPLES = 300_000
READ_SAMPLES = 100_000
# A row takes twenty times the memory of a sample, and a sample that is alone in its minute makes a row.
MOST_ROWS = 20_000


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


@dataclass(slots=True)
class Density:
    """How many samples a series had in a minute when we last looked: how many series fit one step."""

    samples: float = 60.0

    def fitting(self, wanted: Stretch, most: int) -> int:
        """How many series to try."""
        minutes = (wanted.to_us - wanted.from_us) / MINUTE_US
        rows = int(MOST_ROWS / max(min(self.samples, 1.0) * minutes, 1e-3))
        return max(1, min(len(wanted.series_ids), int(most / max(self.samples * minutes, 1e-3)), rows))

    def learn(self, wanted: Stretch, series_count: int, sample_count: int) -> None:
        """Remember what came."""
        self.samples = max(1e-6, sample_count * MINUTE_US / (wanted.to_us - wanted.from_us) / series_count)


async def read_portion(connection: Connection, wanted: Stretch, density: Density, *, is_narrow: bool) -> Portion:
    """Read whole series up to about MOST_SAMPLES; in a narrow bin always at least one series, however many it has."""
    ids, none = wanted.series_ids, wanted.series_ids[:0]
    most = MOST_SAMPLES
    count = density.fitting(wanted, most) if len(ids) else 0
    while True:
        block = await _read(connection, wanted.of(ids[:count]), density, most + 1)
        if len(block) <= most:
            if count:
                density.learn(wanted, count, len(block))
            return Portion(block, wanted.of(ids[:count]), wanted.of(ids[count:]), wanted.of(none))
        if count > 1:
            count = max(1, count // 4)
        elif is_narrow:
            most *= 4
        else:
            return Portion(block.first(0), wanted.of(none), wanted.of(ids[1:]), wanted.of(ids[:1]))


async def _read(connection: Connection, wanted: Stretch, density: Density, limit: int) -> RawBlock:
    """At most `limit` samples, some series at a time: the database puts short answers together at less cost."""
    between = at_us(wanted.from_us), at_us(wanted.to_us)
    size = density.fitting(wanted, READ_SAMPLES) if len(wanted.series_ids) else 1
    parts: list[RawBlock] = []
    for first in range(0, len(wanted.series_ids), size):
        ids = wanted.series_ids[first : first + size]
        parts.append(await select_samples_of_series(connection, ids, between, limit))
        limit -= len(parts[-1])
        if not limit:
            break
    return join_blocks(parts)
