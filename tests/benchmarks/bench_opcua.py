"""OPC UA subscription: CPU a change from socket to ReadResult, beside asyncua with a handler that forgets values."""

import asyncio
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from asyncua import Client, ua

from connectors.contract import ReadResult
from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint, SampleTime
from connectors.opcua.values import Columns, ValueDecoder
from tests.benchmarks.opcua_counters import NAMESPACE
from tests.benchmarks.report import Row, alternated
from tests.fixtures.processes import REPOSITORY, find_free_port

ITEMS = 1_000
PERIOD_S = 0.2
WARM_UP = 3 * ITEMS
MEASURED = 20 * ITEMS
PUBLISHING_MS = 100


class WallClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class Meter:
    """CPU time of this process while a number of changes arrives."""

    def __init__(self) -> None:
        self.seen = 0
        self.done = asyncio.Event()
        self._from = (0, 0.0)
        self.us_a_change = 0.0

    def count(self, changes: int) -> None:
        before, self.seen = self.seen, self.seen + changes
        if before < WARM_UP <= self.seen:
            self._from = (self.seen, time.process_time())
        elif self.seen >= WARM_UP + MEASURED and not self.done.is_set():
            seen, cpu_s = self._from
            self.us_a_change = (time.process_time() - cpu_s) / (self.seen - seen) * 1e6
            self.done.set()


def run() -> list[Row]:
    """Measure and compare."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    port = find_free_port()
    missed: list[float] = []
    with _server(port):
        url = f"opc.tcp://127.0.0.1:{port}"
        ours, bare = alternated(lambda: asyncio.run(_connector(url, missed)), lambda: asyncio.run(_asyncua(url)))
    return [
        Row("opcua: CPU a change, socket to ReadResult", ours, "us", bare, ours / bare, "<= 1"),
        Row("opcua: of it ours, after asyncua has decoded", _columns_us(), "us", goal="<= 3"),
        Row("opcua: delivered / offered", min(missed), "", goal="= 1"),
    ]


async def _connector(url: str, complete: list[float]) -> float:
    meter = Meter()
    ticks: list[list[float]] = [[] for _ in range(ITEMS)]
    results: list[ReadResult] = []

    async def deliver(result: ReadResult) -> None:
        results.append(result)
        meter.count(len(result.points))

    config = OpcuaConfig.model_validate({"url": url, "sampling": "50ms", "publishing": "100ms", "queue": 100})
    points = [OpcuaPoint(node=f"nsu={NAMESPACE};s=c{number}") for number in range(ITEMS)]
    connector = KIND.create(config, points, WallClock())
    await connector.open()
    task = asyncio.create_task(connector.subscribe(deliver))
    await asyncio.wait({task, asyncio.create_task(meter.done.wait())}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connector.close()
    for result in results:
        for point, value in zip(result.points, result.values, strict=True):
            ticks[point].append(float(value or 0))
    offered = sum(int(each[-1] - each[0]) + 1 for each in ticks)
    complete.append(sum(len(set(each)) for each in ticks) / offered)
    return meter.us_a_change


async def _asyncua(url: str) -> float:
    meter = Meter()

    class Forgetful:
        def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
            meter.count(1)

    async with _client(url) as client:
        index = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(ua.NodeId(f"c{number}", index)) for number in range(ITEMS)]
        subscription = await client.create_subscription(PUBLISHING_MS, Forgetful())
        await subscription.subscribe_data_change(nodes, queuesize=100, sampling_interval=50)
        await meter.done.wait()
    return meter.us_a_change


@asynccontextmanager
async def _client(url: str) -> AsyncGenerator[Client]:
    client = Client(url)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


def _columns_us() -> float:
    """What is left when asyncua's object tree is there: one message of all items into columns."""
    moment = datetime.now(UTC)
    values = [ua.DataValue(ua.Variant(1.5, ua.VariantType.Double), SourceTimestamp=moment) for _ in range(ITEMS)]
    decoder, counters = ValueDecoder(()), Counter[str]()

    def once() -> float:
        started = time.process_time()
        for _ in range(20):
            columns = Columns(decoder, SampleTime.SOURCE, counters)
            add = columns.add
            for point, value in enumerate(values):
                add(point, value, 0)
            columns.result(None)
        return (time.process_time() - started) / (20 * ITEMS) * 1e6

    return sorted(once() for _ in range(5))[2]


@contextmanager
def _server(port: int) -> Generator[None]:
    command = [sys.executable, "-m", "tests.benchmarks.opcua_counters", str(port), str(ITEMS), str(PERIOD_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == b"ready"
        try:
            yield
        finally:
            server.kill()
