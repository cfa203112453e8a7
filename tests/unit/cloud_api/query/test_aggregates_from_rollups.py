"""Every aggregate from rollups is that from raw samples: value, status and information bits, whatever the pattern."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.aggregates.compute import compute
from cloud_api.query.aggregates.counts import BAD_DATA_UNAVAILABLE
from cloud_api.query.aggregates.names import FOR_ANY_KIND, IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.rolled import compute_rolled
from cloud_api.query.aggregates.samples import Form, Intervals, Result, Samples, make_samples
from cloud_api.query.aggregates.standins import Rolled, merge_into
from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.rolling import from_samples
from schemas.status import BAD
from tests.unit.cloud_api.rollups.patterns import S, blocks, close

EXAMPLES = int(os.environ.get("MILLSTREAM_TEST_EXAMPLES", "300"))
WIDTH = 10 * S
WANTED = [each for each in Aggregate if each not in IN_DATABASE]


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    bad = draw(st.sampled_from([100, 100, 50, 0]))
    return Configuration(
        treat_uncertain_as_bad=draw(st.booleans()),
        percent_data_good=draw(st.sampled_from([100, 60, 0]).filter(lambda good: good >= 100 - bad)),
        percent_data_bad=bad,
        stepped=draw(st.booleans()),
        sloped_extrapolation=draw(st.booleans()),
        counter_rollover=draw(st.sampled_from([None, 4.0, 65536.0])),
    )


EDGES = st.sets(st.integers(-2, 14), min_size=2, max_size=8).map(
    lambda found: np.array(sorted(found), np.int64) * WIDTH
)


def surroundings(samples: Samples, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """What a query reads beside the window: the nearest sample, and the nearest that count (two before)."""
    before = np.flatnonzero(samples.times_us < low)
    after = np.flatnonzero(samples.times_us >= high)
    kept_before = before[samples.accepted[before]][-2:]
    kept_after = after[samples.accepted[after]][:1]
    return np.union1d(before[-1:], kept_before).astype(np.int64), np.union1d(after[:1], kept_after).astype(np.int64)


def part(samples: Samples, index: np.ndarray) -> Samples:
    return Samples(samples.times_us[index], samples.values[index], samples.statuses[index], samples.classes[index])


def both_ways(
    block: SampleBlock, edges: np.ndarray, configuration: Configuration
) -> tuple[dict[Aggregate, Result], dict[Aggregate, Result], Samples, Rolled]:
    is_text = block.is_text is not None
    samples = make_samples(block.times_us, block.values, block.statuses, configuration, is_text=is_text)
    before, after = surroundings(samples, edges[0], edges[-1])
    inside = np.flatnonzero((samples.times_us >= edges[0]) & (samples.times_us < edges[-1]))
    read = part(samples, np.concatenate((before, inside, after)))
    intervals = Intervals(edges, np.zeros(len(edges) - 1, np.bool_))
    taken = block.take(inside)
    rows = from_samples(taken, taken.times_us // WIDTH, with_uncertain=not configuration.treat_uncertain_as_bad)
    rolled = Rolled(rows, part(samples, before), part(samples, after))
    return (
        compute(WANTED, read, intervals, configuration),
        compute_rolled(WANTED, rolled, intervals, configuration).results,
        read,
        rolled,
    )


def shown(aggregate: Aggregate, result: Result, read: Samples, rolled: Rolled, edges: np.ndarray) -> np.ndarray:
    """The values of a result; of `start` and `end` the instants of the samples that they name."""
    if result.form is not Form.SAMPLE:
        return result.values.astype(np.float64)
    places = np.maximum(result.values, 0)
    if rolled is None:
        return read.times_us[places].astype(np.float64) if len(read) else places.astype(np.float64)
    rows = merge_into(rolled.rows, Intervals(edges, np.zeros(len(edges) - 1, np.bool_)))
    return np.concatenate((rows["first_at"], rows["last_at"]))[places].astype(np.float64)


@settings(max_examples=EXAMPLES, deadline=None)
@given(blocks(), EDGES, configurations())
def test_rollups_answer_as_raw_does(block: SampleBlock, edges: np.ndarray, configuration: Configuration):
    raw, rolled, read, stretch = both_ways(block, edges, configuration)
    for aggregate in WANTED:
        one, other = raw[aggregate], rolled[aggregate]
        known = other.codes != BAD_DATA_UNAVAILABLE
        assert one.form is other.form, aggregate
        assert [hex(code) for code in one.codes[known]] == [hex(code) for code in other.codes[known]], aggregate
        has_value = (one.codes < BAD) & known
        left = shown(aggregate, one, read, None, edges)[has_value]
        right = shown(aggregate, other, read, stretch, edges)[has_value]
        assert close(left, right, 1e-3), (aggregate, left, right)


@settings(max_examples=EXAMPLES // 4, deadline=None)
@given(blocks(), EDGES, configurations())
def test_texts_have_counts_ends_and_qualities_too(block: SampleBlock, edges: np.ndarray, configuration: Configuration):
    count = len(block)
    texts = SampleBlock(block.times_us, np.full(count, np.nan), block.statuses, None, np.ones(count, np.bool_))
    raw, rolled, read, stretch = both_ways(texts, edges, configuration)
    for aggregate in FOR_ANY_KIND - set(IN_DATABASE):
        assert raw[aggregate].codes.tolist() == rolled[aggregate].codes.tolist(), aggregate
        has_value = raw[aggregate].codes < BAD
        left = shown(aggregate, raw[aggregate], read, None, edges)[has_value]
        right = shown(aggregate, rolled[aggregate], read, stretch, edges)[has_value]
        assert (left == right).all(), aggregate


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_digits_beside_a_large_offset_are_kept(offset: float):
    chance = np.random.default_rng(3)
    times = np.arange(0, 600) * S // 5
    block = SampleBlock(times, offset + chance.uniform(-0.01, 0.01, 600), np.zeros(600, np.uint32))
    edges = np.array([0, 60 * S, 120 * S], np.int64)
    raw, rolled, _, _ = both_ways(block, edges, Configuration())
    for aggregate in (Aggregate.VARIANCE_SAMPLE, Aggregate.STANDARD_DEVIATION_POPULATION, Aggregate.RANGE):
        assert np.allclose(raw[aggregate].values, rolled[aggregate].values, rtol=1e-9, atol=0), aggregate
    for aggregate in (Aggregate.TIME_AVERAGE, Aggregate.TIME_AVERAGE2):
        assert np.allclose(raw[aggregate].values, rolled[aggregate].values, rtol=1e-12, atol=0), aggregate
