"""From a register's change to its row in the API, the whole path running: Modbus, agent, MQTT, cloud, PostgreSQL."""

import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks.report import Row
from tests.fixtures.broker import Broker
from tests.fixtures.database import make_postgres
from tests.fixtures.processes import Processes, find_free_port, wait_until

SCAN_MS = 100
OFFERED_PER_S = 5_000
REGISTERS = OFFERED_PER_S * SCAN_MS // 1000 - 1 + 4
CHANGES = 300
GOAL_MS = SCAN_MS + 250
# How often the API is asked; half of it is in the figures on average.
ASK_EVERY_S = 0.01
DEVICE = Path(__file__).with_name("changing_registers.py")


def run() -> list[Row]:
    """All figures."""
    folder = Path(tempfile.mkdtemp(prefix="millstream-latency-"))
    try:
        with ExitStack() as stack:
            return _measure(folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, stack: ExitStack) -> list[Row]:
    server, remove = make_postgres()
    stack.callback(remove)
    processes = Processes(folder)
    stack.callback(processes.close)
    url = server.url(server.create_database())
    broker = Broker(processes).start()
    log = folder / "changes.txt"
    port = stack.enter_context(_device(log))
    api = _Api(processes, url, broker.url)
    config = folder / "agent.toml"
    config.write_text(_agent(broker.url, port))
    processes.millstream("edge", "run", "-c", config, name="agent").start()
    series_id = api.wait_for_series("plant/plc/probe")
    with psycopg.connect(url, autocommit=True) as connection:
        before, started = _sample_count(connection), time.monotonic()
        seen = api.watch(series_id, CHANGES)
        per_s = (_sample_count(connection) - before) / (time.monotonic() - started)
    changed = dict(_read_log(log))
    latencies_ms = sorted((at_us - changed[count]) / 1000 for count, at_us in seen.items() if count in changed)
    made = max(seen) - min(seen) + 1
    cuts = statistics.quantiles(latencies_ms, n=100)
    return [
        Row("samples stored while measuring", per_s, "1/s", OFFERED_PER_S, per_s / OFFERED_PER_S, ">= 0.98"),
        Row("changes of the probe that were seen", len(seen), "", made, len(seen) / made, "= 1"),
        Row(f"change to row in the API, scan {SCAN_MS} ms, p50", cuts[49], "ms"),
        Row(f"change to row in the API, scan {SCAN_MS} ms, p99", cuts[98], "ms", None, None, f"<= {GOAL_MS}"),
        Row(f"change to row in the API, scan {SCAN_MS} ms, worst", latencies_ms[-1], "ms"),
    ]


class _Api:
    """A cloud process and one kept connection to it."""

    def __init__(self, processes: Processes, database_url: str, mqtt_url: str) -> None:
        self._port = find_free_port()
        environment = {
            "MILLSTREAM_DATABASE_URL": database_url,
            "MILLSTREAM_MQTT_URL": mqtt_url,
            "MILLSTREAM_HTTP_PORT": str(self._port),
            "MILLSTREAM_CONSOLE": "off",
        }
        processes.millstream("cloud", "migrate", **environment).start().wait()
        made = processes.millstream(
            "cloud", "key", "create", "--name", "b", "--role", "viewer", "--json", **environment
        )
        made.start().wait()
        self._headers = {"Authorization": f"Bearer {json.loads(made.text())['key']}"}
        processes.millstream("cloud", "run", **environment).start().wait_for_port(self._port)
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)

    def wait_for_series(self, path: str) -> int:
        """The id of a series, as soon as there is one."""
        found = wait_until(lambda: self._items(f"/api/v1/latest?path={path}"), f"{path} has a sample")
        return int(found[0]["id"])

    def watch(self, series_id: int, changes: int) -> dict[int, int]:
        """Ask for new rows of the probe until it changed so often; when each value was first seen."""
        first = str(self._items("/api/v1/latest?path=plant/plc/probe")[0]["time"])
        known = {int(item["value"]) for item in self._items(f"/api/v1/series/{series_id}/samples?from={first}")}
        seen: dict[int, int] = {}
        since = first
        while len(seen) < changes:
            for item in self._items(f"/api/v1/series/{series_id}/samples?from={since}"):
                since = str(item["time"])
                count = int(item["value"])
                if count not in known:
                    seen.setdefault(count, time.time_ns() // 1000)
            time.sleep(ASK_EVERY_S)
        return seen

    def _items(self, address: str) -> list[dict[str, object]]:
        self._connection.request("GET", address, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != http.HTTPStatus.OK:
            return []
        items: list[dict[str, object]] = json.loads(body)["items"]
        return items


def _agent(mqtt_url: str, port: int) -> str:
    head = f"""
[agent]
id = "gw-1"
[mqtt]
url = "{mqtt_url}"
[outbox]
path = "outbox.db"
[[device]]
name = "plc"
path = "plant/plc"
kind = "modbus"
url = "tcp://127.0.0.1:{port}"
[device.scan]
default = "{SCAN_MS}ms"
[[device.tag]]
name = "probe"
address = "holding:0"
type = "uint64"
"""
    tag = '[[device.tag]]\nname = "r{at}"\naddress = "holding:{at}"\ntype = "uint16"\n'
    return head + "".join(tag.format(at=at) for at in range(4, REGISTERS))


@contextmanager
def _device(log: Path) -> Iterator[int]:
    command = [sys.executable, str(DEVICE), "--log", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as device:
        assert device.stdin is not None
        assert device.stdout is not None
        yield int(device.stdout.readline())
        device.stdin.close()


def _read_log(log: Path) -> Iterator[tuple[int, int]]:
    for line in log.read_text().splitlines():
        count, at_us = line.split()
        yield int(count), int(at_us)


def _sample_count(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from sample").fetchone()
    assert row is not None
    return int(row[0])
