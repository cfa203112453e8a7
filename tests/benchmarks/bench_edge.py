"""The edge agent from a device's answer to the durable outbox: CPU a sample, delivered of offered, memory."""

import asyncio
import logging
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from edge_agent import wiring
from edge_agent.clock import AgentClock
from edge_agent.config_files import load
from edge_agent.fleet import Fleet
from edge_agent.packing import Packer
from edge_agent.salvage import OutboxMark, open_outbox
from edge_agent.telemetry import Count, Counters
from edge_agent.writer import OutboxWriter
from schemas.batch import decode
from tests.benchmarks.opcua_counters import NAMESPACE
from tests.benchmarks.report import Row, alternated
from tests.fixtures.processes import REPOSITORY, find_free_port

TAGS = 1_000
BLOCK = 125
POLL_S = 0.05
POLLS = 80
PERIOD_S = 1.0
SETTLED_S = 1.0
MEASURED_S = 4.0
MEMORY_LIMIT_MB = 40.0

HEAD = """
[agent]
id = "bench"
[mqtt]
url = "mqtt://127.0.0.1:1"
[outbox]
path = "outbox.db"
[[device]]
name = "device"
path = "site/area/line"
"""
INTERPRETER = 'print(open("/proc/self/statm").read().split()[1])'
FLOOR = """
import edge_agent.__main__, edge_agent.agent
from connectors import registry
registry.kind("modbus")
print(open("/proc/self/statm").read().split()[1])
"""


def run() -> list[Row]:
    """All figures."""
    return [*_modbus(), *_opcua(), *_memory()]


def _modbus() -> list[Row]:
    complete: list[float] = []
    rows: list[Row] = []
    with _responder() as port:
        for name, stages in (
            ("as read", ""),
            ("scaled, deadband", 'scale = 0.1\ndeadband = 0.5\nmax_silence = "1s"\n'),
        ):
            text = modbus_text(port, stages)
            ours, bare = alternated(
                lambda text=text: asyncio.run(_agent(text, complete)), lambda: asyncio.run(_bare_modbus(port))
            )
            rows.append(Row(f"edge: Modbus register to durable outbox, {name}", ours, "us CPU", bare, None, "<= 5"))
            rows.append(Row("  beside bare pymodbus that throws away", ours, "us CPU", bare, ours / bare))
    return [*rows, Row("edge: Modbus, durable / read", min(complete), "", goal="= 1")]


def _opcua() -> list[Row]:
    complete: list[float] = []
    with _counters() as url:
        ours, bare = alternated(
            lambda: asyncio.run(_agent(opcua_text(url), [], complete)), lambda: asyncio.run(_bare_opcua(url))
        )
    return [
        Row("edge: OPC UA change to durable outbox", ours, "us CPU", bare, ours / bare, "<= 1"),
        Row("edge: OPC UA, durable / offered", min(complete), "", goal="= 1"),
    ]


def _memory() -> list[Row]:
    bare, floor = (memory_mb([sys.executable, "-c", program]) for program in (INTERPRETER, FLOOR))
    with _responder() as port:
        running = _running_mb(modbus_text(port, "", period="1s"))
    return [
        Row("edge: RSS, 1,000 Modbus tags, beside the bare interpreter", running, "MB", bare, running / bare),
        Row("edge: RSS of an agent with Modbus alone", running, "MB", goal=f"<= {MEMORY_LIMIT_MB:g}"),
        Row("edge: the same beside its own imports", running, "MB", floor, running / floor, "<= 1.3"),
    ]


def modbus_text(port: int, stages: str, period: str = "50ms") -> str:
    """The configuration of an agent that polls 1,000 registers."""
    tags = "".join(
        f'[[device.tag]]\nname = "group-{at // 100}/value-{at}"\naddress = "holding:{at}"\n{stages}'
        for at in range(TAGS)
    )
    head = f'kind = "modbus"\nurl = "tcp://127.0.0.1:{port}"\ntimeout = "30s"\n[device.scan]\ndefault = "{period}"\n'
    return HEAD + head + tags


def opcua_text(url: str) -> str:
    """The configuration of an agent that subscribes to 1,000 doubles."""
    tags = "".join(f'[[device.tag]]\nname = "c{at}"\nnode = "nsu={NAMESPACE};s=c{at}"\n' for at in range(TAGS))
    return HEAD + f'kind = "opcua"\nurl = "{url}"\nsampling = "50ms"\npublishing = "100ms"\nqueue = 100\n' + tags


async def _agent(text: str, of_read: list[float], of_offered: list[float] | None = None) -> float:
    """CPU microseconds a sample, of an agent without a broker: devices, stages, outbox."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "agent.toml"
        path.write_text(text)
        config, clock, counters = load(path), AgentClock(), Counters()
        mark = OutboxMark(Path(name) / "mark")
        outbox = open_outbox(config.outbox.path, wiring.caps(config.outbox), mark, clock.now_us()).outbox
        packer = Packer("bench", secrets.token_bytes(16))
        writer = OutboxWriter(outbox, mark, packer, clock, counters, wiring.writer_settings(config))
        fleet = Fleet(writer, clock, counters)
        await fleet.start(config.devices, {})
        task = asyncio.create_task(writer.run())
        await asyncio.sleep(SETTLED_S)
        while not counters[Count.SAMPLES_READ]:
            await asyncio.sleep(0.1)
        before, started = counters[Count.SAMPLES_READ], time.process_time()
        await asyncio.sleep(MEASURED_S)
        samples, cpu_s = counters[Count.SAMPLES_READ] - before, time.process_time() - started
        await fleet.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await writer.close()
        durable = _durable(config.outbox.path)
        of_read.append((len(durable) + counters[Count.SAMPLES_WITHIN_DEADBAND]) / counters[Count.SAMPLES_READ])
        if of_offered is not None:
            of_offered.append(_of_offered(durable))
    return cpu_s / samples * 1e6


def _durable(path: Path) -> list[tuple[int, float]]:
    connection = sqlite3.connect(path)
    payloads = [row[0] for row in connection.execute("select payload from batch")]
    connection.close()
    return [
        (tag, float(value or 0))
        for payload in payloads
        for column in decode(payload).columns
        for tag, value in zip(column.tags, column.values or (), strict=True)
    ]


def _of_offered(durable: list[tuple[int, float]]) -> float:
    """Every item counts up together, so what was offered of one lies between its first and its last value."""
    ticks: dict[int, set[float]] = {}
    for tag, value in durable:
        ticks.setdefault(tag, set()).add(value)
    offered = sum(int(max(seen) - min(seen)) + 1 for seen in ticks.values())
    return sum(len(seen) for seen in ticks.values()) / offered


async def _bare_modbus(port: int) -> float:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=30, reconnect_delay=0)
    await client.connect()
    started, due = time.process_time(), time.monotonic()
    for _ in range(POLLS):
        for first in range(0, TAGS, BLOCK):
            await client.read_holding_registers(first, count=BLOCK, device_id=1)
        due += POLL_S  # as often as the agent scans: waking up has its price, too
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    spent = time.process_time() - started
    client.close()
    return spent / (POLLS * TAGS) * 1e6


async def _bare_opcua(url: str) -> float:
    """CPU microseconds a change of asyncua with a handler that throws away."""
    seen = 0

    class Forgetful:
        def datachange_notification(self, node: object, val: object, data: object) -> None:
            nonlocal seen
            seen += 1

    async with Client(url, timeout=30) as client:
        index = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(ua.NodeId(f"c{number}", index)) for number in range(TAGS)]
        subscription = await client.create_subscription(100, Forgetful())
        await subscription.subscribe_data_change(nodes, queuesize=100, sampling_interval=50)
        await asyncio.sleep(SETTLED_S)
        before, started = seen, time.process_time()
        await asyncio.sleep(MEASURED_S)
        return (time.process_time() - started) / (seen - before) * 1e6


@contextmanager
def _responder() -> Iterator[int]:
    with _serving("modbus_responder") as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextmanager
def _counters() -> Iterator[str]:
    port = find_free_port()
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    with _serving("opcua_counters", str(port), str(TAGS), str(PERIOD_S)) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        yield f"opc.tcp://127.0.0.1:{port}"


@contextmanager
def _serving(program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", f"tests.benchmarks.{program}", *words]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def _running_mb(text: str) -> float:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "agent.toml"
        path.write_text(text)
        with _process([sys.executable, "-m", "millstream", "edge", "run", "-c", str(path)]) as process:
            time.sleep(SETTLED_S + MEASURED_S)
            return _rss_mb(Path(f"/proc/{process.pid}/statm").read_text())


def memory_mb(command: list[str]) -> float:
    """Of a program that prints how many pages it takes."""
    output = subprocess.run(
        command, cwd=REPOSITORY, env=_environment(), capture_output=True, text=True, check=True
    ).stdout
    return _rss_mb(f"0 {output}")


def _rss_mb(statm: str) -> float:
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, cwd=REPOSITORY, env=_environment(), stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def _environment() -> dict[str, str]:
    """Compiled modules are kept, as in an installed agent: compiling at start takes memory of its own."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
