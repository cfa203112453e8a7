"""Sets of time as ascending, disjoint, half-open stretches of microseconds: joined, cut, taken away (pure)."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Stretch: TypeAlias = tuple[int, int]
Stretches: TypeAlias = list[Stretch]


def union(stretches: Iterable[Stretch]) -> Stretches:
    """All instants that are in any of them; what touches becomes one."""
    joined: Stretches = []
    for low, high in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined


def intersect(one: Sequence[Stretch], other: Sequence[Stretch]) -> Stretches:
    """All instants that are in both sets."""
    common: Stretches = []
    left = right = 0
    while left < len(one) and right < len(other):
        low, high = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if low < high:
            common.append((low, high))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return common


def subtract(one: Sequence[Stretch], other: Sequence[Stretch]) -> Stretches:
    """All instants that are in the first set and not in the second."""
    left: Stretches = []
    at = 0
    for first, high in one:
        low = first
        while at < len(other) and other[at][1] <= low:
            at += 1
        index = at
        while index < len(other) and other[index][0] < high:
            if low < other[index][0]:
                left.append((low, other[index][0]))
            low = max(low, other[index][1])
            index += 1
        if low < high:
            left.append((low, high))
    return left


def clip(stretches: Sequence[Stretch], window: Stretch) -> Stretches:
    """The part of a set that lies in a window."""
    return intersect(stretches, [window]) if window[0] < window[1] else []


def length_us(stretches: Iterable[Stretch]) -> int:
    """How long they are together."""
    return sum(high - low for low, high in stretches)
