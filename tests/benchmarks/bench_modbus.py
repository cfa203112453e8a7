"""Modbus block reads: requests a second and processor time a register, beside the bare pymodbus loop."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusTcpClient

from connectors.modbus import KIND
from connectors.modbus.connector import ModbusConnector
from tests.benchmarks import modbus_fleet
from tests.benchmarks.report import Row, alternated

REGISTERS = 1000
BLOCK = 125
POLLS = 200
FAR_MS = 5
FAR_POLLS = 10
DEVICES = 50
TAGS = 100
FLEET_S = 15.0
Polling = Callable[[], Awaitable[object]]


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def run() -> list[Row]:
    """All figures."""
    with _responder() as port, asyncio.Runner() as runner:
        rows = _measure_all(runner.run, port)
    with _responder("1", str(FAR_MS)) as port, asyncio.Runner() as runner:
        rows += _measure_far(runner.run, port)
    with _responder(str(DEVICES), str(FAR_MS)) as port, asyncio.Runner() as runner:
        rows += _measure_fleet(runner.run(modbus_fleet.run(port, DEVICES, TAGS, FLEET_S)))
    return rows


def _measure_far(wait: Callable[[Any], Any], port: int) -> list[Row]:
    """A device whose answers take their time: one request on the way, and eight."""
    points = [{"address": f"holding:{at}"} for at in range(REGISTERS)]
    bare = wait(_bare_client(port))
    rows: list[Row] = []
    for outstanding, goal in ((1, ">= 0.9"), (8, ">= 4")):
        connector = wait(_opened(port, points, outstanding))
        taken, reference = alternated(
            lambda connector=connector: wait(_timed(lambda: connector.read(range(REGISTERS)), polls=FAR_POLLS)),
            lambda: wait(_timed(lambda: _bare_poll(bare), polls=FAR_POLLS)),
        )
        per_poll = REGISTERS // BLOCK
        rows.append(Row(f"requests, {outstanding} on the way, answers after {FAR_MS} ms", per_poll / taken, "1/s",
                        per_poll / reference, reference / taken, goal))  # fmt: skip
        wait(connector.close())
    wait(_close(bare))
    return rows


def _measure_fleet(found: modbus_fleet.FleetRun) -> list[Row]:
    name = f"{DEVICES} devices x {TAGS} tags x 1 s"
    return [
        Row(f"{name}: overruns", 100 * found.overruns / found.scans, "%", goal="<= 1"),
        Row(f"{name}: samples delivered of those due", found.samples / (found.scans * TAGS), "", goal=">= 0.98"),
        Row("  latest scan", 1000 * found.latest_s, "ms"),
        Row("  share of one core", 100 * found.cpu_share, "%"),
    ]


def _measure_all(wait: Callable[[Any], Any], port: int) -> list[Row]:
    words = wait(_opened(port, [{"address": f"holding:{at}"} for at in range(REGISTERS)]))
    floats = wait(_opened(port, [{"address": f"holding:{at}", "type": "float32"} for at in range(0, REGISTERS, 2)]))
    mixed = wait(_opened(port, _mixed()))
    bare = wait(_bare_client(port))

    def timed(polling: Polling, *, is_cpu: bool) -> Callable[[], float]:
        return lambda: wait(_timed(polling, is_cpu=is_cpu))

    async def bare_poll() -> None:
        await _bare_poll(bare)

    def product(connector: ModbusConnector, tags: int) -> Polling:
        return lambda: connector.read(range(tags))

    per_poll = REGISTERS // BLOCK
    taken, reference = alternated(timed(product(words, REGISTERS), is_cpu=False), timed(bare_poll, is_cpu=False))
    rows = [
        Row("requests, one connection", per_poll / taken, "1/s", per_poll / reference, reference / taken, ">= 0.9"),
    ]
    for name, connector, tags in (
        ("1,000 uint16 tags", words, REGISTERS),
        ("500 float32 tags", floats, REGISTERS // 2),
        ("mixed types and orders", mixed, len(_mixed())),
    ):
        taken, reference = alternated(timed(product(connector, tags), is_cpu=True), timed(bare_poll, is_cpu=True))
        per_register = 1e6 / REGISTERS
        rows.append(Row(f"CPU a register, {name}", taken * per_register, "us", reference * per_register, None, "<= 2"))
        rows.append(Row("  beside pymodbus that throws away", taken * per_register, "us", reference * per_register,
                        taken / reference, "<= 1.5"))  # fmt: skip
    for connector in (words, floats, mixed):
        wait(connector.close())
    wait(_close(bare))
    return rows


def _mixed() -> list[dict[str, Any]]:
    """Tags that fill 1,000 registers with every kind of work: swapped orders, bits, halves, digits, text."""
    ten: list[dict[str, Any]] = [
        {"address": 0, "type": "float32", "order": "CDAB"},
        {"address": 2, "type": "int32", "order": "DCBA"},
        {"address": 4, "type": "uint16"},
        {"address": "5.3"},
        {"address": "5.11"},
        {"address": 6, "type": "int8_low"},
        {"address": 7, "type": "bcd16"},
        {"address": 8, "type": "string", "length": 2, "encoding": "latin-1"},
    ]
    points: list[dict[str, Any]] = []
    for base in range(0, REGISTERS, 10):
        for point in ten:
            number, dot, bit = str(point["address"]).partition(".")
            points.append({**point, "address": f"holding:{base + int(number)}{dot}{bit}"})
    return points


async def _opened(port: int, points: list[dict[str, Any]], outstanding: int = 1) -> ModbusConnector:
    keys = {"url": f"tcp://127.0.0.1:{port}", "timeout": "30s", "outstanding": outstanding, "max_gap": 0}
    config = KIND.config_model.model_validate(keys)
    connector = ModbusConnector(config, [KIND.point_model.model_validate(point) for point in points], SystemClock())
    await connector.open()
    return connector


async def _bare_client(port: int) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=30, reconnect_delay=0)
    await client.connect()
    return client


async def _bare_poll(client: AsyncModbusTcpClient) -> None:
    for first in range(0, REGISTERS, BLOCK):
        await client.read_holding_registers(first, count=BLOCK, device_id=1)


async def _close(client: AsyncModbusTcpClient) -> None:
    client.close()


async def _timed(polling: Polling, *, is_cpu: bool = False, polls: int = POLLS) -> float:
    """Seconds a poll takes, of the wall clock or of this process's processor."""
    clock = time.process_time if is_cpu else time.perf_counter
    started = clock()
    for _ in range(polls):
        await polling()
    return (clock() - started) / polls


@contextmanager
def _responder(*arguments: str) -> Iterator[int]:
    program = Path(__file__).with_name("modbus_responder.py")
    with subprocess.Popen(
        [sys.executable, program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate()


if __name__ == "__main__":
    from tests.benchmarks.report import table

    print(table(run()))
