"""Scan classes stay on their grid."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.scan import ScanClass

periods = st.integers(1, 10_000).map(lambda milliseconds: milliseconds / 1_000)


@given(periods, st.floats(0, 10), st.floats(0, 1e6))
def test_next_scan_is_on_the_grid_and_within_one_period(period: float, phase: float, now: float) -> None:
    scan = ScanClass("default", period, phase, (0,))
    due = scan.next_due(now)
    assert now < due <= now + period * 1.001 + phase * (now < phase)
    steps = (due - phase) / period
    assert abs(steps - round(steps)) < 1e-4 * max(1.0, abs(steps))


@given(periods, st.floats(0, 1e4), st.floats(0, 100))
def test_skipped_scans_are_counted(period: float, due: float, late: float) -> None:
    scan = ScanClass("default", period, 0.0, (0,))
    missed = scan.missed(due, due + late)
    assert missed >= 0
    assert due + missed * period <= due + late + 1e-6
    assert due + (missed + 1) * period > due + late - 1e-6
