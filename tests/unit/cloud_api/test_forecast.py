"""When the disk would be full, by the pace of the last week."""

import pytest

from cloud_api.retention.forecast import DAY_S, Measured, days_to_full

GIB = 2**30


def growing(days: float, bytes_a_day: float, steps: int = 50) -> list[Measured]:
    """Measurements of a database that grows evenly."""
    return [
        Measured(days * DAY_S * step / steps, round(100 * GIB + bytes_a_day * days * step / steps))
        for step in range(steps + 1)
    ]


def test_an_even_pace_fills_what_is_free():
    assert days_to_full(growing(7, GIB), 30 * GIB) == pytest.approx(30, rel=1e-6)


def test_only_the_last_week_counts():
    early = [Measured(-20 * DAY_S, 0), Measured(-10 * DAY_S, 99 * GIB)]
    assert days_to_full(early + growing(7, GIB), 30 * GIB) == pytest.approx(30, rel=1e-6)


def test_steps_of_compression_do_not_hide_the_pace():
    sawtooth = [
        Measured(each.at_s, each.database_bytes + (index % 10) * GIB // 10)
        for index, each in enumerate(growing(7, GIB))
    ]
    assert days_to_full(sawtooth, 30 * GIB) == pytest.approx(30, rel=0.1)


@pytest.mark.parametrize(
    ("measured", "free"),
    [
        ([], GIB),
        (growing(7, GIB), None),
        (growing(0.01, GIB), GIB),
        (growing(7, 0), GIB),
        (growing(7, -GIB), GIB),
    ],
)
def test_nothing_is_foretold_where_nothing_is_known_or_nothing_grows(measured: list[Measured], free: int | None):
    assert days_to_full(measured, free) is None


def test_a_full_disk_is_full_now():
    assert days_to_full(growing(7, GIB), 0) == 0
