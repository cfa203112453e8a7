"""What was found for the buckets of one series, whatever served it: values and StatusCodes of each aggregate (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.plan import Aligned
from cloud_api.query.values import Json
from schemas.status import BAD, BAD_NO_DATA

_CODE_MASK = np.uint32(0xFFFF0000)


@dataclass(frozen=True, slots=True)
class Found:
    """A value and a code (with information bits) of each bucket; None where the code is Bad."""

    values: Sequence[Json]
    codes: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Bucketed:
    """Aggregates of one series; `places` says which buckets they are of where they are not of all."""

    found: Mapping[Aggregate, Found]
    has_samples: NDArray[np.bool_]
    places: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.has_samples)

    def statuses(self, aggregates: Sequence[Aggregate]) -> NDArray[np.uint32]:
        """The worst code of these aggregates in each bucket, without information bits."""
        codes = np.stack([self.found[each].codes for each in aggregates])
        worst = np.argmax(np.minimum(codes >> np.uint32(30), 2), axis=0)
        return codes[worst, np.arange(codes.shape[1])] & _CODE_MASK

    def has_rows(self, aggregates: Sequence[Aggregate]) -> NDArray[np.bool_]:
        """Where samples are, or a value reaches into the bucket."""
        codes = np.stack([self.found[each].codes for each in aggregates])
        return self.has_samples | (codes < BAD).any(axis=0)

    def everywhere(self, count: int) -> "Bucketed":
        """The same with a place for each of `count` buckets: without samples BadNoData, and a count of 0."""
        if self.places is None:
            return self
        has_samples = np.zeros(count, np.bool_)
        has_samples[self.places] = self.has_samples
        found = {name: _spread(name, each, self.places, count) for name, each in self.found.items()}
        return replace(self, found=found, has_samples=has_samples, places=None)


@dataclass(frozen=True, slots=True)
class Reading:
    """The buckets of several series, by series id, and what the answer says of how they were served."""

    series: Mapping[int, Bucketed]
    resolution: str
    scanned: Mapping[str, int] = field(default_factory=dict[str, int])
    # What was answered where it is not what was asked for.
    aligned: Aligned | None = None


def _spread(name: Aggregate, found: Found, places: NDArray[np.int64], count: int) -> Found:
    values: list[Json] = [0 if name is Aggregate.COUNT else None] * count
    for place, value in zip(places.tolist(), found.values, strict=True):
        values[place] = value
    codes = np.full(count, BAD_NO_DATA, np.uint32)
    codes[places] = found.codes
    return Found(values, codes)
