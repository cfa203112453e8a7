"""The plant as any client sees it: nodes, source times, statuses over OPC UA; areas, holes, writes over Modbus."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from millstream.plant.tags import NAMESPACE, opcua_tags
from tests.fixtures.processes import PATIENCE_S

PUMP, METER = 1, 2
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """A plant that runs ten times as fast as real time, and ends in good order."""
    command = [sys.executable, "-m", "millstream", "plant", "--seed", "3", "--speed", "10"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as plant:
        assert plant.stdout is not None
        yield json.loads(plant.stdout.readline())
        plant.send_signal(signal.SIGTERM)
        assert plant.wait(PATIENCE_S) == 0


@pytest.fixture
async def opcua(urls: dict[str, str]) -> AsyncIterator[Client]:
    client = Client(urls["opcua"])
    client.session_timeout = 60_000
    async with client:
        yield client


@pytest.fixture
async def modbus(urls: dict[str, str]) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=urlsplit(urls["modbus"]).port or 0)
    assert await client.connect()
    yield client
    client.close()


async def test_variables_have_type_unit_range_and_description(opcua: Client):
    namespace = await opcua.get_namespace_index(NAMESPACE)
    node = opcua.get_node(f"ns={namespace};s=imm-1.zone-1.temperature")
    assert (await node.read_data_type()).Identifier == ua.ObjectIds.Double
    assert (await node.read_description()).Text == "Barrel temperature"
    unit = await (await node.get_child("0:EngineeringUnits")).read_value()
    span = await (await node.get_child("0:EURange")).read_value()
    assert (unit.DisplayName.Text, span.Low, span.High) == ("°C", 0, 400)
    folder = await opcua.nodes.objects.get_child([f"{namespace}:imm-2", f"{namespace}:zone-4"])
    assert len(await folder.get_children()) == 3


async def test_every_variable_has_a_source_time_of_now(opcua: Client):
    namespace = await opcua.get_namespace_index(NAMESPACE)
    nodes = [opcua.get_node(f"ns={namespace};s={tag.node}") for tag in opcua_tags()]
    values = await opcua.read_attributes(nodes, ua.AttributeIds.Value)
    for value in values:
        assert value.SourceTimestamp is not None
        assert abs(datetime.now(UTC) - value.SourceTimestamp) < timedelta(minutes=5)


async def test_broken_sensor_is_bad_without_a_value(opcua: Client):
    namespace = await opcua.get_namespace_index(NAMESPACE)
    nodes = [opcua.get_node(f"ns={namespace};s={tag.node}") for tag in opcua_tags() if "zone" in tag.node]

    async def broken() -> ua.DataValue:
        while True:
            values = await opcua.read_attributes(nodes, ua.AttributeIds.Value)
            bad = [value for value in values if value.StatusCode is not None and not value.StatusCode.is_good()]
            if bad:
                return bad[0]
            await asyncio.sleep(0.1)

    value = await asyncio.wait_for(broken(), PATIENCE_S)
    assert value.StatusCode is not None
    assert value.StatusCode.value == ua.StatusCodes.BadSensorFailure
    assert value.Value is None or value.Value.Value is None


async def test_all_areas_answer_and_holes_do_not(modbus: AsyncModbusTcpClient):
    assert not (await modbus.read_coils(0, count=2, device_id=PUMP)).isError()
    assert not (await modbus.read_discrete_inputs(0, count=4, device_id=PUMP)).isError()
    assert not (await modbus.read_input_registers(0, count=26, device_id=METER)).isError()
    model = await modbus.read_holding_registers(0, count=10, device_id=METER)
    assert modbus.convert_from_registers(model.registers, modbus.DATATYPE.STRING).startswith("MS-EM3")
    hole = await modbus.read_input_registers(8, count=10, device_id=PUMP)
    assert hole.exception_code == ILLEGAL_ADDRESS
    assert (await modbus.read_coils(0, count=1, device_id=METER)).exception_code == ILLEGAL_FUNCTION


async def test_energy_counts_on_beyond_what_a_double_knows(modbus: AsyncModbusTcpClient):
    async def count() -> int:
        answer = await modbus.read_input_registers(0, count=4, device_id=METER)
        return int.from_bytes(b"".join(word.to_bytes(2) for word in answer.registers))

    first = await count()
    assert first > 2**53

    async def grows() -> None:
        while await count() <= first:
            await asyncio.sleep(0.1)

    await asyncio.wait_for(grows(), PATIENCE_S)


async def test_setpoint_and_switch_can_be_written_and_nothing_else(modbus: AsyncModbusTcpClient):
    registers = list(reversed(modbus.convert_to_registers(2.5, modbus.DATATYPE.FLOAT32)))
    assert not (await modbus.write_registers(0, registers, device_id=PUMP)).isError()
    assert (await modbus.read_holding_registers(0, count=2, device_id=PUMP)).registers == registers
    too_high = list(reversed(modbus.convert_to_registers(99.0, modbus.DATATYPE.FLOAT32)))
    assert (await modbus.write_registers(0, too_high, device_id=PUMP)).exception_code == ILLEGAL_ADDRESS
    assert (await modbus.write_register(4, 0, device_id=PUMP)).exception_code == ILLEGAL_ADDRESS
    assert not (await modbus.write_coil(0, False, device_id=PUMP)).isError()
    assert (await modbus.write_coil(1, False, device_id=PUMP)).exception_code == ILLEGAL_ADDRESS

    async def stands_still() -> None:
        while (await modbus.read_input_registers(6, count=1, device_id=PUMP)).registers[0] > 30:
            await asyncio.sleep(0.1)

    await asyncio.wait_for(stands_still(), PATIENCE_S)
