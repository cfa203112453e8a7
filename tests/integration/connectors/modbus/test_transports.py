"""The same device behind every transport: ASCII in TCP, serial ports, UDP, TLS with both sides' certificates."""

import asyncio
import os
import ssl
import tty
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from connectors.errors import ConfigInvalid, DeviceUnreachable, ReadTimeout
from connectors.modbus.connector import ModbusConnector
from tests.fixtures.certificates import authority
from tests.integration.connectors.modbus.conftest import Connect, SteppedClock, make
from tests.integration.connectors.modbus.plc import Datagrams, Fault, Plc, running

POINTS = [{"address": "holding:10", "type": "uint32"}, {"address": "holding:14", "type": "int16"}]
TRUE = [0xDEADBEEF, -2]
TERMINAL: dict[str, Any] = {"baud": 115200, "parity": "none", "data_bits": 8}
"""Pseudo terminals know neither parity nor characters of seven bits."""
BYTES = bytes.fromhex("deadbeef 0000 0000 fffe")


def filled(framing: str) -> Plc:
    plc = Plc(framing)
    plc.units[1].put("holding", 10, BYTES)
    return plc


@asynccontextmanager
async def on_a_serial_port(plc: Plc) -> AsyncGenerator[str]:
    """The device at the far end of a pseudo terminal, and the url of the near end."""
    far, near = os.openpty()
    tty.setraw(near)
    task = asyncio.create_task(plc.serve_pty(far))
    try:
        yield f"{plc.framing}://{os.ttyname(near)}"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        os.close(near)


async def test_ascii_frames_in_tcp(connect: Connect):
    async with running(filled("ascii")) as plc:
        connector = await connect(plc.url, POINTS)
        assert (await connector.read([0, 1])).values == TRUE
        await connector.write(1, 5)
        assert (await connector.read([1])).values == [5]


@pytest.mark.parametrize("fault", [Fault.RUBBISH, Fault.OTHER_UNIT, Fault.OTHER_FUNCTION, Fault.TOO_SHORT])
async def test_a_broken_ascii_answer_is_never_a_value(connect: Connect, clock: SteppedClock, fault: Fault):
    async with running(filled("ascii")) as plc:
        connector = await connect(plc.url, POINTS, timeout="300ms")
        plc.faults.append(fault)
        with pytest.raises(DeviceUnreachable):
            await connector.read([0, 1])
        clock.seconds += 60
        assert (await connector.read([0, 1])).values == TRUE


@pytest.mark.parametrize("framing", ["rtu", "ascii"])
async def test_a_serial_port(framing: str, connect: Connect, clock: SteppedClock):
    plc = filled(framing)
    async with on_a_serial_port(plc) as url:
        connector = await connect(url, POINTS, **TERMINAL, timeout="500ms")
        assert (await connector.read([0, 1])).values == TRUE
        await connector.write(1, 5)
        plc.faults.append(Fault.HALF)
        with pytest.raises(DeviceUnreachable):
            await connector.read([0, 1])
        clock.seconds += 60
        assert (await connector.read([1])).values == [5]
        await connector.close()
        await connector.open()
        assert (await connector.read([1])).values == [5]


async def test_a_serial_port_that_is_not_there(clock: SteppedClock, tmp_path: Path):
    connector = make(f"rtu:///dev/{tmp_path.name}-missing", POINTS, clock)
    with pytest.raises(DeviceUnreachable, match=r"cannot be reached: .*No such file or directory"):
        await connector.open()
    await connector.close()


async def test_a_serial_port_that_cannot_be_set_so(clock: SteppedClock):
    async with on_a_serial_port(filled("ascii")) as url:
        with pytest.raises(DeviceUnreachable, match=r"cannot be reached: .*Invalid argument"):
            await make(url, POINTS, clock, data_bits=7).open()


async def test_a_serial_port_that_is_pulled_out(connect: Connect, clock: SteppedClock):
    async with on_a_serial_port(filled("rtu")) as url:
        connector = await connect(url, POINTS, **TERMINAL)
        assert (await connector.read([0, 1])).values == TRUE
    with pytest.raises(DeviceUnreachable) as caught:
        await connector.read([0, 1])
    assert not isinstance(caught.value, ReadTimeout)  # that the port is gone is known without waiting
    clock.seconds += 60
    with pytest.raises(DeviceUnreachable, match="cannot be reached"):
        await connector.read([0, 1])


async def test_an_adapter_that_hears_what_it_sends(connect: Connect):
    plc = filled("rtu")
    plc.has_echo = True
    async with on_a_serial_port(plc) as url:
        connector = await connect(url, POINTS, **TERMINAL, local_echo=True)
        for _ in range(3):
            assert (await connector.read([0, 1])).values == TRUE
        await connector.write(1, 5)
        assert (await connector.read([1])).values == [5]


async def test_units_of_one_serial_port_take_turns(connect: Connect, clock: SteppedClock):
    plc = filled("rtu")
    plc.units[2] = plc.units[1]
    async with on_a_serial_port(plc) as url:
        connectors = [await connect(url, POINTS, unit=unit, **TERMINAL) for unit in (1, 2)]
        results = await asyncio.gather(*(connector.read([0, 1]) for connector in connectors))
        assert [result.values for result in results] == [TRUE, TRUE]
        assert plc.waiting_most == 1
        with pytest.raises(ConfigInvalid, match=r"allowed: the same for all of baud$"):
            await connect(url, POINTS, unit=3, **TERMINAL | {"baud": 9600})


async def test_datagrams(connect: Connect, clock: SteppedClock):
    plc = filled("tcp")
    device = Datagrams(plc)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: device, local_addr=("127.0.0.1", 0)
    )
    try:
        url = f"udp://127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        connector = await connect(url, POINTS, timeout="300ms")
        assert (await connector.read([0, 1])).values == TRUE
        device.lost = 1
        with pytest.raises(ReadTimeout):
            await connector.read([0, 1])
        clock.seconds += 60
        assert (await connector.read([0, 1])).values == TRUE
    finally:
        transport.close()


async def test_nobody_behind_a_datagram_port(connect: Connect, free_port: Any):
    connector = await connect(f"udp://127.0.0.1:{free_port()}", POINTS)
    with pytest.raises(DeviceUnreachable, match="cannot be reached"):
        await connector.read([0, 1])


@asynccontextmanager
async def secure_server(context: ssl.SSLContext) -> AsyncGenerator[str]:
    """pymodbus behind TLS; gives the url."""
    words = [int.from_bytes(BYTES[at : at + 2], "big") for at in range(0, len(BYTES), 2)]
    device = SimDevice(id=1, simdata=[SimData(10, values=words, datatype=DataType.REGISTERS)])
    server = ModbusTlsServer(device, sslctx=context, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        yield f"tls://127.0.0.1:{server.transport.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


async def test_tls_with_both_certificates(connect: Connect, clock: SteppedClock, tmp_path: Path):
    plant = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*plant.issue("device"))
    context.load_verify_locations(plant.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    cert_file, key_file = plant.issue("gateway", role="Operator")
    ours = {"ca_file": plant.ca_file, "cert_file": cert_file, "key_file": key_file}
    async with secure_server(context) as url:
        connector = await connect(url, POINTS, **ours)
        assert (await connector.read([0, 1])).values == TRUE
        by_name = url.replace("127.0.0.1", "localhost")  # which the certificate does not say
        with pytest.raises(DeviceUnreachable, match="Hostname mismatch"):
            await make(by_name, POINTS, clock, **ours).open()
        clock.seconds += 60
        unnamed = await connect(by_name, POINTS, **ours, check_name=False)
        assert (await unnamed.read([0, 1])).values == TRUE
        stranger = make(url, POINTS, clock, ca_file=authority(tmp_path, "stranger").ca_file)
        await connector.close()
        with pytest.raises(DeviceUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.open()
        clock.seconds += 60
        nameless = make(url, POINTS, clock, ca_file=plant.ca_file)
        with pytest.raises(DeviceUnreachable):
            await _first_answer(nameless)
        await nameless.close()


async def _first_answer(connector: ModbusConnector) -> None:
    """In TLS 1.3 a server's refusal of our certificate arrives in the place of the first answer."""
    await connector.open()
    await connector.read([0, 1])


async def test_a_certificate_file_that_is_none(clock: SteppedClock, tmp_path: Path):
    with pytest.raises(ConfigInvalid, match=r"ca\.pem cannot be used for TLS: .*No such file"):
        await make("tls://127.0.0.1:1", POINTS, clock, ca_file=tmp_path / "ca.pem").open()
