"""Many Modbus devices under one agent's supervisors: scans that came too late, how late, and at what cost."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connectors.modbus import KIND
from edge_agent.clock import AgentClock
from edge_agent.config import DeviceConfig, TagConfig
from edge_agent.device import DeviceSupervisor
from edge_agent.packing import Collected, TagBook
from edge_agent.pipeline import DevicePipeline
from edge_agent.tables import CheckedDevice, CheckedTag
from edge_agent.telemetry import Count, Counters

PERIOD_S = 1.0
WARM_UP_S = 2.5


@dataclass(frozen=True, slots=True)
class FleetRun:
    """What a run of some seconds has shown."""

    overruns: int
    scans: float
    samples: int
    cpu_share: float
    latest_s: float


class Unread:
    """Takes samples and lets them go."""

    def collected(self, book: TagBook) -> Collected:
        return Collected(book)

    def notice(self, *, has_samples: bool) -> None:
        """Nothing waits for them."""


def device(number: int, port: int, tags: int) -> DeviceConfig:
    """A device of its own address with float tags side by side."""
    table = CheckedDevice.model_validate({"name": f"d{number}", "kind": "modbus", "scan": {"default": "1s"}})
    config = KIND.config_model.model_validate({"url": f"tcp://127.0.0.{number}:{port}"})
    points = [
        KIND.point_model.model_validate({"address": f"holding:{2 * at}", "type": "float32"}) for at in range(tags)
    ]
    names = [f"t{at}" for at in range(tags)]
    made = [
        TagConfig(f"d{number}/{name}", CheckedTag.model_validate({"name": name}), point)
        for name, point in zip(names, points, strict=True)
    ]
    return DeviceConfig(table, KIND, config, tuple(made))


async def run(port: int, devices: int, tags: int, seconds: float) -> FleetRun:
    """Poll them all every second, and count."""
    clock, counters, writer = AgentClock(), Counters(), _no_writer()
    supervisors = [
        DeviceSupervisor(config, DevicePipeline(config, Unread(), clock, counters), writer, clock, counters,
                         random.Random(number))
        for number in range(1, devices + 1)
        for config in (device(number, port, tags),)
    ]  # fmt: skip
    tasks = [asyncio.create_task(supervisor.run()) for supervisor in supervisors]
    await asyncio.sleep(WARM_UP_S)
    before, cpu, started = Counters(counters), time.process_time(), time.monotonic()
    for supervisor in supervisors:
        supervisor.report.told_jitter_s()
    await asyncio.sleep(seconds)
    took_s = time.monotonic() - started
    found = FleetRun(
        counters[Count.SCAN_OVERRUNS] - before[Count.SCAN_OVERRUNS],
        devices * took_s / PERIOD_S,
        counters[Count.SAMPLES_READ] - before[Count.SAMPLES_READ],
        (time.process_time() - cpu) / took_s,
        max(supervisor.report.jitter_s for supervisor in supervisors),
    )
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return found


def _no_writer() -> Any:
    """Of use to subscriptions only."""
    return None
