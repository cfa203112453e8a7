"""Time in classes: from raw samples, from rollups and from both mixed it is what counting every stretch gives."""

import os

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.aggregates.classes import class_of, is_mixed, time_in_classes
from cloud_api.query.aggregates.names import Configuration
from cloud_api.query.aggregates.samples import IS_BAD, Intervals, Samples, make_samples
from cloud_api.query.aggregates.standins import Rolled
from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.rolling import from_samples
from tests.unit.cloud_api.query.test_aggregates_from_rollups import EDGES, WIDTH, part, surroundings
from tests.unit.cloud_api.rollups.patterns import blocks

EXAMPLES = int(os.environ.get("MILLSTREAM_TEST_EXAMPLES", "300"))
LIMITS = st.lists(st.floats(-9, 9), min_size=1, max_size=4, unique=True).map(sorted)
NOBODY = Samples(np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint32), np.empty(0, np.int8))


def by_force(samples: Samples, edges: np.ndarray, limits: list[float]) -> np.ndarray:
    """Walk through the samples; the last one holds for a tick."""
    times = np.zeros((len(edges) - 1, len(limits) + 1))
    ends = [*samples.times_us.tolist()[1:], int(samples.times_us[-1]) + 1] if len(samples) else []
    for begin, end, value, kind in zip(samples.times_us.tolist(), ends, samples.values, samples.classes, strict=True):
        for index in range(len(edges) - 1):
            length = min(end, int(edges[index + 1])) - max(begin, int(edges[index]))
            if kind != IS_BAD and length > 0:
                times[index, class_of(np.array([value]), limits)[0]] += length
    return times


@settings(max_examples=EXAMPLES)
@given(blocks(), EDGES, LIMITS, st.booleans(), st.integers(0, 2**16))
def test_rows_and_samples_tell_the_same(
    block: SampleBlock, edges: np.ndarray, limits: list[float], is_strict: bool, from_rows: int
):
    configuration = Configuration(treat_uncertain_as_bad=is_strict)
    samples = make_samples(block.times_us, block.values, block.statuses, configuration)
    before, after = surroundings(samples, edges[0], edges[-1])
    inside = np.flatnonzero((samples.times_us >= edges[0]) & (samples.times_us < edges[-1]))
    taken = block.take(inside)
    bucket = taken.times_us // WIDTH
    every = from_samples(taken, bucket, with_uncertain=not is_strict)
    numbers = np.unique(bucket)
    # Some buckets come as rows, the others, and those of several classes, as samples.
    is_row = ((from_rows >> (numbers % 16)) & 1).astype(np.bool_) & ~is_mixed(every, limits)
    raw = inside[~np.isin(bucket, numbers[is_row])]
    rolled = Rolled(every[is_row], part(samples, before), part(samples, after))
    intervals = Intervals(edges, np.zeros(len(edges) - 1, np.bool_))
    found = time_in_classes(rolled, part(samples, raw), intervals, limits, configuration)
    read = part(samples, np.concatenate((before, inside, after)))
    assert np.array_equal(found.held_us, by_force(read, edges, limits))
    assert np.array_equal(found.held_us.sum(axis=1) + found.unknown_us, np.diff(edges))


def test_a_row_of_several_classes_is_unknown_where_nothing_finer_is_kept():
    block = SampleBlock(np.array([0, 4, 8]) * WIDTH // 10, np.array([1.0, 9.0, 1.0]), np.zeros(3, np.uint32))
    rows = from_samples(block, np.zeros(3, np.int64), with_uncertain=False)
    intervals = Intervals(np.array([0, WIDTH]), np.zeros(1, np.bool_))
    found = time_in_classes(Rolled(rows, NOBODY, NOBODY), NOBODY, intervals, [5.0], Configuration())
    assert found.held_us.tolist() == [[1.0, 0.0]]
    assert found.unknown_us.tolist() == [WIDTH - 1]
