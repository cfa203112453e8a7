"""Serial ports and datagrams against servers of other make: libmodbus and pymodbus, behind a null modem of socat's."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusUdpServer

from connectors.errors import DeviceUnreachable
from schemas import status
from tests.fixtures.processes import find_free_port
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock
from tests.integration.connectors.modbus.servers import Image, libmodbus_server, null_modem, pymodbus_device

REGISTERS = bytes.fromhex("3f8ccccd deadbeef 0000fffe") + b"Rezept 7"
COILS = bytes((0b1010_0101, 0b0000_0001))
POINTS = [
    {"address": "holding:0", "type": "float32"},
    {"address": "holding:2", "type": "uint32"},
    {"address": "holding:5", "type": "int16"},
    {"address": "holding:6", "type": "string", "length": 4},
    {"address": "input:2", "type": "uint32"},
    {"address": "coil:2"},
    {"address": "discrete:8"},
]
TRUE = [pytest.approx(1.1), 0xDEADBEEF, -2, "Rezept 7", 0xDEADBEEF, True, True]
IMAGE = Image(REGISTERS.ljust(400, b"\0"), REGISTERS.ljust(400, b"\0"), COILS.ljust(25, b"\0"), COILS.ljust(25, b"\0"))
LINE: dict[str, Any] = {"baud": 115_200, "parity": "none", "data_bits": 8, "stop_bits": 1}


@asynccontextmanager
async def pymodbus_on(far: str, framer: FramerType) -> AsyncGenerator[None]:
    server = ModbusSerialServer(
        pymodbus_device(IMAGE), framer=framer, port=far, baudrate=LINE["baud"], bytesize=8, parity="N", stopbits=1
    )
    await server.serve_forever(background=True)
    try:
        yield
    finally:
        await server.shutdown()


async def read_and_written(connect: Connect, url: str, **config: Any) -> None:
    connector = await connect(url, POINTS, **config)
    result = await connector.read(range(len(POINTS)))
    found = dict(zip(result.points, result.values, strict=True))
    assert [found[at] for at in range(len(POINTS))] == TRUE
    await connector.write(1, 7)
    await connector.write(3, "Rezept 8")
    await connector.write(5, False)
    again = await connector.read([1, 3, 5])
    assert dict(zip(again.points, again.values, strict=True)) == {1: 7, 3: "Rezept 8", 5: False}
    await connector.close()


async def test_rtu_on_a_serial_port_with_libmodbus(connect: Connect, tmp_path: Path) -> None:
    async with null_modem(tmp_path) as (near, far), libmodbus_server(IMAGE, far):
        await read_and_written(connect, f"rtu://{near}", **LINE)


@pytest.mark.parametrize("framer", [FramerType.RTU, FramerType.ASCII])
async def test_a_serial_port_with_pymodbus(connect: Connect, tmp_path: Path, framer: FramerType) -> None:
    async with null_modem(tmp_path) as (near, far), pymodbus_on(far, framer):
        await read_and_written(connect, f"{framer.value}://{near}", **LINE)


async def test_a_server_that_is_silent_on_its_line_comes_back(
    connect: Connect, clock: SteppedClock, tmp_path: Path
) -> None:
    async with null_modem(tmp_path) as (near, far):
        async with libmodbus_server(IMAGE, far):
            connector = await connect(f"rtu://{near}", POINTS, timeout="300ms", **LINE)
            assert (await connector.read([2])).values == [-2]
        with pytest.raises(DeviceUnreachable):
            await connector.read([2])
        async with libmodbus_server(IMAGE, far):
            clock.seconds += 60
            assert (await connector.read([2])).values == [-2]


@pytest.mark.parametrize(("scheme", "framer"), [("udp", FramerType.SOCKET), ("rtu+udp", FramerType.RTU)])
async def test_datagrams_with_pymodbus(connect: Connect, scheme: str, framer: FramerType) -> None:
    port = find_free_port()
    server = ModbusUdpServer(pymodbus_device(IMAGE), framer=framer, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        await read_and_written(connect, f"{scheme}://127.0.0.1:{port}")
    finally:
        await server.shutdown()


async def test_ascii_in_tcp_with_pymodbus(connect: Connect) -> None:
    port = find_free_port()
    server = ModbusTcpServer(pymodbus_device(IMAGE), framer=FramerType.ASCII, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        await read_and_written(connect, f"ascii+tcp://127.0.0.1:{port}")
    finally:
        await server.shutdown()


async def test_exceptions_of_libmodbus_cost_nobody_else(connect: Connect) -> None:
    """A hole at the end of its image: exception 02 for the block, which is cut until the hole alone is left."""
    async with libmodbus_server(IMAGE, "tcp") as place:
        beyond = {"address": "holding:205", "type": "uint16"}
        connector = await connect(f"tcp://{place}", [{"address": "holding:195", "type": "uint16"}, beyond])
        result = await connector.read([0, 1])
        found = dict(zip(result.points, zip(result.values, result.statuses, strict=True), strict=True))
        assert found[0] == (0, status.GOOD)
        assert found[1][0] is None
        assert status.is_bad(found[1][1])


@pytest.fixture(autouse=True)
def quiet() -> None:
    """pymodbus logs an error when its line is taken away, which is what these tests do."""
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
