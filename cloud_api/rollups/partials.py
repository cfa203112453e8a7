"""What a bucket keeps of its samples, so that every aggregate can be had from it again (pure).

A row's partials cover only the stretch between the bucket's own first and last sample: what lies between two buckets
is made when they are merged, so a late sample changes its own bucket alone. Sums are kept around a value of the bucket
itself (`front_value`), so that an offset of 1e9 costs no digits.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cloud_api.storage.rollup_rows import PARTIAL

Partials: TypeAlias = NDArray[np.void]
Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Classes: TypeAlias = NDArray[np.int8]
Codes: TypeAlias = NDArray[np.uint32]
Flags: TypeAlias = NDArray[np.bool_]
Texts: TypeAlias = NDArray[np.object_]

IS_GOOD, IS_UNCERTAIN, IS_BAD = 0, 1, 2
# So many falls of a counter are kept one by one; beyond that their sums tell, except where restarts and rollovers mix.
MAX_FALLS = 4


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """Samples of one or many series, each series ascending; `values` is NaN where there is none.

    `texts` holds strings, digits that a double lacks and names of what is not finite; `is_text` marks samples of kinds
    whose value is a text: these may be Good without a number.
    """

    times_us: Integers
    values: Floats
    statuses: Codes
    texts: Texts | None = None
    is_text: Flags | None = None

    def __len__(self) -> int:
        return len(self.times_us)

    def take(self, index: NDArray[Any] | slice) -> "SampleBlock":
        """Only the chosen samples."""
        return SampleBlock(
            self.times_us[index],
            self.values[index],
            self.statuses[index],
            None if self.texts is None else self.texts[index],
            None if self.is_text is None else self.is_text[index],
        )


@dataclass(frozen=True, slots=True)
class Keys:
    """Whose buckets: the series and the start of each group, and the group of each sample."""

    series_ids: NDArray[np.int32]
    buckets_us: Integers
    group: Integers


def buckets_of(series_ids: NDArray[np.int32], times_us: Integers, width_us: int) -> Keys:
    """Number the buckets of samples that are sorted by series and time."""
    buckets = times_us // width_us * width_us
    begins = np.ones(len(times_us), np.bool_)
    begins[1:] = (series_ids[1:] != series_ids[:-1]) | (buckets[1:] != buckets[:-1])
    group = np.cumsum(begins, dtype=np.int64) - 1
    return Keys(series_ids[begins], buckets[begins], group)


def classify(block: SampleBlock, *, with_uncertain: bool) -> Classes:
    """Good, Uncertain or Bad; what is not finite counts as Bad, and Uncertain too unless it is to count."""
    classes = np.minimum(block.statuses >> np.uint32(30), IS_BAD).astype(np.int8)
    if not with_uncertain:
        classes[classes == IS_UNCERTAIN] = IS_BAD
    missing = ~np.isfinite(block.values)
    if block.is_text is not None:
        missing &= ~block.is_text
    classes[missing] = IS_BAD
    return classes


def status_classes(statuses: Codes) -> Classes:
    """The class that a status alone names."""
    return np.minimum(statuses >> np.uint32(30), IS_BAD).astype(np.int8)


def no_partials(count: int = 0) -> Partials:
    """Rows of nothing."""
    return np.zeros(count, PARTIAL)


def starts_of(group: Integers) -> Integers:
    """Where each run of equal numbers begins."""
    if not len(group):
        return np.empty(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1]))).astype(np.int64)
