"""A connector against real servers of two makes, and somebody to deliver to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Connector, ReadResult
from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint
from schemas.sample import Value
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.servers import NAMESPACE, StartServer, TestServer, server_maker

PATIENCE_S = 45.0
Connect = Callable[..., Connector]


class WallClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class Delivered:
    """Takes deliveries; tells when something that a test waits for has come.

    While the gate is shut, deliveries that `is_held` names do not return, as if the outbox were slow.
    """

    def __init__(self) -> None:
        self.results: list[ReadResult] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.first = asyncio.Event()
        self.is_held: Callable[[ReadResult], bool] = lambda _: True
        self._news = asyncio.Condition()

    async def __call__(self, result: ReadResult) -> None:
        async with self._news:
            self.results.append(result)
            if result.points:
                self.first.set()
            self._news.notify_all()
        if self.is_held(result):
            await self.gate.wait()

    def samples(self, point: int) -> list[tuple[Value, int, int]]:
        return [
            (value, status, time_us)
            for result in self.results
            for at, value, status, time_us in zip(
                result.points, result.values, result.statuses, result.times_us, strict=True
            )
            if at == point
        ]

    def values(self, point: int) -> list[Value]:
        return [value for value, _, _ in self.samples(point)]

    async def wait_for(self, condition: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: bool(condition()))
        except TimeoutError:
            pytest.fail(f"waited in vain until {what}; delivered: {self.results[-3:]}")


class Running:
    """A connector that subscribes in the background."""

    def __init__(self, connector: Connector, delivered: Delivered) -> None:
        self.connector = connector
        self.delivered = delivered
        self.task = asyncio.ensure_future(connector.subscribe(delivered))

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def outcome(self) -> BaseException | None:
        """What ended the subscription, once it has ended."""
        await asyncio.wait([self.task], timeout=PATIENCE_S)
        assert self.task.done(), "the subscription did not end"
        return self.task.exception()


def point(name: str) -> str:
    return f"nsu={NAMESPACE};s={name}"


MAKES = ["asyncua", "node-opcua"]


@pytest.fixture(scope="module", params=MAKES)
def shared_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """One server of either make for all tests of a module that leave it as they found it; it has certificates."""
    folder = tmp_path_factory.mktemp("opcua")
    processes = Processes(folder)
    yield server_maker(processes, request.param)(items=3, certificates=str(folder / "pki"))
    processes.close()


@pytest.fixture(params=MAKES)
def start_server(request: pytest.FixtureRequest, processes: Processes) -> StartServer:
    """Start servers of either make."""
    return server_maker(processes, request.param)


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncIterator[Connect]:
    """Make connectors that are closed after the test; what they keep at the server ends with them, if not asked for."""
    made: list[Connector] = []

    def make(url: str, nodes: Sequence[str], **config: Any) -> Connector:
        defaults = {"publishing": "50ms", "sampling": "20ms", "keep_alive": "500ms", "timeout": "20s"}
        defaults |= {"resume": "nothing", "certificates": str(tmp_path)}
        settings = OpcuaConfig.model_validate({"url": url} | defaults | config)
        connector = KIND.create(settings, [OpcuaPoint(node=node) for node in nodes], WallClock())
        made.append(connector)
        return connector

    yield make
    for connector in made:
        await connector.close()


Subscribe = Callable[[Connector], Awaitable[Running]]


@pytest.fixture
async def subscribe() -> AsyncIterator[Subscribe]:
    """Open a connector and subscribe; stopped after the test."""
    running: list[Running] = []

    async def start(connector: Connector) -> Running:
        await connector.open()
        running.append(Running(connector, Delivered()))
        return running[-1]

    yield start
    for each in running:
        await each.stop()
