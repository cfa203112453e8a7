"""Part 13 aggregates against a reference that walks every instant of a coarse clock with exact fractions.

The reference knows nothing of arrays, regions or sums: for each whole second it asks which samples lie around it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_api.query.aggregates.compute import compute
from cloud_api.query.aggregates.names import Aggregate, Configuration
from cloud_api.query.aggregates.samples import Intervals, Result, make_samples
from schemas.status import BAD, GOOD, UNCERTAIN

S = 1_000_000
SPAN = 24
Figure = Fraction | None


@dataclass(frozen=True)
class World:
    """Samples by whole second: (value, status)."""

    points: dict[int, tuple[Fraction, int]]
    edges: list[int]
    configuration: Configuration

    def is_bad(self, second: int) -> bool:
        status = self.points[second][1]
        return status >= BAD or (status >= UNCERTAIN and self.configuration.treat_uncertain_as_bad)

    def before(self, second: int, *, any_quality: bool) -> int | None:
        found = [at for at in self.points if at < second and (any_quality or not self.is_bad(at))]
        return max(found, default=None)

    def after(self, second: int, *, any_quality: bool) -> int | None:
        found = [at for at in self.points if at >= second and (any_quality or not self.is_bad(at))]
        return min(found, default=None)

    def inside(self, start: int, end: int) -> list[int]:
        return sorted(at for at in self.points if start <= at < end)

    def good_inside(self, start: int, end: int) -> list[Fraction]:
        return [self.points[at][0] for at in self.inside(start, end) if not self.is_bad(at)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Any pattern of gaps and qualities, small and huge values, any edges."""
    offset = draw(st.sampled_from([0, 1_000_000_000]))
    value = st.integers(-8, 8).map(lambda n: Fraction(offset) + Fraction(n, 64))
    status = st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, BAD])
    points = draw(st.dictionaries(st.integers(0, SPAN), st.tuples(value, status), max_size=12))
    edges = sorted(draw(st.sets(st.integers(-2, SPAN + 2), min_size=2, max_size=6)))
    configuration = Configuration(treat_uncertain_as_bad=draw(st.booleans()), stepped=draw(st.booleans()))
    return World(points, edges, configuration)


def run(world: World, aggregate: Aggregate) -> Result:
    times = sorted(world.points)
    samples = make_samples(
        np.array(times, np.int64) * S,
        np.array([float(world.points[at][0]) for at in times], np.float64),
        np.array([world.points[at][1] for at in times], np.uint32),
        world.configuration,
    )
    edges = np.array(world.edges, np.int64) * S
    intervals = Intervals(edges, np.zeros(len(edges) - 1, np.bool_))
    return compute([aggregate], samples, intervals, world.configuration)[aggregate]


def agrees(world: World, aggregate: Aggregate, reference: Callable[[World, int, int], Figure], scale: float) -> None:
    result = run(world, aggregate)
    for index, (start, end) in enumerate(zip(world.edges, world.edges[1:], strict=False)):
        expected = reference(world, start, end)
        code, value = int(result.codes[index]), float(result.values[index])
        assert (code >= BAD) == (expected is None), (aggregate, start, end, hex(code), value, expected)
        if expected is not None:
            tolerance = 1e-9 * max(1.0, scale, abs(float(expected)))
            assert math.isclose(value, float(expected), rel_tol=1e-9, abs_tol=tolerance), (aggregate, start, value)


def line(world: World, left: int, right: int, at: Fraction) -> Fraction:
    low, high = world.points[left][0], world.points[right][0]
    return low + (high - low) * (at - left) / (right - left)


def interpolated_at(world: World, at: Fraction, second: int) -> Figure:
    """The value at `at`, inside the second that begins at `second`, with Bad samples skipped."""
    left = world.before(second + 1, any_quality=False)
    if left is None:
        return None
    right = world.after(second + 1, any_quality=False)
    if world.configuration.stepped or right is None:
        return world.points[left][0]
    return line(world, left, right, at)


def simple_at(world: World, at: Fraction, second: int) -> Figure:
    """The value at `at`, inside the second that begins at `second`; Bad neighbours count."""
    left, right = world.before(second + 1, any_quality=True), world.after(second + 1, any_quality=True)
    if left is None or right is None or world.is_bad(left):
        return None
    if world.configuration.stepped or world.is_bad(right):
        return world.points[left][0]
    return line(world, left, right, at)


def mean_of(
    value_at: Callable[[World, Fraction, int], Figure],
) -> Callable[[World, int, int], tuple[Fraction, int]]:
    def total(world: World, start: int, end: int) -> tuple[Fraction, int]:
        """Lines run between whole seconds, so that the middle of each is its mean."""
        middles = [value_at(world, second + Fraction(1, 2), second) for second in range(start, end)]
        kept = [value for value in middles if value is not None]
        return sum(kept, Fraction(0)), len(kept)

    return total


def average_by_time(world: World, start: int, end: int) -> Figure:
    total, seconds = mean_of(interpolated_at)(world, start, end)
    return total / seconds if seconds else None


def total_by_time(world: World, start: int, end: int) -> Figure:
    total, seconds = mean_of(interpolated_at)(world, start, end)
    return total if seconds else None


def average_by_time2(world: World, start: int, end: int) -> Figure:
    total, seconds = mean_of(simple_at)(world, start, end)
    # The last sample of all holds for one tick of a microsecond: seen only where nothing else is.
    last = max(world.points, default=None)
    if last is not None and start <= last < end and not world.is_bad(last):
        tick = Fraction(1, S)
        return (total + world.points[last][0] * tick) / (seconds + tick)
    return total / seconds if seconds else None


def spread(world: World, start: int, end: int) -> Figure:
    values = world.good_inside(start, end)
    if not values:
        return None
    mean = sum(values, Fraction(0)) / len(values)
    return sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)


def widest(world: World, start: int, end: int) -> Figure:
    values = world.good_inside(start, end)
    return max(values) - min(values) if values else None


def difference(world: World, start: int, end: int) -> Figure:
    values = world.good_inside(start, end)
    return values[-1] - values[0] if values else None


def growth(world: World, start: int, end: int) -> Figure:
    if not world.good_inside(start, end):
        return None
    grown = Fraction(0)
    for at in world.inside(start, end):
        previous = world.before(at, any_quality=False)
        if world.is_bad(at) or previous is None:
            continue
        now, then = world.points[at][0], world.points[previous][0]
        grown += now - then if now >= then else now
    return grown


def changes(world: World, start: int, end: int) -> Figure:
    if not world.good_inside(start, end):
        return None
    count = 0
    for at in world.inside(start, end):
        previous = world.before(at, any_quality=False)
        if not world.is_bad(at) and (previous is None or world.points[previous][0] != world.points[at][0]):
            count += 1
    return Fraction(count)


REFERENCES: list[tuple[Aggregate, Callable[[World, int, int], Figure]]] = [
    (Aggregate.TIME_AVERAGE, average_by_time),
    (Aggregate.TOTAL, total_by_time),
    (Aggregate.RANGE, widest),
    (Aggregate.DELTA, difference),
    (Aggregate.INCREASE, growth),
    (Aggregate.NUMBER_OF_TRANSITIONS, changes),
]


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_values_are_those_of_the_reference(world: World):
    for aggregate, reference in REFERENCES:
        agrees(world, aggregate, reference, 1.0)


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_the_time_average_without_bad_time_is_that_of_the_reference(world: World):
    result = run(world, Aggregate.TIME_AVERAGE2)
    for index, (start, end) in enumerate(zip(world.edges, world.edges[1:], strict=False)):
        expected = average_by_time2(world, start, end)
        if int(result.codes[index]) < BAD:
            assert expected is not None
            assert math.isclose(float(result.values[index]), float(expected), rel_tol=1e-9, abs_tol=1e-9)
        elif not world.configuration.treat_uncertain_as_bad:
            # Else what is Uncertain alone, a value held up to a Bad sample, is Bad by 5.4.3.2.
            assert expected is None


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_the_spread_is_that_of_the_reference(world: World):
    agrees(world, Aggregate.VARIANCE_POPULATION, spread, 1.0)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_the_value_at_a_start_is_that_of_the_reference(world: World):
    agrees(world, Aggregate.INTERPOLATIVE, lambda w, start, _: interpolated_at(w, Fraction(start), start), 1.0)


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_good_and_bad_time_fill_the_interval(world: World):
    strict = World(world.points, world.edges, Configuration(stepped=world.configuration.stepped))
    good, bad = run(strict, Aggregate.PERCENT_GOOD), run(strict, Aggregate.PERCENT_BAD)
    has_data = good.codes < BAD
    assert ((bad.codes < BAD) == has_data).all()
    assert np.allclose((good.values + bad.values)[has_data], 100)


def state_time(world: World, start: int, end: int) -> Figure:
    """How long the value is not 0; the value at the edge is held, as is every sample, until the next sample."""
    last = max(world.points)
    milliseconds = Fraction(0)
    for second in range(start, end):
        left = world.before(second + 1, any_quality=True)
        if left is None or second > last:
            continue
        value = simple_at(world, Fraction(start), start) if left < start else world.points[left][0]
        if world.is_bad(left) or value is None or value == 0:
            continue
        milliseconds += Fraction(1, 1000) if second == last else 1000
    return milliseconds


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_time_in_a_state_is_that_of_the_reference(world: World):
    result = run(world, Aggregate.DURATION_IN_STATE_NON_ZERO)
    for index, (start, end) in enumerate(zip(world.edges, world.edges[1:], strict=False)):
        if result.codes[index] < BAD:
            expected = state_time(world, start, end)
            assert expected is not None
            assert math.isclose(float(result.values[index]), float(expected), rel_tol=1e-12, abs_tol=1e-6)
