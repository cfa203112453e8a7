"""Rollup rows: what a bucket keeps of its samples, as one structured array (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

# One structured row a bucket and reading. Instants are UTC microseconds, lengths microseconds, areas unit x seconds.
# *Accepted* samples are finite and Good, or Uncertain as well in the reading in which Uncertain samples count.
PARTIAL = np.dtype(
    [
        # How many samples of any status; accepted; accepted though Uncertain.
        ("total", np.int64),
        ("accepted", np.int64),
        ("uncertain", np.int64),
        # The first and the last sample of any status, exactly as stored.
        ("first_at", np.int64),
        ("first_value", np.float64),
        ("first_status", np.uint32),
        ("first_text", np.object_),
        ("last_at", np.int64),
        ("last_value", np.float64),
        ("last_status", np.uint32),
        ("last_text", np.object_),
        # The worst status: the first one of the worst class, and whether others of that class differ from it.
        ("worst_status", np.uint32),
        ("worst_differs", np.bool_),
        # The first, the last and the last but one accepted sample.
        ("front_at", np.int64),
        ("front_value", np.float64),
        ("front_status", np.uint32),
        ("back_at", np.int64),
        ("back_value", np.float64),
        ("back_status", np.uint32),
        ("previous_at", np.int64),
        ("previous_value", np.float64),
        # The mean of accepted values less `front_value`, and the sum of squares around the mean.
        ("mean_offset", np.float64),
        ("m2", np.float64),
        # The lowest and the highest accepted value, when first, whether again; every digit where a double lacks some.
        ("low", np.float64),
        ("low_at", np.int64),
        ("low_repeated", np.bool_),
        ("low_text", np.object_),
        ("high", np.float64),
        ("high_at", np.int64),
        ("high_repeated", np.bool_),
        ("high_text", np.object_),
        # Simple regions from the first to the last sample: area above `front_value` held and in lines; time that
        # begins with an accepted sample, with a Good one, with a value of 0; and time between two Good ones.
        ("step_area", np.float64),
        ("line_area", np.float64),
        ("held_us", np.int64),
        ("held_good_us", np.int64),
        ("zero_us", np.int64),
        ("good_us", np.int64),
        # Interpolated regions from `front` to `back`: the same areas with what is not accepted skipped, and whether
        # anything was.
        ("span_step_area", np.float64),
        ("span_line_area", np.float64),
        ("skips", np.bool_),
        # Between accepted samples: changes, growth, and falls: how many, their sum, the shortest and the longest, and
        # the sum of the values after them; a few as pairs of values before and after.
        ("transitions", np.int64),
        ("rise", np.float64),
        ("fall_count", np.int64),
        ("fall_sum", np.float64),
        ("fall_least", np.float64),
        ("fall_most", np.float64),
        ("fall_later", np.float64),
        ("falls", np.object_),
    ]
)


OPEN, FINAL, REVISED = b"o", b"f", b"r"
MINUTE_US = 60_000_000


class Resolution(StrEnum):
    """The rollups that are kept; buckets begin at whole multiples of their width since 1970."""

    MINUTE = "1m"
    QUARTER = "15m"

    @property
    def width_us(self) -> int:
        """How long a bucket is."""
        return MINUTE_US if self is Resolution.MINUTE else 15 * MINUTE_US


@dataclass(frozen=True, slots=True)
class RollupRows:
    """Rows of one resolution. `states` are OPEN, FINAL, REVISED; `valid_from_us` is when each was rolled."""

    series_ids: NDArray[np.int32]
    buckets_us: NDArray[np.int64]
    with_uncertain: NDArray[np.bool_]
    states: NDArray[np.bytes_]
    valid_from_us: NDArray[np.int64]
    partials: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.series_ids)

    def take(self, index: NDArray[Any]) -> "RollupRows":
        """The rows that an index array or a mask names."""
        return RollupRows(
            self.series_ids[index],
            self.buckets_us[index],
            self.with_uncertain[index],
            self.states[index],
            self.valid_from_us[index],
            self.partials[index],
        )

    def read_as(self, *, with_uncertain: bool) -> "RollupRows":
        """One row a bucket: where Uncertain samples count, the row of that reading takes the place of the other."""
        if not self.with_uncertain.any():
            return self
        if not with_uncertain:
            return self.take(~self.with_uncertain)
        # Rows of one bucket stand together, the reading with Uncertain samples last.
        last = np.ones(len(self), np.bool_)
        last[:-1] = (self.series_ids[1:] != self.series_ids[:-1]) | (self.buckets_us[1:] != self.buckets_us[:-1])
        return self.take(last)


def join_rollups(parts: Sequence[RollupRows]) -> RollupRows:
    """One set of rows, in the order of the parts."""
    return RollupRows(
        np.concatenate([part.series_ids for part in parts]),
        np.concatenate([part.buckets_us for part in parts]),
        np.concatenate([part.with_uncertain for part in parts]),
        np.concatenate([part.states for part in parts]),
        np.concatenate([part.valid_from_us for part in parts]),
        np.concatenate([part.partials for part in parts]),
    )


def no_rollups() -> RollupRows:
    """No rows."""
    return RollupRows(
        np.empty(0, np.int32),
        np.empty(0, np.int64),
        np.empty(0, np.bool_),
        np.empty(0, "S1"),
        np.empty(0, np.int64),
        np.zeros(0, PARTIAL),
    )


def same_partials(left: NDArray[np.void], right: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which rows say the same, pair by pair. Falls are summed up elsewhere in the row."""
    same = np.ones(len(left), np.bool_)
    for name in PARTIAL.names or ():
        if name == "falls":
            continue
        equal = left[name] == right[name]
        if PARTIAL[name] == np.float64:
            equal |= np.isnan(left[name]) & np.isnan(right[name])
        same &= equal.astype(np.bool_)
    return same
