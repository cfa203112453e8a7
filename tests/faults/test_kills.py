"""Agent, broker, cloud and database are killed and started again, at random, for a minute; no count is lost."""

import heapq
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.evidence import Outage, gaps_beyond, wait_for_all, wait_for_answers
from tests.fixtures.modbus_plc import CountingDevice
from tests.fixtures.stack import ScannedDevice, Stack

MINUTES = float(os.environ.get("MILLSTREAM_FAULT_MINUTES") or "1")
SEED = int(os.environ.get("MILLSTREAM_FAULT_SEED") or time.time_ns() // 1_000_000 % 1_000_000)
UP_S = (2.0, 12.0)
DOWN_S = (0.1, 4.0)
DRAIN_S = 120.0 + 10 * MINUTES
AGENT = "gw-1"


@dataclass(frozen=True, slots=True)
class Victim:
    """A process that can be killed and started again."""

    name: str
    kill: Callable[[], None]
    start: Callable[[], object]


def test_every_count_is_stored_once_or_inside_a_gap(
    killable_stack: Stack,
    make_counting_device: Callable[..., CountingDevice],
    record_property: Callable[[str, object], None],
) -> None:
    stack = killable_stack
    print(f"\nseed {SEED} (MILLSTREAM_FAULT_SEED={SEED} repeats this run), {MINUTES:g} min")
    record_property("seed", SEED)
    devices = [_device(make_counting_device, name) for name in ("press-1", "press-2")]
    agent = stack.make_agent(AGENT, *devices)
    stack.cloud.start()
    agent.child.start()
    agent.child.wait_for(lambda: all(device.device.answers() for device in devices), "it reads both devices")
    killed_us: list[int] = []
    victims = [
        Victim("agent", lambda: _kill_agent(agent.child.kill, killed_us), agent.child.start),
        Victim("broker", stack.broker.kill, stack.broker.start),
        Victim("cloud", stack.cloud.kill, stack.cloud.start),
        Victim("database", stack.postgres.kill, stack.postgres.start_soon),
    ]
    kills = play(victims, random.Random(SEED), MINUTES * 60)
    print("kills:", ", ".join(f"{name} {count}" for name, count in kills.items()))
    assert min(kills.values()) >= 2, f"a minute with too few kills: {kills}"
    stack.postgres.wait_until_ready()
    for child in (agent.child, stack.cloud):
        assert child.is_running, f"seed {SEED}: {child.name} ended by itself:\n{child.tail()}"
    wait_for_answers(devices, told_by=agent.child)
    verdict = wait_for_all(stack, AGENT, devices, DRAIN_S)
    outages = {device.name: _outages(killed_us, device) for device in devices}
    gaps = stack.gaps(AGENT)
    verdict.gaps += [w for name in outages for w in gaps_beyond([g for g in gaps if g.device == name], outages[name])]
    verdict.gaps += [f"unexplained {gap}" for gap in gaps if gap.reason != "agent_stopped"]
    counts = sum(len(device.device.answers()) for device in devices)
    print(f"{counts} counts sent, {len(stack.rows(AGENT))} samples stored, {len(gaps)} gaps")
    assert stack.rejects() == [], f"seed {SEED}"
    assert verdict.is_clean, f"seed {SEED}\n{verdict}\nagent:\n{agent.child.tail()}\ncloud:\n{stack.cloud.tail()}"


def play(victims: list[Victim], dice: random.Random, seconds: float) -> dict[str, int]:
    """Kill and start for so long, each victim to its own rhythm; all run at the end. Returns the number of kills."""
    kills = {victim.name: 0 for victim in victims}
    began = time.monotonic()
    due = [(dice.uniform(*UP_S), number, True) for number in range(len(victims))]
    heapq.heapify(due)
    while due:
        at, number, is_kill = heapq.heappop(due)
        if is_kill and at >= seconds:
            continue
        time.sleep(max(0.0, began + at - time.monotonic()))
        victim = victims[number]
        if is_kill:
            victim.kill()
            kills[victim.name] += 1
            heapq.heappush(due, (at + dice.uniform(*DOWN_S), number, False))
        else:
            victim.start()
            heapq.heappush(due, (at + dice.uniform(*UP_S), number, True))
    return kills


def _device(make: Callable[..., CountingDevice], name: str) -> ScannedDevice:
    periods = {"default": "100ms", "slow": "350ms"}
    device = make(3).start()
    return ScannedDevice(
        name, device, periods, ("default", "default", "slow"), keys='timeout = "10s"\nretry_min = "50ms"'
    )


def _kill_agent(kill: Callable[[], None], killed_us: list[int]) -> None:
    killed_us.append(time.time_ns() // 1000)
    kill()


def _outages(killed_us: list[int], device: ScannedDevice) -> list[Outage]:
    """From each kill to the device's first answer to the agent that was started after it."""
    sent = [answer.sent_us for answer in device.device.answers()]
    found: list[Outage] = []
    for at in killed_us:
        after = [time_us for time_us in sent if time_us > at + 20_000]
        found.append(Outage(at, min(after)))
    return found
