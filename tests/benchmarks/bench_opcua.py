"""OPC UA subscription: CPU a change from socket to ReadResult, beside asyncua with a handler that forgets values.

The server is opcua_replay.py in its own process: asyncua's server, whose notifications are made as bytes at once,
because asyncua's own could not offer what is measured here. Both clients meet the same server in turn.
"""

import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import struct_to_binary

from connectors.contract import ReadResult
from connectors.opcua import KIND
from connectors.opcua.config import OpcuaConfig, OpcuaPoint, SampleTime
from connectors.opcua.messages import MessageDecoder
from connectors.opcua.values import Columns, ValueDecoder
from tests.benchmarks.opcua_replay import NAMESPACE
from tests.benchmarks.report import WINDOWS, Row
from tests.fixtures.processes import REPOSITORY, find_free_port

ITEMS = 10_000
WINDOW_S = 4.0
FIRSTS = 7
"""Pairs of first values: the server collects its garbage for 0.3 s in some of them, on either side."""
PROBE_S = 0.1
LEAST_S = 0.04  # 250,000 changes a second: a probe beside other work may reach too little
OFFERED = 4.6  # times what asyncua reaches
SECURE = "Basic256Sha256/SignAndEncrypt"


class WallClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Window:
    """What one client did in one window."""

    first_values_s: float = 0.0
    us_a_change: float = 0.0
    changes_a_second: float = 0.0
    delivered: float = 0.0
    """Of what the server offered to each item between its first and its last change in the window."""


@dataclass
class Meter:
    """Counts changes, and CPU time of this process while they come."""

    started: float = field(default_factory=time.monotonic)
    seen: int = 0
    first_values: asyncio.Event = field(default_factory=asyncio.Event)
    window: Window = field(default_factory=Window)

    def count(self, changes: int) -> None:
        self.seen += changes
        if self.seen >= ITEMS and not self.first_values.is_set():
            self.window.first_values_s = time.monotonic() - self.started
            self.first_values.set()

    async def measure(self, *, is_whole: bool) -> Window:
        """Wait for the first values; for a whole window let the stream begin, then take it."""
        await self.first_values.wait()
        if not is_whole:
            return self.window
        while self.seen < 2 * ITEMS:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        seen, cpu_s, began = self.seen, time.process_time(), time.monotonic()
        await asyncio.sleep(WINDOW_S)
        changes = self.seen - seen
        self.window.us_a_change = (time.process_time() - cpu_s) / changes * 1e6
        self.window.changes_a_second = changes / (time.monotonic() - began)
        return self.window


def run() -> list[Row]:
    """Measure and compare."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kinds, security in (
            ("doubles", "uniform", "None"),
            ("five types mixed", "mixed", "None"),
            ("doubles, encrypted", "uniform", SECURE),
        ):
            ours, bare = _alternated(Path(folder), 1.0, kinds, security)
            cpu, reference = _median(ours, "us_a_change"), _median(bare, "us_a_change")
            rows.append(
                Row(f"opcua: CPU a change, {name}, 10,000 x 1 s", cpu, "us", reference, cpu / reference, "<= 0.05")
            )
            if kinds == "uniform" and security == "None":
                rows.append(_first_values(Path(folder)))
            rows.append(Row(f"opcua: delivered / offered, {name}", min(w.delivered for w in ours), "", goal="= 1"))
        rows += _ceiling(Path(folder))
    return rows + _decoders()


def _first_values(folder: Path) -> Row:
    ours, bare = _alternated(folder, 1.0, "uniform", "None", firsts=FIRSTS)
    first, beside = _median(ours, "first_values_s"), _median(bare, "first_values_s")
    return Row("opcua: first values of 10,000 items", first, "s", beside, first / beside, "<= 1.2")


def _ceiling(folder: Path) -> list[Row]:
    """More is offered than asyncua could ever reach here, or the factor would say nothing of our own ceiling."""
    with serving(folder, PROBE_S, "uniform") as url:
        reached = asyncio.run(_asyncua(url, folder, "None", is_whole=True)).changes_a_second
    period_s = min(LEAST_S, ITEMS / (OFFERED * reached))
    ours, bare = _alternated(folder, period_s, "uniform", "None")
    ceiling = max(reached, *(window.changes_a_second for window in bare))
    rate, offered = _median(ours, "changes_a_second"), ITEMS / period_s
    return [
        Row(f"opcua: changes a second, {offered:,.0f} offered", rate, "1/s", ceiling, rate / ceiling, ">= 4"),
        Row("opcua: delivered / offered at that rate", min(w.delivered for w in ours), "", goal="= 1"),
    ]


def _alternated(
    folder: Path, period_s: float, kinds: str, security: str, firsts: int = 0
) -> tuple[list[Window], list[Window]]:
    """Whole windows, or so many that end with the first values."""
    ours: list[Window] = []
    bare: list[Window] = []
    is_counting, is_whole = kinds == "uniform", not firsts
    with serving(folder, period_s, kinds) as url:
        for _ in range(firsts or WINDOWS):
            ours.append(asyncio.run(_connector(url, folder, security, is_counting=is_counting, is_whole=is_whole)))
            bare.append(asyncio.run(_asyncua(url, folder, security, is_whole=is_whole)))
    return ours, bare


def _median(windows: list[Window], figure: str) -> float:
    return statistics.median(getattr(window, figure) for window in windows)


async def _connector(url: str, folder: Path, security: str, *, is_counting: bool, is_whole: bool) -> Window:
    results: list[ReadResult] = []
    meter = Meter()

    async def deliver(result: ReadResult) -> None:
        results.append(result)
        meter.count(len(result.points))

    settings = {"url": url, "sampling": "50ms", "publishing": "100ms", "queue": 10, "security": security}
    settings |= {"resume": "nothing", "timeout": "60s"}
    config = OpcuaConfig.model_validate(settings | {"certificates": folder / "ours"})
    points = [OpcuaPoint(node=f"nsu={NAMESPACE};s=c{number}") for number in range(ITEMS)]
    connector = KIND.create(config, points, WallClock())
    meter.started = time.monotonic()
    await connector.open()
    task = asyncio.create_task(connector.subscribe(deliver))
    window = asyncio.create_task(meter.measure(is_whole=is_whole))
    await asyncio.wait({task, window}, return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await connector.close()
    if is_whole:
        window.result().delivered = _delivered(results, is_counting=is_counting)
    return window.result()


def _delivered(results: list[ReadResult], *, is_counting: bool) -> float:
    """Each value of an item is one more than its last; booleans only change, so there the times tell."""
    ticks: list[set[float]] = [set() for _ in range(ITEMS)]
    for result in results:
        for point, value, time_us in zip(result.points, result.values, result.times_us, strict=True):
            ticks[point].add(float(value or 0) if is_counting else time_us)
    if not is_counting:
        every = set().union(*(each - {min(each)} for each in ticks))
        return min(len(each) for each in ticks) / (len(every) + 1)
    streams = [sorted(each)[1:] for each in ticks]
    return sum(len(each) for each in streams) / sum(each[-1] - each[0] + 1 for each in streams)


async def _asyncua(url: str, folder: Path, security: str, *, is_whole: bool) -> Window:
    meter = Meter()

    class Forgetful:
        def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
            meter.count(1)

    async with _client(url, folder, security) as client:
        index = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(ua.NodeId(f"c{number}", index)) for number in range(ITEMS)]
        subscription = await client.create_subscription(100, Forgetful())
        for first in range(0, ITEMS, 1_000):
            await subscription.subscribe_data_change(nodes[first : first + 1_000], queuesize=10, sampling_interval=50)
        return await meter.measure(is_whole=is_whole)


@asynccontextmanager
async def _client(url: str, folder: Path, security: str) -> AsyncGenerator[Client]:
    # Its watchdog gives the server one second: on a busy machine it ends the session while items are created.
    client = Client(url, timeout=60, watchdog_intervall=60)
    if security != "None":
        key, certificate = folder / "bare.pem", folder / "bare.der"
        await setup_self_signed_certificate(key, certificate, client.application_uri, "localhost", [], {})
        await client.set_security(
            SecurityPolicyBasic256Sha256, str(certificate), str(key), mode=ua.MessageSecurityMode.SignAndEncrypt
        )
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()


def _decoders() -> list[Row]:
    """Decoding alone: one message of 1,000 changes into columns, by each way."""
    moment = ua.get_win_epoch().replace(year=2024)
    response: Any = ua.PublishResponse()
    mixed: Any = ua.PublishResponse()
    kinds = (ua.VariantType.Double, ua.VariantType.Float, ua.VariantType.Int32, ua.VariantType.Boolean)
    for answer, count in ((response, 1), (mixed, len(kinds))):
        items = [
            ua.MonitoredItemNotification(
                number, ua.DataValue(ua.Variant(number % 2, kinds[number % count]), None, moment, moment)
            )
            for number in range(1_000)
        ]
        answer.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=items)]
    reference = _decode_us(MessageDecoder(is_batch=False), struct_to_binary(response))
    rows: list[Row] = []
    for name, body, with_numpy in (
        ("doubles, numpy", response, True),
        ("doubles, no numpy", response, False),
        ("four types mixed", mixed, False),
    ):
        us = _decode_us(MessageDecoder(is_batch=True, with_numpy=with_numpy), struct_to_binary(body))
        rows.append(Row(f"opcua: decoding a change, {name}", us, "us", reference, us / reference, "<= 0.05"))
    return rows


def _decode_us(decoder: MessageDecoder, body: bytes) -> float:
    values, counters = ValueDecoder(()), dict[str, int]()

    def once() -> float:
        started = time.process_time()
        for _ in range(20):
            columns = Columns(values, SampleTime.SOURCE, counters)  # type: ignore[arg-type]
            for notification in decoder.decode(body).notifications:
                if isinstance(notification, ua.DataChangeNotification):
                    for item in notification.MonitoredItems:
                        columns.add(item.ClientHandle, item.Value, 0)
                else:
                    columns.extend(notification, 0, 1_000)
            assert len(columns) == 1_000
        return (time.process_time() - started) / 20_000 * 1e6

    return statistics.median(once() for _ in range(7))


@contextmanager
def serving(folder: Path, period_s: float, kinds: str) -> Generator[str]:
    port = find_free_port()
    options = {"port": port, "items": ITEMS, "period_s": period_s, "kinds": kinds, "certificates": str(folder)}
    command = [sys.executable, "-m", "tests.benchmarks.opcua_replay", json.dumps(options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == b"ready"
        try:
            yield f"opc.tcp://127.0.0.1:{port}"
        finally:
            server.kill()
