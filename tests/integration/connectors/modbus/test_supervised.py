"""A device under the agent's supervisor: what was learned of it outlives a lost connection."""

import asyncio
import random
import struct
from contextlib import suppress
from typing import Any

from connectors.modbus import KIND
from edge_agent.config import DeviceConfig, TagConfig
from edge_agent.device import DeviceSupervisor
from edge_agent.packing import Collected, TagBook
from edge_agent.pipeline import DevicePipeline
from edge_agent.tables import CheckedDevice, CheckedTag
from edge_agent.telemetry import Counters
from schemas.agent_status import DeviceState
from tests.integration.connectors.modbus.conftest import SystemClock
from tests.integration.connectors.modbus.plc import Plc, Unit


class Unread:
    """Takes samples and lets them go."""

    def collected(self, book: TagBook) -> Collected:
        return Collected(book)

    def notice(self, *, has_samples: bool) -> None:
        """Nothing waits for them."""


def device(url: str, addresses: list[str]) -> DeviceConfig:
    table = CheckedDevice.model_validate(
        {"name": "press", "kind": "modbus", "scan": {"default": "20ms"}, "retry_min": "10ms", "retry_max": "20ms"}
    )
    tags = [
        TagConfig(
            f"press/{address}",
            CheckedTag.model_validate({"name": address}),
            KIND.point_model.model_validate({"address": address}),
        )
        for address in addresses
    ]
    return DeviceConfig(table, KIND, KIND.config_model.model_validate({"url": url}), tuple(tags))


async def test_a_new_session_asks_as_the_last_one_had_learned(tcp_plc: Plc):
    tcp_plc.units[1] = Unit(max_registers=10)
    config, clock = device(tcp_plc.url, [f"holding:{at}" for at in range(15)]), SystemClock()
    pipeline = DevicePipeline(config, Unread(), clock, Counters())
    writer: Any = None  # of use to subscriptions only
    supervisor = DeviceSupervisor(config, pipeline, writer, clock, Counters(), random.Random(1))
    task = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(20):
            await _until(lambda: len(tcp_plc.requests) > 6)
            assert _counts(tcp_plc)[0] == 15
            await tcp_plc.stop()
            await _until(lambda: supervisor.report.state is DeviceState.UNREACHABLE)
            tcp_plc.requests.clear()
            await tcp_plc.start()
            await _until(lambda: len(tcp_plc.requests) > 4)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert tcp_plc.connections > 1
    assert max(_counts(tcp_plc)) <= 10


async def _until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def _counts(plc: Plc) -> list[int]:
    return [struct.unpack(">HH", pdu[1:5])[1] for _, pdu in plc.requests]
