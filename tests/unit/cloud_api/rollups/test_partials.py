"""Partials merge: in any order of merging the same comes out as from the samples themselves."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.rollups.merging import merge
from cloud_api.rollups.partials import PARTIAL, Partials, SampleBlock, starts_of
from cloud_api.rollups.rolling import from_samples
from cloud_api.storage.rollup_rows import same_partials
from tests.unit.cloud_api.rollups.patterns import S, blocks, close

NUMBERS = [name for name in PARTIAL.names or () if PARTIAL[name] != np.object_]
EXACT = [name for name in NUMBERS if PARTIAL[name] != np.float64]


def agree(left: Partials, right: Partials) -> None:
    assert len(left) == len(right)
    for name in NUMBERS:
        if name in EXACT:
            assert (left[name] == right[name]).all(), name
        else:
            # Differences inside a bucket are small whatever the offset, and so must their error be.
            assert close(left[name], right[name], 0.01), (name, left[name], right[name])
    for one, other in zip(left["falls"], right["falls"], strict=True):
        assert (one is None) == (other is None)
        assert one is None or sorted(one) == sorted(other)


def groups(block: SampleBlock, edges: list[int]) -> np.ndarray:
    return np.searchsorted(np.array(edges, np.int64), block.times_us, side="right").astype(np.int64)


EDGES = st.sets(st.integers(0, 120), min_size=0, max_size=12).map(lambda found: [edge * S for edge in sorted(found)])


@settings(max_examples=400, deadline=None)
@given(blocks(), EDGES, st.booleans())
def test_merged_partials_are_those_of_all_samples(block: SampleBlock, edges: list[int], with_uncertain: bool):
    parts = from_samples(block, groups(block, edges), with_uncertain=with_uncertain)
    whole = from_samples(block, np.zeros(len(block), np.int64), with_uncertain=with_uncertain)
    agree(merge(parts, np.zeros(len(parts), np.int64)), whole)


@settings(max_examples=300, deadline=None)
@given(blocks(), EDGES, st.lists(st.booleans(), min_size=13, max_size=13), st.booleans())
def test_merging_is_associative(block: SampleBlock, edges: list[int], breaks: list[bool], with_uncertain: bool):
    group = groups(block, edges)
    parts = from_samples(block, group, with_uncertain=with_uncertain)
    numbers = group[starts_of(group)]
    coarse = np.cumsum(np.array(breaks, np.int64))[numbers] if len(numbers) else numbers
    middle = merge(parts, coarse)
    agree(merge(middle, np.zeros(len(middle), np.int64)), merge(parts, np.zeros(len(parts), np.int64)))


def test_whole_digits_survive_where_doubles_are_equal():
    texts = np.array(["9007199254740993", None, "9007199254740995", "9007199254740994"], np.object_)
    values = np.array([float(2**53)] * 4)
    block = SampleBlock(np.arange(4) * S, values, np.zeros(4, np.uint32), texts)
    parts = from_samples(block, np.array([0, 0, 1, 1]))
    assert parts["low_text"].tolist() == ["9007199254740992", "9007199254740994"]
    merged = merge(parts, np.zeros(2, np.int64))
    assert (merged["low_text"][0], merged["high_text"][0]) == ("9007199254740992", "9007199254740995")
    assert merged["first_text"][0] == "9007199254740993"


def test_a_late_sample_changes_its_own_bucket_alone():
    times = np.arange(0, 120, 10) * S
    values = np.sin(times / S)
    before = from_samples(SampleBlock(times, values, np.zeros(12, np.uint32)), times // (60 * S))
    late = np.insert(times, 3, 25 * S)
    block = SampleBlock(late, np.insert(values, 3, 99.0), np.zeros(13, np.uint32))
    after = from_samples(block, late // (60 * S))
    assert same_partials(before, after).tolist() == [False, True]
