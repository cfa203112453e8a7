"""The whole edge: OPC UA server, agent, durable outbox, MQTT, with somebody who acknowledges. Beside bare asyncua.

The agent is a process like any installed one, and its CPU and memory are those of that process. The server is
opcua_replay.py, which stamps each change when it is offered, so latency is arrival less source time. Bare asyncua meets
the same server in the same run, and throws its values away.
"""

import asyncio
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from paho.mqtt.client import MQTTMessage

from schemas.topics import Channel
from tests.benchmarks.bench_edge import memory_mb
from tests.benchmarks.bench_opcua import ITEMS, serving
from tests.benchmarks.opcua_replay import NAMESPACE
from tests.benchmarks.report import Row
from tests.fixtures.broker import Broker
from tests.fixtures.processes import Processes, wait_until
from tests.integration.edge_agent.peer import Peer

WINDOWS = 3
SETTLED_S = 2.0
WINDOW_S = 6.0
PERIOD_S = 1.0
GOAL_LATENCY = 1.2
ALLOWED_MS = 20.0
BATCH_WINDOW = "20ms"
AGENT = """
[agent]
id = "bench"
[mqtt]
url = "{broker}"
[outbox]
path = "outbox.db"
[batch]
window = "{window}"
[[device]]
name = "device"
path = "site/area/line"
kind = "opcua"
url = "{url}"
sampling = "50ms"
publishing = "100ms"
queue = 10
resume = "nothing"
timeout = "60s"
"""
FLOOR = """
import edge_agent.__main__, edge_agent.agent, numpy
from connectors import registry
registry.kind("opcua")
print(open("/proc/self/statm").read().split()[1])
"""


@dataclass
class Window:
    """What was seen in one window, of one side."""

    us_a_sample: float = 0.0
    latencies_ms: list[float] = field(default_factory=list[float])
    delivered: float = 0.0
    rss_mb: float = 0.0

    @property
    def p99_ms(self) -> float:
        return statistics.quantiles(self.latencies_ms, n=100)[98]


def run() -> list[Row]:
    """All figures."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="millstream-whole-"))
    processes = Processes(folder)
    try:
        with serving(folder, PERIOD_S, "uniform") as url:
            broker = Broker(processes).start()
            pairs = [(_whole(processes, broker, url), asyncio.run(_bare(url))) for _ in range(WINDOWS)]
    finally:
        processes.close()
        shutil.rmtree(folder, ignore_errors=True)
    return _rows([ours for ours, _ in pairs], [bare for _, bare in pairs])


def _rows(ours: list[Window], bare: list[Window]) -> list[Row]:
    cpu, reference = (statistics.median(window.us_a_sample for window in side) for side in (ours, bare))
    p99, callback = (statistics.median(window.p99_ms for window in side) for side in (ours, bare))
    allowed = GOAL_LATENCY * callback + ALLOWED_MS
    floor = memory_mb([sys.executable, "-c", FLOOR])
    rss = max(window.rss_mb for window in ours)
    return [
        Row("whole: OPC UA to MQTT, CPU a sample, 10,000 x 1 s", cpu, "us", reference, cpu / reference, "<= 0.125"),
        Row("whole: delivered / offered", min(window.delivered for window in ours), "", goal="= 1"),
        Row(f"whole: change to MQTT, batches of {BATCH_WINDOW}, p99", p99, "ms", callback, None, f"<= {allowed:.0f}"),
        Row("whole: RSS at 10,000 tags, beside its imports", rss, "MB", floor, rss / floor, "<= 1.6"),
    ]


class Listener(Peer):
    """Acknowledges like the cloud, and notes when each batch came."""

    def __init__(self, url: str) -> None:
        self.arrived_us: dict[tuple[bytes, int], int] = {}
        super().__init__(url)

    def _received(self, client: Any, data: object, message: MQTTMessage) -> None:
        now_us = time.time_ns() // 1000
        super()._received(client, data, message)
        topic = self.topics.parse(message.topic)
        if topic is not None and topic.channel is Channel.BATCH:
            last = self.arrivals[-1]
            self.arrived_us.setdefault((last.epoch, last.seq), now_us)
            self.acknowledge(topic.agent, last.epoch)


def _whole(processes: Processes, broker: Broker, url: str) -> Window:
    """One agent from its start to its end, measured in between."""
    folder = Path(tempfile.mkdtemp(dir=processes.folder))
    config = folder / "agent.toml"
    tags = "".join(f'[[device.tag]]\nname = "c{at}"\nnode = "nsu={NAMESPACE};s=c{at}"\n' for at in range(ITEMS))
    config.write_text(AGENT.format(broker=broker.url, url=url, window=BATCH_WINDOW) + tags)
    listener = Listener(broker.url)
    with _agent(config) as process:
        wait_until(lambda: len(listener.arrived_us) > 30, "samples flow")
        time.sleep(SETTLED_S)
        cpu_s, began_us = _cpu_s(process.pid), time.time_ns() // 1000
        time.sleep(WINDOW_S)
        cpu_s, ended_us = _cpu_s(process.pid) - cpu_s, time.time_ns() // 1000
        rss_mb = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    listener.close()
    return _seen(listener, began_us, ended_us, Window(us_a_sample=cpu_s * 1e6, rss_mb=rss_mb))


def _seen(listener: Listener, began_us: int, ended_us: int, window: Window) -> Window:
    """Latency of what arrived in the window; delivered of what was offered to each item meanwhile."""
    ticks: list[set[float]] = [set() for _ in range(ITEMS)]
    for key, batch in listener.batches.items():
        arrived_us = listener.arrived_us[key]
        if not began_us <= arrived_us < ended_us:
            continue
        for column in batch.columns:
            window.latencies_ms += [(arrived_us - time_us) / 1000 for time_us in column.times_us]
            for tag, value in zip(column.tags, column.values or (), strict=True):
                ticks[tag].add(float(value or 0))
    window.us_a_sample /= len(window.latencies_ms)
    offered = sum(max(each) - min(each) + 1 for each in ticks)
    window.delivered = sum(len(each) for each in ticks) / offered
    return window


async def _bare(url: str) -> Window:
    """asyncua and a handler that throws values away; what notes the times is measured apart from what is timed."""
    window = Window()
    window.us_a_sample, _ = await _subscribed(url, is_noting=False)
    _, window.latencies_ms = await _subscribed(url, is_noting=True)
    return window


async def _subscribed(url: str, *, is_noting: bool) -> tuple[float, list[float]]:
    seen = 0
    latencies_ms: list[float] = []

    class Forgetful:
        def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
            nonlocal seen
            seen += 1

    class Noting(Forgetful):
        def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
            nonlocal seen
            seen += 1
            latencies_ms.append(time.time() - data.monitored_item.Value.SourceTimestamp.timestamp())

    async with Client(url, timeout=60, watchdog_intervall=60) as client:
        index = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(ua.NodeId(f"c{number}", index)) for number in range(ITEMS)]
        subscription = await client.create_subscription(100, Noting() if is_noting else Forgetful())
        for first in range(0, ITEMS, 1_000):
            await subscription.subscribe_data_change(nodes[first : first + 1_000], queuesize=10, sampling_interval=50)
        while seen < 2 * ITEMS:
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLED_S)
        latencies_ms.clear()
        before, started = seen, time.process_time()
        await asyncio.sleep(WINDOW_S)
        return (time.process_time() - started) / (seen - before) * 1e6, [1000 * each for each in latencies_ms]


@contextmanager
def _agent(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "millstream", "edge", "run", "-c", str(config)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def _cpu_s(pid: int) -> float:
    """User and system time of a process and the threads it has."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
