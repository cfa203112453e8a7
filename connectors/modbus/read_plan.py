"""From points to few block reads: the cheapest cover, within the device's limits and around its holes (pure)."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby
from operator import attrgetter

BITS_PER_REGISTER = 16


class Area(StrEnum):
    """The four address spaces of a unit."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def is_bits(self) -> bool:
        """Whether its addresses count bits, not registers."""
        return self in (Area.COIL, Area.DISCRETE)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """What one point needs: `count` neighbours from `first` on, which must come in one answer."""

    area: Area
    first: int
    count: int

    @property
    def last(self) -> int:
        """The last register or bit of it."""
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """A request that covers both `first` and `last` was refused by the device."""

    area: Area
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for, and how many registers read in vain cost as much as one more request."""

    max_registers: int = 125
    max_bits: int = 2000
    max_gap: int = 125


@dataclass(frozen=True, slots=True)
class Block:
    """One request, and which of the planned spans it serves, in the order of their addresses."""

    area: Area
    first: int
    count: int
    members: tuple[int, ...]

    @property
    def last(self) -> int:
        """The last register or bit of it."""
        return self.first + self.count - 1


def plan(spans: Sequence[Span], limits: Limits, holes: Iterable[Hole] = ()) -> tuple[Block, ...]:
    """The cheapest requests that serve all spans; of equally cheap plans the one with the fewest requests."""
    order = sorted(range(len(spans)), key=lambda index: _address(spans[index]))
    known = tuple(holes)
    blocks: list[Block] = []
    for area, indices in groupby(order, key=lambda index: spans[index].area):
        members = [(index, spans[index]) for index in indices]
        blocks += _plan_area(area, members, limits, [hole for hole in known if hole.area is area])
    return tuple(blocks)


def _address(span: Span) -> tuple[str, int, int]:
    return (span.area.value, span.first, -span.count)


def _plan_area(area: Area, members: list[tuple[int, Span]], limits: Limits, holes: list[Hole]) -> list[Block]:
    outer = _outermost([span for _, span in members])
    most = limits.max_bits if area.is_bits else limits.max_registers
    cost = limits.max_gap * (BITS_PER_REGISTER if area.is_bits else 1)
    starts = _cheapest_starts(outer, most, cost, _bounds(outer, holes))
    firsts = [outer[start].first for start in starts]
    blocks: list[Block] = []
    for number, served in groupby(members, key=lambda member: bisect_right(firsts, member[1].first) - 1):
        end = starts[number + 1] if number + 1 < len(starts) else len(outer)
        first, last = outer[starts[number]].first, outer[end - 1].last
        blocks.append(Block(area, first, last - first + 1, tuple(index for index, _ in served)))
    return blocks


def _outermost(spans: Sequence[Span]) -> list[Span]:
    """Those that lie within no other one: their first and last addresses both rise, and serving them serves all."""
    outer: list[Span] = []
    for span in spans:  # by first address, the longer one first
        if not outer or span.last > outer[-1].last:
            outer.append(span)
    return outer


def _bounds(outer: Sequence[Span], holes: Sequence[Hole]) -> list[int]:
    """For each span the address that a block ending with it must start after, because of the holes before."""
    by_last = sorted(holes, key=attrgetter("last"))
    reached = list(accumulate((hole.first for hole in by_last), max, initial=-1))
    lasts = [hole.last for hole in by_last]
    return [reached[bisect_right(lasts, span.last)] for span in outer]


def _cheapest_starts(outer: Sequence[Span], most: int, cost: int, bounds: Sequence[int]) -> list[int]:
    """Where to start each block.

    Spans are in strictly rising order, so an optimal plan never interleaves two blocks, and the best plan up to a
    span is that span's end plus the least of (best plan before the block − start of the block): a sliding minimum.
    """
    total = [(0, 0)]  # (cost, requests) of the first n spans
    start_of: list[int] = []
    window: deque[tuple[int, int, int]] = deque()  # (cost before − first address, requests before, start index)
    for index, span in enumerate(outer):
        entry = (total[index][0] - span.first, total[index][1], index)
        while window and window[-1][:2] >= entry[:2]:
            window.pop()
        window.append(entry)
        while len(window) > 1 and not _fits(outer[window[0][2]], span, most, bounds[index]):
            window.popleft()
        before, requests, start = window[0]
        total.append((before + span.last + 1 + cost, requests + 1))
        start_of.append(start)
    return _walk_back(start_of)


def _fits(start: Span, end: Span, most: int, bound: int) -> bool:
    return end.last - start.first < most and start.first > bound


def _walk_back(start_of: Sequence[int]) -> list[int]:
    starts: list[int] = []
    end = len(start_of)
    while end:
        end = start_of[end - 1]
        starts.append(end)
    return starts[::-1]
