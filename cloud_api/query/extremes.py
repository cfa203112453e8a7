"""Few samples that stand for many: every lowest and highest one, and where the data go Bad (pure)."""

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler, MinMaxLTTBDownsampler

from cloud_api.query.models import PointsBy
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD

LEAST_POINTS = 10


def choose_extremes(samples: SampleColumns, points: int, by: PointsBy) -> SampleColumns:
    """Choose at most `points` (>= 10) of the stored samples; the whole window's minimum and maximum are among them.

    `min_max` keeps the lowest and the highest usable sample of each of `points`/2 stretches of equal length. Of each
    run of Bad samples the first is kept, for at most a quarter of the points: a hole must not look like a line.
    """
    if len(samples) <= points:
        return samples
    usable = (samples.statuses < BAD) & np.isfinite(samples.values)
    holes = _hole_starts(usable, points // 4)
    good = np.flatnonzero(usable)
    room = (points - len(holes)) // 2 * 2
    kept = good
    if len(good) > room:
        times = samples.times_us[good] - samples.times_us[good[0]]
        kept = good[_chosen(times, samples.values[good], room, by)]
    return samples.take(np.unique(np.concatenate((kept, holes))).astype(np.int64))


def _chosen(times_us: NDArray[np.int64], values: NDArray[np.float64], room: int, by: PointsBy) -> NDArray[np.int64]:
    if by is PointsBy.MIN_MAX_LTTB:
        places = MinMaxLTTBDownsampler().downsample(times_us, values, n_out=room - 2)
        # The triangles may leave an extreme of the whole window out.
        extremes = [int(np.argmin(values)), int(np.argmax(values))]
        return np.unique(np.concatenate((places.astype(np.int64), extremes)))
    return MinMaxDownsampler().downsample(times_us, values, n_out=room).astype(np.int64)


def _hole_starts(usable: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """The first sample of each run that is not usable; of very many runs some, spread evenly."""
    starts = np.flatnonzero(~usable & np.concatenate(([True], usable[:-1])))
    if len(starts) <= most:
        return starts
    return starts[np.linspace(0, len(starts) - 1, most).astype(np.int64)]
