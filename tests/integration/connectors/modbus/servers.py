"""Modbus servers of other makes, each serving the same bytes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.fixtures.broker import find_program
from tests.fixtures.libmodbus_server import PACKAGE
from tests.fixtures.node import install_packages, node
from tests.fixtures.processes import REPOSITORY, find_free_port

FOREIGN = Path(__file__).resolve().parents[3] / "fixtures" / "foreign" / "modbus"
FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}


@dataclass(frozen=True, slots=True)
class Image:
    """What a unit holds, each area from address 0 on; bits least significant first."""

    holding: bytes = bytes(4000)
    input: bytes = bytes(4000)
    coils: bytes = bytes(250)
    discrete: bytes = field(default=bytes(250))


@asynccontextmanager
async def pymodbus_server(image: Image, framing: str) -> AsyncGenerator[str]:
    """The server of the library whose framers the connector uses; gives its host and port."""
    server = ModbusTcpServer(pymodbus_device(image), framer=FRAMERS[framing], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    try:
        yield f"127.0.0.1:{server.transport.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


def pymodbus_device(image: Image) -> SimDevice:
    """Unit 1 with this image."""
    registers = (
        [SimData(0, values=list(_words(data)), datatype=DataType.REGISTERS)] for data in (image.holding, image.input)
    )
    bits = ([SimData(0, values=_bits(data), datatype=DataType.BITS)] for data in (image.coils, image.discrete))
    return SimDevice(id=1, simdata=(*bits, *registers))  # pyright: ignore[reportArgumentType]


@asynccontextmanager
async def jsmodbus_server(image: Image, framing: str) -> AsyncGenerator[str]:
    """A server that shares nothing with the connector; gives its host and port."""
    install_packages(FOREIGN)
    options = {area: getattr(image, area).hex() for area in ("holding", "input", "coils", "discrete")}
    process = await asyncio.create_subprocess_exec(
        node(),
        FOREIGN / "server.mjs",
        json.dumps({"framing": framing, **options}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"NODE_NO_WARNINGS": "1"},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        async with asyncio.timeout(60):
            ready = await process.stdout.readline()
        assert ready.startswith(b"ready "), ready
        yield f"127.0.0.1:{int(ready.split()[1])}"
    finally:
        process.stdin.close()
        async with asyncio.timeout(60):
            await process.wait()


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _bits(data: bytes) -> list[bool]:
    return [bool(byte >> bit & 1) for byte in data for bit in range(8)]


@asynccontextmanager
async def libmodbus_server(image: Image, framing: str) -> AsyncGenerator[str]:
    """The C library's; `framing` is tcp, or the serial port to speak RTU at."""
    port = find_free_port()
    areas = {area: getattr(image, area).hex() for area in ("holding", "input", "coils", "discrete")}
    place = {"port": port} if framing == "tcp" else {"device": framing}
    command = [sys.executable, "-m", "tests.fixtures.libmodbus_server", json.dumps(areas | place)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            ready = await process.stdout.readline()
        assert ready == b"ready\n", f"{PACKAGE} is missing: `apt-get install {PACKAGE}` (`make test` does it as root)"
        yield f"127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def null_modem(folder: Path) -> AsyncGenerator[tuple[str, str]]:
    """Two serial ports that are joined, by socat."""
    ports = (folder / "near", folder / "far")
    ends = [f"pty,raw,echo=0,link={port}" for port in ports]
    process = await asyncio.create_subprocess_exec(find_program("socat", "socat"), *ends)
    try:
        async with asyncio.timeout(60):
            while not all(port.exists() for port in ports):
                await asyncio.sleep(0.02)
        yield str(ports[0].resolve()), str(ports[1].resolve())
    finally:
        process.kill()
        await process.wait()


SERVERS = {
    "pymodbus-tcp": pymodbus_server,
    "pymodbus-rtu": pymodbus_server,
    "jsmodbus-tcp": jsmodbus_server,
    "jsmodbus-rtu": jsmodbus_server,
    "libmodbus-tcp": libmodbus_server,
}
"""By make and framing."""
