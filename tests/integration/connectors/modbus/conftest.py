"""Devices for the tests of this folder, and connectors that are closed when a test ends."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from connectors.modbus import KIND
from connectors.modbus.connector import ModbusConnector
from tests.integration.connectors.modbus.plc import Plc, running


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class SteppedClock(SystemClock):
    """The machine's clock, and a monotonic one that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(params=["tcp", "rtu"])
async def plc(request: pytest.FixtureRequest) -> AsyncIterator[Plc]:
    async with running(Plc(request.param)) as device:
        yield device


@pytest.fixture
async def tcp_plc() -> AsyncIterator[Plc]:
    async with running(Plc("tcp")) as device:
        yield device


Connect = Callable[..., Awaitable[ModbusConnector]]


def make(url: str, points: list[dict[str, Any]], clock: SystemClock, **config: Any) -> ModbusConnector:
    """A connector that is not open."""
    return ModbusConnector(
        KIND.config_model.model_validate({"url": url, "timeout": "5s", **config}),
        [KIND.point_model.model_validate(point) for point in points],
        clock,
    )


@pytest.fixture
async def connect(clock: SteppedClock) -> AsyncIterator[Connect]:
    """Make and open connectors."""
    async with AsyncExitStack() as stack:

        async def connect(url: str, points: list[dict[str, Any]], **config: Any) -> ModbusConnector:
            connector = make(url, points, clock, **config)
            stack.push_async_callback(connector.close)
            await connector.open()
            return connector

        yield connect
