"""The agent's time before and after its wall clock is set."""

from edge_agent.clock import EARLIEST_US, AgentClock, settled


class Wall:
    """A wall clock that a test sets."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


def test_plausible_clock_is_taken_as_it_is() -> None:
    wall = Wall(EARLIEST_US + 5)
    clock = AgentClock(wall)
    assert clock.is_plausible()
    assert clock.now_us() == EARLIEST_US + 5
    wall.now_us = EARLIEST_US - 5  # believed once, believed to the end
    assert clock.now_us() == EARLIEST_US - 5
    assert not clock.was_provisional


def test_times_before_the_clock_was_set_are_put_right() -> None:
    wall = Wall(1_000)
    clock = AgentClock(wall)
    first, second = clock.now_us(), clock.now_us()
    assert not clock.is_plausible()
    assert 1_000 <= first <= second < EARLIEST_US
    wall.now_us = EARLIEST_US + 60_000_000
    assert clock.is_plausible()
    assert clock.was_provisional
    source_us = EARLIEST_US + 1_234  # a device with a clock of its own
    times = settled([first, second, source_us], clock.offset_us())
    assert times[1] - times[0] == second - first
    assert EARLIEST_US < times[0] <= wall.now_us
    assert times[2] == source_us


def test_clock_that_is_set_while_still_implausible_bends_nothing() -> None:
    wall = Wall(1_000)
    clock = AgentClock(wall)
    wall.now_us = 10**12
    assert clock.now_us() < 10**9
