"""Few points for many samples: stored ones, never too many, every spike among them, holes still holes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.buckets import MINUTE_US, QUARTER_US, Window
from cloud_api.query.extremes import LEAST_POINTS, choose_extremes, stretches_of
from cloud_api.query.models import PointsBy
from cloud_api.storage.columns import SampleColumns
from schemas.status import BAD_SENSOR_FAILURE, GOOD

BY = st.sampled_from([PointsBy.MIN_MAX, PointsBy.MIN_MAX_LTTB])


def samples_of(values: list[float], bad: set[int]) -> SampleColumns:
    count = len(values)
    statuses = np.array([BAD_SENSOR_FAILURE if index in bad else GOOD for index in range(count)], np.uint32)
    times = 1_769_846_400_000_000 + np.arange(count, dtype=np.int64) * 1_000_000
    return SampleColumns(times, np.where(statuses > 0, np.nan, np.array(values)), statuses, None)


def window_of(samples: SampleColumns) -> Window:
    return Window(int(samples.times_us[0]), int(samples.times_us[-1]) + 1_000_000)


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
    chosen = choose_extremes(samples, window_of(samples), points, by)
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
    samples = samples_of(values.tolist(), set())
    chosen = choose_extremes(samples, window_of(samples), 500, by)
    assert 77.0 in chosen.values
    assert len(chosen) <= 500


@pytest.mark.parametrize(
    ("count", "step_us"), [(3_000, 30_000_000), (10_000, 2 * MINUTE_US), (120_000, 2 * QUARTER_US)]
)
def test_min_max_keeps_both_of_every_stretch(count: int, step_us: int):
    samples = samples_of(np.random.default_rng(7).normal(size=count).tolist(), set())
    window = window_of(samples)
    chosen = choose_extremes(samples, window, 200, PointsBy.MIN_MAX)
    stretches = stretches_of(window, 100)
    assert stretches.step_us == step_us
    of_raw, of_answer = stretches.places_of(samples.times_us), stretches.places_of(chosen.times_us)
    for place in np.unique(of_raw):
        assert chosen.values[of_answer == place].max() == samples.values[of_raw == place].max()
        assert chosen.values[of_answer == place].min() == samples.values[of_raw == place].min()


def test_of_equal_extremes_the_first_is_kept():
    samples = samples_of([0.0, 5.0, 1.0, 5.0, 0.0, *[1.0] * 95], set())
    chosen = choose_extremes(samples, window_of(samples), 10, PointsBy.MIN_MAX)
    assert chosen.times_us[:2].tolist() == samples.times_us[:2].tolist()
    assert 3 not in np.searchsorted(samples.times_us, chosen.times_us)


def test_a_hole_is_seen():
    samples = samples_of([1.0] * 1_000, set(range(300, 600)))
    chosen = choose_extremes(samples, window_of(samples), 50, PointsBy.MIN_MAX)
    assert BAD_SENSOR_FAILURE in chosen.statuses
