"""Sets of time against sets of instants."""

from hypothesis import given
from hypothesis import strategies as st

from cloud_api.completeness.stretches import Stretch, clip, intersect, length_us, subtract, union

STRETCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=8)


def instants(stretches: list[Stretch]) -> set[int]:
    return {at for low, high in stretches for at in range(low, high)}


def is_tidy(stretches: list[Stretch]) -> bool:
    ends = [edge for stretch in stretches for edge in stretch]
    return all(low < high for low, high in stretches) and ends == sorted(ends)


@given(STRETCHES, STRETCHES, st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_sets_of_time_behave_as_sets_of_instants(one: list[Stretch], other: list[Stretch], window: Stretch):
    left, right = union(one), union(other)
    assert instants(left) == instants(one)
    assert instants(intersect(left, right)) == instants(one) & instants(other)
    assert instants(subtract(left, right)) == instants(one) - instants(other)
    assert instants(clip(left, window)) == instants(one) & set(range(*window))
    assert length_us(left) == len(instants(one))
    assert all(map(is_tidy, (left, intersect(left, right), subtract(left, right), clip(left, window))))
