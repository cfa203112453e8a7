"""What the roller takes from memory: nothing that may have been written before everything was told."""

from cloud_api.ingest.screen import FUTURE_LIMIT_US
from cloud_api.rollups.fresh import Fresh
from cloud_api.storage.rollup_marks import MINUTE_US


def test_what_was_ahead_of_the_clock_before_anything_was_told_is_not_covered() -> None:
    fresh, closed_us = Fresh(), 1_000 * MINUTE_US
    assert not fresh.covers(closed_us)
    fresh.advance(closed_us)
    # A minute ends up to one after the watermark, and its samples may be that far ahead of it.
    assert not fresh.covers(closed_us + MINUTE_US + FUTURE_LIMIT_US)
    assert fresh.covers(closed_us + 10 * MINUTE_US)
    fresh.restart()
    assert not fresh.covers(closed_us + 10 * MINUTE_US)
