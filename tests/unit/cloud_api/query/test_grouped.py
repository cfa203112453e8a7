"""Counts, means and extremes of many series in numpy are those of each series' samples, and those of rollup rows."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.aggregates.grouped import Groups, compute_grouped, group_samples, merge_groups
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.rolled import compute_rolled
from cloud_api.query.aggregates.samples import IS_BAD, Intervals, make_samples
from cloud_api.query.aggregates.standins import Rolled
from cloud_api.rollups.partials import Partials, SampleBlock
from cloud_api.rollups.rolling import from_samples
from schemas.status import BAD
from tests.unit.cloud_api.query.test_aggregates_from_rollups import EDGES, WIDTH, configurations
from tests.unit.cloud_api.rollups.patterns import blocks

EXAMPLES = int(os.environ.get("MILLSTREAM_TEST_EXAMPLES", "300"))


def rolled_groups(rows: Partials, intervals: np.ndarray) -> Groups:
    """What the database answers of rows of rollups, one group a row."""
    means = np.where(rows["accepted"] > 0, rows["front_value"] + rows["mean_offset"], 0.0)
    counts = rows["total"].astype(np.float64), rows["accepted"].astype(np.float64)
    return Groups(intervals, *counts, means, rows["low"], rows["high"])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(blocks(), min_size=1, max_size=3), EDGES, configurations(), st.randoms())
def test_many_series_answer_as_each_alone(
    some: list[SampleBlock], edges: np.ndarray, configuration: Configuration, chance: object
):
    intervals, count = Intervals(edges, np.zeros(len(edges) - 1, np.bool_)), len(edges) - 1
    parts, alone = [], []
    for index, block in enumerate(some):
        samples = make_samples(block.times_us, block.values, block.statuses, configuration)
        inside = np.flatnonzero((samples.times_us >= edges[0]) & (samples.times_us < edges[-1]))
        taken = block.take(inside)
        rows = from_samples(taken, taken.times_us // WIDTH, with_uncertain=not configuration.treat_uncertain_as_bad)
        nobody = make_samples(np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint32), configuration)
        alone.append(compute_rolled(IN_DATABASE, Rolled(rows, nobody, nobody), intervals, configuration).results)
        # The earlier half by rows of rollups, the later by samples in any order: as a plan has them.
        is_early = taken.times_us < edges[len(edges) // 2]
        early = rows[rows["first_at"] < edges[len(edges) // 2]]
        parts.append(rolled_groups(early, intervals.find(early["first_at"]) + index * count))
        late = inside[~is_early]
        chance.shuffle(late)  # type: ignore[attr-defined]
        values = np.where(samples.classes[late] == IS_BAD, np.nan, samples.values[late])
        parts.append(group_samples(intervals.find(samples.times_us[late]) + index * count, values))
    merged = merge_groups(parts)
    for aggregate in IN_DATABASE:
        result = compute_grouped(aggregate, merged, configuration)
        for index, results in enumerate(alone):
            expected = results[aggregate]
            own = merged.places // count == index
            places = merged.places[own] % count
            without = np.setdiff1d(np.arange(count), places)
            assert (expected.codes[without] >= BAD).all()
            assert [hex(code) for code in result.codes[own]] == [hex(code) for code in expected.codes[places]], (
                aggregate
            )
            has_value = (result.codes[own] < BAD) | (aggregate is Aggregate.COUNT)
            left, right = result.values[own][has_value], expected.values[places][has_value]
            if aggregate is Aggregate.AVERAGE:
                # Values of both signs leave nothing but their rounding.
                size = max(float(np.nanmax(np.abs(block.values), initial=0.0)) for block in some)
                assert np.allclose(left, right, rtol=1e-9, atol=1e-12 * size, equal_nan=True), (left, right)
            else:
                assert (left == right).all(), aggregate


@pytest.mark.parametrize("offset", [0.0, 1e9, 0.1])
def test_means_keep_their_digits(offset: float):
    values = offset + np.random.default_rng(3).uniform(-0.01, 0.01, 6_000)
    groups = merge_groups([group_samples(np.arange(3_000) // 1_000, each) for each in np.split(values, 2)])
    exact = values.reshape(2, 3, 1_000).astype(np.longdouble).mean(axis=(0, 2))
    assert np.allclose(groups.means, exact.astype(np.float64), rtol=1e-15, atol=1e-17)


def test_equal_values_have_themselves_as_mean():
    assert merge_groups([group_samples(np.zeros(3, np.int64), np.full(3, 0.1))] * 2).means.tolist() == [0.1]


def test_nothing_is_no_group():
    nothing = group_samples(np.empty(0, np.int64), np.empty(0))
    assert len(nothing.places) == 0
    assert len(merge_groups([nothing, nothing]).places) == 0
