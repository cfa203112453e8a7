"""`millstream demo` from outside: what a newcomer sees, asks, stops, breaks and starts again."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import psutil
import pytest

from tests.acceptance.demo import ANY_PORTS, Demo, are_gone
from tests.fixtures.processes import wait_until

BAD_SENSOR_FAILURE = 0x808C0000
Start: TypeAlias = Callable[..., Demo]
ALL_TIME = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demonstration for all tests that leave it as it is; its plant runs three times as fast as real time."""
    running = Demo(tmp_path_factory.mktemp("demo") / "data of mine", ["--speed", "3"]).wait_ready()
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start demonstrations that end with the test, whatever becomes of it."""
    started: list[Demo] = []

    def start(*arguments: Any, **options: Any) -> Demo:
        started.append(Demo(*arguments, **options))
        return started[-1]

    yield start
    for demo in started:
        demo.stop()


def test_shows_where_everything_is(demo: Demo):
    outcome = demo.outcome
    assert outcome.keys() == {"api", "api_key", "mqtt", "database", "console", "user", "password"}
    for shown in (outcome["api"], outcome["api"] + "/docs", outcome["api_key"], outcome["mqtt"], "curl -s"):
        assert shown in demo.said


def test_keeps_its_secrets_to_its_owner(demo: Demo):
    open_files = [
        path
        for path in demo.data.rglob("*")
        if path.is_file() and "database/" not in str(path) and path.stat().st_mode & 0o077
    ]
    assert not open_files
    assert demo.data.stat().st_mode & 0o077 == 0


def test_listens_on_loopback_alone(demo: Demo):
    listeners = [
        connection.laddr.ip
        for child in demo.children
        for connection in child.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listeners) >= 4
    assert set(listeners) == {"127.0.0.1"}


def test_the_pasted_question_is_answered(demo: Demo):
    (line,) = [line for line in demo.said.splitlines() if line.strip().startswith("curl ")]
    answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout
    assert "imm-1/zone-1/temperature" in answer


def test_answers_nobody_without_the_key(demo: Demo):
    assert demo.request("/api/v1/latest?path=**", key="wrong")[0] == 401
    assert demo.request("/health/ready", key="")[0] == 200
    assert demo.request("/docs", key="")[0] == 200


def test_first_samples_of_both_protocols_are_there_at_once(demo: Demo):
    latest = wait_until(lambda: len(found := demo.latest("**")) >= 91 and found, "all 91 series", 10.0)
    pressure, zone = latest["cooling-water/supply/pressure"], latest["imm-1/zone-1/setpoint"]
    assert (pressure["unit"], pressure["quality"], pressure["status"]) == ("bar", "good", 0)
    assert 0 <= pressure["value"] < 5
    assert (zone["unit"], zone["quality"], zone["value"]) == ("°C", "good", 225.0)
    assert latest["cooling-water/pump/enable"]["value"] is True
    assert latest["imm-1/clamp/closed"]["value"] in (True, False)


def test_text_and_64_bits_come_back_as_they_were_read(demo: Demo):
    latest = demo.latest("**")
    assert latest["energy-meter/model"]["value"] == "MS-EM3 能源表"
    assert latest["imm-1/recipe"]["value"] == "齿轮箱壳体 PA66-GF30"
    assert isinstance(latest["imm-1/cycle/count"]["value"], int)
    series = latest["energy-meter/energy/active"]["id"]

    def read() -> list[int]:
        return [item["value"] for item in demo.ask(f"/series/{series}/samples?{ALL_TIME}")["items"]]

    # A double holds no odd number of this size.
    wait_until(lambda: any(count % 2 for count in read()), "an odd count of the meter", 60.0)
    counts = read()
    assert counts == sorted(counts)
    assert counts[0] > 2**53


def test_averages_are_computed(demo: Demo):
    series = demo.latest("**/energy-meter/frequency")["energy-meter/frequency"]["id"]
    question = {
        "series": [series],
        "from": "2020-01-01T00:00:00Z",
        "to": "2100-01-01T00:00:00Z",
        "points": 1,
        "aggregate": ["average", "count"],
    }
    (found,) = demo.ask("/query", question)["series"]
    (row,) = found["rows"]
    answer = dict(zip(found["columns"], row, strict=True))
    assert 49 < answer["average"] < 51
    assert answer["count"] >= 1


def test_broken_sensor_is_a_bad_status_without_a_value_and_it_heals(demo: Demo):
    def broken() -> dict[str, object] | None:
        found = [item for item in demo.latest("**/temperature").values() if item["status"] == BAD_SENSOR_FAILURE]
        return found[0] if found else None

    # At three times real time the first fault comes within 17 s.
    item = wait_until(broken, "a broken sensor", 120.0)
    assert item["value"] is None
    assert item["quality"] == "bad"

    def statuses() -> list[int]:
        items = demo.ask(f"/series/{item['id']}/samples?{ALL_TIME}&limit=10000")["items"]
        return [sample["status"] for sample in items]

    wait_until(lambda: statuses()[-1] == 0, "the sensor's repair", 120.0)
    assert BAD_SENSOR_FAILURE in statuses()


def test_agent_is_online_and_nothing_is_rejected(demo: Demo):
    (agent,) = demo.ask("/agents")["items"]
    assert agent["status"] == "online"
    assert demo.ask("/rejects")["items"] == []
    assert demo.ask("/gaps")["items"] == []


def test_second_demonstration_on_the_same_data_is_refused(demo: Demo):
    command = [sys.executable, "-m", "millstream", "demo", "--data", demo.data, *ANY_PORTS]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert str(demo.data) in refused.stderr
    assert "--data" in refused.stderr
    assert demo.request("/health/ready")[0] == 200


@pytest.mark.parametrize("option", ["--port", "--mqtt-port", "--opcua-port", "--modbus-port"])
def test_port_in_use_is_named_with_its_option_before_anything_starts(option: str, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "millstream", "demo", "--data", tmp_path / "data", *ANY_PORTS, option, port]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert port in refused.stderr
    assert f"{option} N" in refused.stderr
    assert not (tmp_path / "data" / "database").exists()


def test_stops_every_child_and_goes_on_from_the_earlier_data(start: Start, tmp_path: Path):
    first = start(tmp_path / "data").wait_ready()
    children, key = first.children, first.outcome["api_key"]
    assert len(children) >= 5
    series = first.latest("**/frequency")["energy-meter/frequency"]["id"]
    earliest = first.ask(f"/series/{series}/samples?{ALL_TIME}")["items"][0]
    assert first.stop() == 0
    assert are_gone(children)
    assert not (tmp_path / "data" / "demo.json").exists()

    second = start(tmp_path / "data", environment={"LANG": "zh_CN.UTF-8"}).wait_ready()
    assert second.outcome["api_key"] == key
    assert second.ask(f"/series/{series}/samples?{ALL_TIME}")["items"][0] == earliest
    assert "正在运行" in second.said
    wait_until(lambda: second.ask("/gaps")["items"], "the gap between the two runs")
    assert {gap["reason"] for gap in second.ask("/gaps")["items"]} == {"agent_stopped"}
    children = second.children
    second.send(signal.SIGTERM)
    assert second.wait_ended() == 0
    assert are_gone(children)


def test_child_that_dies_comes_back(start: Start, tmp_path: Path):
    demo = start(tmp_path / "data").wait_ready()
    demo.cloud.kill()
    wait_until(lambda: "runs again" in demo.said, "the cloud's return")
    wait_until(lambda: demo.request("/health/ready")[0] == 200, "the cloud to be ready")
    assert demo.latest("**")


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(start: Start, tmp_path: Path):
    demo = start(tmp_path / "data").wait_ready()
    children = demo.children
    demo.send(signal.SIGKILL)
    demo.wait_ended()
    wait_until(lambda: are_gone(children), "the end of all children")
    assert start(tmp_path / "data").wait_ready().latest("**")


def test_ends_by_itself_when_its_time_is_over(start: Start, tmp_path: Path):
    demo = start(tmp_path / "data", ["--duration", "1"])
    assert demo.wait_ended() == 0
    assert str(tmp_path / "data") in demo.said.splitlines()[-1]


def test_long_paths_are_no_obstacle(start: Start, tmp_path: Path):
    deep = tmp_path / ("deep " * 25).strip() / "资料"
    deep.parent.mkdir()
    demo = start(deep).wait_ready()
    socket_directory = unquote(demo.outcome["database"].partition("?host=")[2])
    assert demo.latest("**")
    assert demo.stop() == 0
    assert not Path(socket_directory).is_relative_to(deep)
    assert not Path(socket_directory).exists()
