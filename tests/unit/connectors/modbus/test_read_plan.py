"""The plan: serves every point, within all limits, around holes, at the least possible cost."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.modbus.read_plan import BITS_PER_REGISTER, Area, Block, Hole, Limits, Span, plan

H = Area.HOLDING


def spans_in(
    areas: Sequence[Area], most: int, *, addresses: int = 400, max_size: int = 40
) -> st.SearchStrategy[list[Span]]:
    one = st.builds(Span, st.sampled_from(areas), st.integers(0, addresses), st.integers(1, most))
    return st.lists(one, max_size=max_size)


limits = st.builds(Limits, st.integers(8, 125), st.integers(8, 2000), st.integers(0, 125))


@given(spans_in(list(Area), 8), limits)
def test_every_point_lies_wholly_in_the_block_that_serves_it(spans: list[Span], limits: Limits):
    blocks = plan(spans, limits)
    served = [member for block in blocks for member in block.members]
    assert sorted(served) == list(range(len(spans)))
    for block in blocks:
        for member in block.members:
            assert spans[member].area is block.area
            assert block.first <= spans[member].first
            assert spans[member].last <= block.last


@given(spans_in(list(Area), 8), limits)
def test_no_request_passes_the_limits(spans: list[Span], limits: Limits):
    for block in plan(spans, limits):
        assert block.count <= (limits.max_bits if block.area.is_bits else limits.max_registers)


@given(spans_in(list(Area), 8), limits)
def test_never_more_requests_than_one_a_distinct_point(spans: list[Span], limits: Limits):
    assert len(plan(spans, limits)) <= len(set(spans))


@given(spans_in(list(Area), 8), limits)
def test_starts_and_ends_at_points_and_lists_members_by_address(spans: list[Span], limits: Limits):
    for block in plan(spans, limits):
        members = [spans[member] for member in block.members]
        assert block.first == members[0].first
        assert block.last == max(member.last for member in members)
        assert [member.first for member in members] == sorted(member.first for member in members)


@given(spans_in([H], 6, addresses=40, max_size=6), st.integers(6, 20), st.integers(0, 12))
@settings(max_examples=300)
def test_is_the_cheapest_of_all_groupings(spans: list[Span], most: int, gap: int):
    limits = Limits(most, 2000, gap)
    assert _cost(plan(spans, limits), limits) == min(
        (_grouping_cost(groups, limits) for groups in _groupings(spans) if _fits(groups, most)), default=(0, 0)
    )


@given(
    spans_in([H], 4, addresses=30, max_size=6),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=3),
    st.integers(0, 12),
)
@settings(max_examples=300)
def test_is_the_cheapest_around_holes(spans: list[Span], places: list[tuple[int, int]], gap: int):
    limits = Limits(20, 2000, gap)
    holes = [Hole(H, first, first + length) for first, length in places]
    groupings = (groups for groups in _groupings(spans) if _fits(groups, 20) and _avoids(groups, holes))
    expected = min((_grouping_cost(groups, limits) for groups in groupings), default=None)
    found = plan(spans, limits, holes)
    if expected is not None:  # a grouping that cuts every hole exists unless a point itself covers one
        assert _cost(found, limits) == expected or _has_covering_point(spans, holes)
    for block in found:
        assert not _covers(block.first, block.last, holes) or _is_one_point(block, spans)


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=300, unique=True))
def test_with_a_gap_of_no_account_it_needs_as_few_requests_as_can_be(addresses: list[int]):
    spans = [Span(H, address, 1) for address in addresses]
    assert len(plan(spans, Limits(125, 2000, 65536))) == _fewest(sorted(addresses), 125)


def test_merges_across_types_and_gaps_by_default():
    spans = [Span(H, 100, 2), Span(H, 110, 4), Span(H, 130, 1), Span(H, 200, 25)]
    assert plan(spans, Limits()) == (Block(H, 100, 125, (0, 1, 2, 3)),)


def test_does_not_merge_where_the_gap_costs_more_than_a_request():
    spans = [Span(H, 0, 1), Span(H, 17, 1), Span(H, 35, 1)]
    assert [block.count for block in plan(spans, Limits(max_gap=16))] == [18, 1]


def test_counts_the_gap_of_bits_sixteen_to_a_register():
    spans = [Span(Area.COIL, 0, 1), Span(Area.COIL, 1 + 2 * BITS_PER_REGISTER, 1)]
    assert len(plan(spans, Limits(max_gap=2))) == 1
    assert len(plan(spans, Limits(max_gap=1))) == 2


def test_areas_are_never_merged():
    spans = [Span(area, 7, 1) for area in Area]
    assert sorted(block.area for block in plan(spans, Limits())) == sorted(Area)


def test_goes_around_a_hole_between_two_points_and_around_a_missing_point():
    spans = [Span(H, 0, 1), Span(H, 10, 1), Span(H, 20, 1)]
    assert [block.members for block in plan(spans, Limits(), [Hole(H, 0, 10)])] == [(0,), (1, 2)]
    assert [block.members for block in plan(spans, Limits(), [Hole(H, 15, 15)])] == [(0, 1), (2,)]
    assert len(plan(spans, Limits(), [Hole(Area.INPUT, 0, 20)])) == 1


@pytest.mark.parametrize("count", [2_000, 20_000])
def test_plans_many_points_in_linear_many_steps(count: int):
    spans = [Span(Area.COIL, address, 1) for address in range(count)]
    assert len(plan(spans, Limits())) == -(-count // 2000)


def test_no_points_need_no_request():
    assert plan([], Limits()) == ()


def _cost(blocks: Iterable[Block], limits: Limits) -> tuple[int, int]:
    found = list(blocks)
    return sum(block.count + limits.max_gap for block in found), len(found)


def _grouping_cost(groups: Sequence[Sequence[Span]], limits: Limits) -> tuple[int, int]:
    return sum(last - first + 1 + limits.max_gap for first, last in map(_hull, groups)), len(groups)


def _fits(groups: Sequence[Sequence[Span]], most: int) -> bool:
    return all(last - first < most for first, last in map(_hull, groups))


def _avoids(groups: Sequence[Sequence[Span]], holes: Sequence[Hole]) -> bool:
    return not any(_covers(*_hull(group), holes) for group in groups)


def _covers(first: int, last: int, holes: Sequence[Hole]) -> bool:
    return any(first <= hole.first and hole.last <= last for hole in holes)


def _has_covering_point(spans: Sequence[Span], holes: Sequence[Hole]) -> bool:
    return any(_covers(span.first, span.last, holes) for span in spans)


def _is_one_point(block: Block, spans: Sequence[Span]) -> bool:
    return any(spans[member].first == block.first and spans[member].last == block.last for member in block.members)


def _hull(group: Sequence[Span]) -> tuple[int, int]:
    return min(span.first for span in group), max(span.last for span in group)


def _groupings(spans: Sequence[Span]) -> Iterator[list[list[Span]]]:
    """All ways to part the spans into groups, interleaved ones too."""
    if not spans:
        yield []
        return
    head, *tail = spans
    for size in range(len(tail) + 1):
        for chosen in itertools.combinations(range(len(tail)), size):
            rest = [span for index, span in enumerate(tail) if index not in chosen]
            for groups in _groupings(rest):
                yield [[head, *(tail[index] for index in chosen)], *groups]


def _fewest(addresses: Sequence[int], most: int) -> int:
    """Greedy from the left is optimal where only the number of requests counts."""
    requests, end = 0, -1
    for address in addresses:
        if address > end:
            requests, end = requests + 1, address + most - 1
    return requests
