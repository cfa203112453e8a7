"""How late a scan begins is measured against its own grid and told once."""

from edge_agent.device import DeviceReport
from edge_agent.scan import ScanClass, ScanTimer


class SteppedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now_us(self) -> int:
        return round(self.seconds * 1e6)

    def monotonic(self) -> float:
        return self.seconds


async def test_lateness_counts_from_the_grid_point_that_is_served():
    clock = SteppedClock()
    timer = ScanTimer(ScanClass("default", 1.0, 0.0, (0,)), clock)
    assert (await timer.wait(), timer.late_s) == (0, 0.0)
    clock.seconds = 100.25  # the line was busy
    assert timer.late_s == 0.25
    clock.seconds = 101.5
    assert (await timer.wait(), timer.late_s) == (0, 0.5)
    clock.seconds = 104.75
    assert (await timer.wait(), timer.late_s) == (2, 0.75)


def test_the_longest_one_is_told_once():
    report = DeviceReport(jitter_s=0.25)
    assert (report.told_jitter_s(), report.told_jitter_s()) == (0.25, 0.0)
