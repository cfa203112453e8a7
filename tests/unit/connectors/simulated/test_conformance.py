"""The suite that every kind must pass, for simulated devices of both deliveries."""

import time

import pytest

from connectors.conformance import CHECKS, Check, Rig
from connectors.simulated import KIND

POINTS = [
    {"signal": "sine", "form": "float"},
    {"signal": "ramp", "form": "integer"},
    {"signal": "step", "form": "boolean"},
    {"signal": "sine", "form": "text"},
]


class Clock:
    """A time of day that the test can move into the daily outage."""

    def __init__(self) -> None:
        self.is_out = False

    def now_us(self) -> int:
        noon_us = 1_700_049_600_000_000
        passing_us = time.monotonic_ns() // 1000 % 3_600_000_000
        return noon_us - (43_200_000_000 if self.is_out else 0) + passing_us

    def monotonic(self) -> float:
        return time.monotonic()

    async def leave(self) -> None:
        self.is_out = True

    async def come_back(self) -> None:
        self.is_out = False


@pytest.mark.parametrize("delivery", ["polled", "subscribed"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_conforms(delivery: str, check: Check):
    clock = Clock()
    await check(
        Rig(
            kind=KIND,
            config={"delivery": delivery, "publishing": "5ms", "outage_every": "24h", "outage_for": "1h"},
            points=POINTS,
            clock=clock,
            break_device=clock.leave,
            restore_device=clock.come_back,
            patience_s=30,
            ahead_us=24 * 3_600_000_000,
        )
    )
