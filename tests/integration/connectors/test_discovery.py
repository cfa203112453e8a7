"""Scanning loopback: Modbus units that identify themselves or refuse, OPC UA servers with their security, neither."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from pymodbus import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from connectors.contract import LookOptions
from connectors.modbus import identify
from connectors.opcua import discovery
from tests.fixtures.processes import Processes
from tests.integration.connectors.opcua.servers import server_maker

GENTLY = LookOptions(timeout_s=5.0, pause_s=0.0, units=(1,))


@pytest.fixture
async def named_device() -> AsyncIterator[int]:
    """The port of a Modbus server with an identification."""
    device = SimDevice(id=1, simdata=[SimData(0, values=[0] * 10, datatype=DataType.REGISTERS)])
    names = {0: "Acme", 1: "PM-7", 2: "v2.11"}
    server = ModbusTcpServer(device, identity=ModbusDeviceIdentification(info=names), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    yield server.transport.sockets[0].getsockname()[1]
    await server.shutdown()


async def test_unit_tells_its_vendor_product_and_revision(named_device: int):
    (found,) = await identify.look("127.0.0.1", named_device, GENTLY)
    assert (found.url, found.name) == (f"tcp://127.0.0.1:{named_device}", "unit 1")
    assert dict(found.details) == {"vendor": "Acme", "product": "PM-7", "revision": "v2.11"}


@pytest.mark.parametrize(
    ("exception", "is_found"),
    [(1, True), (11, False), (10, False)],
)
async def test_refusal_is_a_unit_and_a_gateways_regret_is_none(exception: int, is_found: bool):
    done = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except ConnectionError:
            pass  # the asker has hung up
        finally:
            writer.close()
            done.set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(11)
        late = b"\0\0\0\0\0\3\1\xab\1"  # of a transaction that nobody asked
        writer.write(late + head[:4] + b"\0\3" + head[6:7] + bytes((0xAB, exception)))
        await writer.drain()
        await reader.read()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        (found,) = await identify.look("127.0.0.1", server.sockets[0].getsockname()[1], GENTLY)
        await done.wait()
        await asyncio.sleep(0)
    assert (found.name == "unit 1") is is_found
    assert ("refused" in json.dumps(dict(found.details))) is is_found


@pytest.mark.parametrize("make", ["asyncua", "node-opcua"])
async def test_server_tells_its_name_and_security(processes: Processes, make: str):
    server = server_maker(processes, make)(items=3, certificates=str(processes.folder / "pki"))
    (found, *_) = await discovery.look("127.0.0.1", server.port, GENTLY)
    assert found.url == server.url
    assert found.name
    assert "Basic256Sha256/SignAndEncrypt" in found.details["security"]
    assert "anonymous" in found.details["login"]
    (stranger,) = await identify.look("127.0.0.1", server.port, LookOptions(0.3, 0.0, (1,)))
    assert stranger.name == "open port"


async def test_modbus_port_is_no_opc_ua_server(named_device: int):
    (found,) = await discovery.look("127.0.0.1", named_device, LookOptions(0.3, 0.0, (1,)))
    assert found.name == "open port"


async def test_closed_port_is_nothing(free_port: Callable[[], int]):
    assert await identify.look("127.0.0.1", free_port(), GENTLY) == []
    assert await discovery.look("127.0.0.1", free_port(), GENTLY) == []
