"""Every hole has its reason and the right blame: device, line, agent, broker, database are really cut or killed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fixtures.broker import Broker
from tests.fixtures.database import PostgresServer
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.processes import wait_until
from tests.fixtures.stack import Agent, ScannedDevice, Stack

AGENT = "gw-1"
# Long enough for ingest to notice that the part is away, and for a small outbox to run full.
DATABASE_DOWN_US, BROKER_DOWN_US = 9_000_000, 5_000_000
PAUSE_US = 3_100_000
SLACK_US = 3_000_000
FULL_AT_LAST = ("outbox_full", "database")
# What is on its way when the database goes is stored after all when it is back, whatever the outbox has given up
# meanwhile: few batches, so that the others were never sent.
MQTT = 'retry_min = "100ms"\nretry_max = "1s"\nresend_min = "2s"\nhealth = "1s"\nwindow_batches = 4'


def now_us() -> int:
    return time.time_ns() // 1000


def shown(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def test_each_disaster_is_blamed_on_the_one_who_caused_it(
    killable_stack: Stack, make_counting_device: Callable[..., CountingDevice]
) -> None:
    stack = killable_stack
    keys = 'timeout = "500ms"\nretry_min = "100ms"\nretry_max = "500ms"'
    devices = [
        ScannedDevice(name, make_counting_device(1).start(), {"default": "100ms"}, ("default",), keys=keys)
        for name in ("press-1", "press-2")
    ]
    tables = {"agent": 'pause = "3s"', "mqtt": MQTT, "outbox": 'max_bytes = "16KiB"', "batch": 'window = "10ms"'}
    agent = stack.make_agent(AGENT, *devices, **tables)
    stack.cloud.start()
    # So small an outbox runs full while it waits for the first start as well.
    stack.wait_until_ready()
    agent.child.start()
    began = wait_for_samples(stack, devices, 0)
    cut = cut_device(stack, devices[0])
    agent.child.kill()
    agent.child.start()
    wait_for_samples(stack, devices, now_us())
    agent.child.terminate()
    agent.child.start()
    wait_for_samples(stack, devices, now_us())
    frozen = stand_still(agent, PAUSE_US)
    wait_for_samples(stack, devices, frozen[1])
    line = cut_line(stack, devices)
    away = stop_part(stack.broker, agent, BROKER_DOWN_US)
    away = away[0], wait_for_samples(stack, devices, away[1])
    wait_until(lambda: agent.backlog(before_us=now_us() - 1_000_000) == 0, "what waited has been delivered")
    down = stop_part(stack.postgres, agent, DATABASE_DOWN_US)
    ended = wait_for_samples(stack, devices, down[1])
    down = down[0], ended
    first, second = wait_for_judgement(stack, began, ended)
    common = {("device_unreachable", "line"), ("agent_stopped", "agent"), ("outbox_full", "broker"), FULL_AT_LAST}
    assert blamed(first) >= common | {("device_unreachable", "device")}
    assert blamed(second) >= common
    # Both are not lost and found again at the very same moment.
    assert lie_within(first, ("device_unreachable", "device"), cut, line)
    assert lie_within(second, ("device_unreachable", "device"), line)
    for each in (first, second):
        assert lie_within(each, ("device_unreachable", "line"), line)
        assert lie_within(each, ("outbox_full", "broker"), away)
        assert lie_within(each, FULL_AT_LAST, down)
    assert sum(hole["reason"] == "agent_stopped" for hole in second["holes"]) == 3
    for each in (first, second):
        assert [hole["blame"] for hole in each["holes"] if covers(hole, frozen)] == ["agent"]
    assert 0 < second["percent"] < 100
    delivery = ask(stack, f"/agents/{AGENT}/delivery", began, ended)
    assert (delivery["verdict"], delivery["open"]) == ("declared_lost", 0), delivery
    assert delivery["lost"] > 0
    assert delivery["statement"].startswith(f"{delivery['lost']} batches missing")


def cut_device(stack: Stack, device: ScannedDevice) -> tuple[int, int]:
    """Kill a device until its agent has said so, start it again; from when to when."""
    from_us = now_us()
    device.device.kill()
    path = device.path(0)
    wait_until(lambda: [r for r in stack.rows(AGENT) if r.path == path and r.status < 0], "the device is Bad")
    device.device.start()
    wait_for_samples(stack, [device], now_us())
    return from_us, now_us()


def cut_line(stack: Stack, devices: list[ScannedDevice]) -> tuple[int, int]:
    """Kill all devices until the agent has said so of each, start them again; from when to when."""
    from_us = now_us()
    for each in devices:
        each.device.kill()
    for each in devices:
        path = each.path(0)
        wait_until(
            lambda path=path: [
                row for row in stack.rows(AGENT) if row.path == path and row.status < 0 and row.time_us > from_us
            ],
            f"{path} is Bad",
        )
    for each in devices:
        each.device.start()
    wait_for_samples(stack, devices, now_us())
    return from_us, now_us()


def stand_still(agent: Agent, lasting_us: int) -> tuple[int, int]:
    """Stop the agent's process and let it go on, as a paused virtual machine does; from when to when."""
    agent.child.pause()
    state = Path(f"/proc/{agent.child.pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "the agent stands still")
    from_us = now_us()
    wait_until(lambda: now_us() - from_us > lasting_us, "the pause is long enough")
    to_us = now_us()
    agent.child.resume()
    return from_us, to_us


def stop_part(part: PostgresServer | Broker, agent: Agent, lasting_us: int) -> tuple[int, int]:
    """Kill database or broker until the outbox has given up all that was in it, start it again; from when to when."""
    from_us = now_us()
    part.kill()
    # Nothing that is made from here on can leave but by being given up.
    down_us = now_us()
    wait_until(lambda: agent.backlog() > agent.backlog(before_us=down_us), "batches wait")
    wait_until(
        lambda: now_us() - down_us > lasting_us and agent.backlog(before_us=down_us + 2_000_000) == 0,
        "the outbox has run full",
    )
    part.start()
    return from_us, now_us()


def wait_for_samples(stack: Stack, devices: list[ScannedDevice], after_us: int) -> int:
    """Wait until each device has a value measured after an instant; the latest of these."""

    def found() -> int:
        rows = [row for row in stack.rows(AGENT) if row.value is not None and row.time_us > after_us]
        last = [max((row.time_us for row in rows if row.path == each.path(0)), default=0) for each in devices]
        return max(last) if all(last) else 0

    return wait_until(found, "every device delivers")


def wait_for_judgement(stack: Stack, from_us: int, to_us: int) -> list[dict[str, Any]]:
    """Wait until nothing of the window is unknown any more: the agent has delivered all, and said so."""

    def found() -> list[dict[str, Any]]:
        items = ask(stack, "/completeness", from_us, to_us, "&path=hall/**")["items"]
        delivery = ask(stack, f"/agents/{AGENT}/delivery", from_us, to_us)
        is_over = all(item["unknown_s"] == 0 for item in items)
        has_gaps = all(FULL_AT_LAST in blamed(item) for item in items)
        return items if is_over and has_gaps and delivery["verdict"] not in {"unknown", "open"} else []

    return wait_until(found, "all is known")


def ask(stack: Stack, path: str, from_us: int, to_us: int, more: str = "") -> dict[str, Any]:
    answer = stack.ask(f"/api/v1{path}?from={shown(from_us)}&to={shown(to_us)}{more}")
    return answer or {"items": [], "verdict": "unknown"}


def blamed(item: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(hole["reason"], hole["blame"]) for hole in item["holes"]}


def covers(hole: dict[str, Any], stretch: tuple[int, int]) -> bool:
    return read_us(hole["from_at"]) <= stretch[0] and stretch[1] <= read_us(hole["to_at"])


def lie_within(item: dict[str, Any], which: tuple[str, str], *disasters: tuple[int, int]) -> bool:
    """Whether every hole of this reason and blame is as old as one of its disasters, but for what was under way."""
    return all(
        any(from_us - SLACK_US <= read_us(hole["from_at"]) <= to_us + SLACK_US for from_us, to_us in disasters)
        and any(from_us - SLACK_US <= read_us(hole["to_at"]) <= to_us + SLACK_US for from_us, to_us in disasters)
        for hole in item["holes"]
        if (hole["reason"], hole["blame"]) == which
    )
