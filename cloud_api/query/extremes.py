"""Few samples that stand for many: every lowest and highest one, and where the data go Bad (pure)."""

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from cloud_api.query.buckets import CLOCK_ORIGIN_US, Buckets, Window, buckets_by_points
from cloud_api.query.models import PointsBy
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD

LEAST_POINTS = 10


def is_usable(samples: SampleColumns) -> NDArray[np.bool_]:
    """Which samples a line is drawn through: Good or Uncertain, and finite."""
    return (samples.statuses < BAD) & np.isfinite(samples.values)


def choose_extremes(samples: SampleColumns, window: Window, points: int, by: PointsBy) -> SampleColumns:
    """Choose at most `points` (>= 10) of all samples of a window; its minimum and maximum are among them.

    `min_max` keeps the lowest and the highest usable sample of each of `points`/2 stretches of equal length. Of each
    run of Bad samples the first is kept, for at most a quarter of the points: a hole must not look like a line.
    """
    if len(samples) <= points:
        return samples
    usable = is_usable(samples)
    starts = np.flatnonzero(~usable & np.concatenate(([True], usable[:-1])))
    holes = spread_evenly(starts, points // 4)
    good = np.flatnonzero(usable)
    candidates = samples.take(good)
    kept = good[choose_candidates(candidates, window, points - len(holes), by)]
    return samples.take(np.unique(np.concatenate((kept, holes))).astype(np.int64))


def choose_candidates(
    candidates: SampleColumns, window: Window, room: int, by: PointsBy, least_us: int = 1
) -> NDArray[np.int64]:
    """Places of at most `room` of these usable samples, ascending; stretches are at least `least_us` long."""
    if not len(candidates) or (by is PointsBy.MIN_MAX_LTTB and len(candidates) <= room):
        return np.arange(len(candidates), dtype=np.int64)
    if by is PointsBy.MIN_MAX_LTTB:
        return _best_looking(candidates, room // 2 * 2)
    stretches = stretches_of(window, room // 2, least_us).places_of(candidates.times_us)
    return np.unique(
        np.concatenate((_first_of(stretches, candidates.values), _first_of(stretches, -candidates.values)))
    )


def stretches_of(window: Window, count: int, least_us: int = 1) -> Buckets:
    """Cut a window into at most `count` stretches: of a minute or longer they are whole minutes on the clock of UTC.

    So they lie around the buckets of rollups, and the answer is the same whichever of the two was read.
    """
    found = buckets_by_points(window, count)
    return found if found.step_us >= least_us else Buckets(window, least_us, CLOCK_ORIGIN_US)


def spread_evenly(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """All of them, or of very many some."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def _first_of(stretches: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place of the lowest value of each stretch, of equal ones the first."""
    starts = np.flatnonzero(np.concatenate(([True], stretches[1:] != stretches[:-1])))
    lengths = np.diff(np.append(starts, len(values)))
    hits = np.flatnonzero(values == np.repeat(np.minimum.reduceat(values, starts), lengths))
    return hits[np.searchsorted(hits, starts)]


def _best_looking(candidates: SampleColumns, room: int) -> NDArray[np.int64]:
    times, values = candidates.times_us - candidates.times_us[0], candidates.values
    places = MinMaxLTTBDownsampler().downsample(times, values, n_out=room - 2)
    # The triangles may leave an extreme of the whole window out.
    extremes = [int(np.argmin(values)), int(np.argmax(values))]
    return np.unique(np.concatenate((places.astype(np.int64), extremes)))
