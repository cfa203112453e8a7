"""The agent notices that it stood still, and only then."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.pause import LOOKS_A_LIMIT, PauseWatch

LIMIT_S = 5.0


class SteppedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def watched() -> tuple[PauseWatch, SteppedClock, list[float]]:
    clock, pauses = SteppedClock(), list[float]()
    watch = PauseWatch(LIMIT_S, clock)
    watch.on_pause = pauses.append
    watch.look()
    return watch, clock, pauses


def test_a_long_start_is_no_pause() -> None:
    clock, pauses = SteppedClock(), list[float]()
    watch = PauseWatch(LIMIT_S, clock)
    watch.on_pause = pauses.append
    clock.seconds += 60.0
    watch.look()
    assert pauses == []


def test_a_pause_is_told_once_with_its_length() -> None:
    watch, clock, pauses = watched()
    clock.seconds += 40.0
    watch.look()
    watch.look()
    clock.seconds += LIMIT_S / LOOKS_A_LIMIT
    watch.look()
    assert pauses == [40.0]


@given(st.lists(st.floats(0.0, LIMIT_S * (1 - 1 / LOOKS_A_LIMIT) - 0.001), max_size=50))
def test_a_busy_machine_that_is_late_by_less_than_the_limit_never_pauses(delays: list[float]) -> None:
    watch, clock, pauses = watched()
    for late_s in delays:
        clock.seconds += LIMIT_S / LOOKS_A_LIMIT + late_s
        watch.look()
    assert pauses == []


@given(st.lists(st.floats(0.0, 20.0), max_size=50))
def test_every_stretch_without_a_look_is_a_pause_from_the_limit_on(steps: list[float]) -> None:
    watch, clock, pauses = watched()
    expected: list[float] = []
    for step in steps:
        before = clock.seconds
        clock.seconds += step
        if clock.seconds - before >= LIMIT_S:
            expected.append(clock.seconds - before)
        watch.look()
    assert pauses == expected
