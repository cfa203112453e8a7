"""Few points for many samples: stored ones, never too many, every spike among them, holes still holes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.extremes import LEAST_POINTS, choose_extremes
from cloud_api.query.models import PointsBy
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD_SENSOR_FAILURE, GOOD

BY = st.sampled_from([PointsBy.MIN_MAX, PointsBy.MIN_MAX_LTTB])


def samples_of(values: list[float], bad: set[int]) -> SampleColumns:
    count = len(values)
    statuses = np.array([BAD_SENSOR_FAILURE if index in bad else GOOD for index in range(count)], np.uint32)
    times = 1_769_846_400_000_000 + np.arange(count, dtype=np.int64) * 1_000_000
    return SampleColumns(times, np.where(statuses > 0, np.nan, np.array(values)), statuses, None)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=400),
    st.sets(st.integers(0, 399)),
    st.integers(LEAST_POINTS, 60),
    BY,
)
def test_points_are_stored_samples_with_the_extremes_among_them(
    values: list[float], bad: set[int], points: int, by: PointsBy
):
    samples = samples_of(values, bad)
    chosen = choose_extremes(samples, points, by)
    assert len(chosen) <= max(points, min(points, len(samples)))
    places = np.searchsorted(samples.times_us, chosen.times_us)
    assert (np.diff(places) > 0).all()
    np.testing.assert_array_equal(samples.values[places], chosen.values)
    np.testing.assert_array_equal(samples.statuses[places], chosen.statuses)
    usable = samples.values[np.isfinite(samples.values)]
    if len(usable):
        assert np.nanmax(chosen.values) == usable.max()
        assert np.nanmin(chosen.values) == usable.min()


@pytest.mark.parametrize("by", [PointsBy.MIN_MAX, PointsBy.MIN_MAX_LTTB])
def test_a_spike_of_one_sample_in_a_day_is_kept(by: PointsBy):
    values = np.sin(np.arange(86_400) / 500.0)
    values[40_000] = 77.0
    chosen = choose_extremes(samples_of(values.tolist(), set()), 500, by)
    assert 77.0 in chosen.values
    assert len(chosen) <= 500


def test_min_max_keeps_both_of_every_stretch():
    values = np.random.default_rng(7).normal(size=10_000)
    chosen = choose_extremes(samples_of(values.tolist(), set()), 200, PointsBy.MIN_MAX)
    for part in np.array_split(values, 100):
        assert part.max() in chosen.values
        assert part.min() in chosen.values


def test_a_hole_is_seen():
    chosen = choose_extremes(samples_of([1.0] * 1_000, set(range(300, 600))), 50, PointsBy.MIN_MAX)
    assert BAD_SENSOR_FAILURE in chosen.statuses
