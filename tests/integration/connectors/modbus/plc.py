"""A Modbus device inside the test's own loop that misbehaves on demand; it shares no code with the product."""

import asyncio
import os
import struct
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

AREA_OF_READ = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
RTU_WRITE_MANY = 16


class Fault(Enum):
    """What happens to one answer in place of being sent."""

    NONE = auto()
    HANG = auto()
    BUSY = auto()
    ACKNOWLEDGE = auto()
    RUBBISH = auto()
    HALF = auto()
    HALF_THEN_CLOSE = auto()
    CLOSE = auto()
    STALE_THEN_TRUE = auto()
    ONLY_STALE = auto()
    OTHER_UNIT = auto()
    OTHER_FUNCTION = auto()
    TOO_SHORT = auto()
    TOO_LONG = auto()
    HUGE_LENGTH = auto()
    BAD_CRC = auto()
    BYTE_BY_BYTE = auto()
    ECHO = auto()
    TWICE = auto()


@dataclass
class Unit:
    """One slave: its words and bits, what it refuses, and how much it takes at once."""

    words: dict[str, dict[int, int]] = field(default_factory=dict)
    refused: list[tuple[str, int, int, int]] = field(default_factory=list)  # area, first, last, exception
    max_registers: int = 125
    is_silent: bool = False
    sticks: bool = False

    def put(self, area: str, first: int, data: bytes) -> None:
        """Set registers from their bytes."""
        values = struct.unpack(f">{len(data) // 2}H", data)
        self.words.setdefault(area, {}).update(zip(range(first, 0x10000), values, strict=False))

    def put_bits(self, area: str, first: int, bits: Iterable[bool]) -> None:
        """Set coils or discrete inputs."""
        self.words.setdefault(area, {}).update(zip(range(first, 0x10000), map(int, bits), strict=False))

    def answer(self, pdu: bytes) -> bytes:
        """The answer to a request, without any frame."""
        code = pdu[0]
        if code in AREA_OF_READ:
            return self._read(code, *struct.unpack(">HH", pdu[1:5]))
        if code in (5, 6):
            address, value = struct.unpack(">HH", pdu[1:5])
            return self._write(code, "coil" if code == 5 else "holding", {address: value}) or pdu
        if code == RTU_WRITE_MANY:
            first, count = struct.unpack(">HH", pdu[1:5])
            values = struct.unpack(f">{count}H", pdu[6:])
            return self._write(code, "holding", dict(zip(range(first, first + count), values, strict=True))) or pdu[:5]
        if code == 22:
            address, keep, put = struct.unpack(">HHH", pdu[1:7])
            value = self.words["holding"].get(address, 0) & keep | put & ~keep
            return self._write(code, "holding", {address: value}) or pdu
        return bytes([code | 0x80, 1])

    def _read(self, code: int, first: int, count: int) -> bytes:
        area = AREA_OF_READ[code]
        exception = self._exception(area, first, first + count - 1)
        if not exception and code > 2 and count > self.max_registers:
            exception = 3
        if exception:
            return bytes([code | 0x80, exception])
        cells = self.words.get(area, {})
        values = [cells.get(address, 0) for address in range(first, first + count)]
        if code > 2:
            return bytes([code, 2 * count]) + struct.pack(f">{count}H", *values)
        data = bytearray((count + 7) // 8)
        for index, value in enumerate(values):
            data[index // 8] |= bool(value) << index % 8
        return bytes([code, len(data)]) + bytes(data)

    def _write(self, code: int, area: str, cells: dict[int, int]) -> bytes | None:
        if exception := self._exception(area, min(cells), max(cells)):
            return bytes([code | 0x80, exception])
        if not self.sticks:
            self.words.setdefault(area, {}).update(cells)
        return None

    def _exception(self, area: str, first: int, last: int) -> int:
        hits = (code for of, start, end, code in self.refused if of == area and first <= end and start <= last)
        return next(hits, 0)


class Plc:
    """A server for some units on one port of loopback."""

    def __init__(self, framing: str = "tcp") -> None:
        self.framing = framing
        self.units: dict[int, Unit] = {1: Unit()}
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[int, bytes]] = []
        self.connections = 0
        self.open_connections = 0
        self.waiting_most = 0
        self.delay_s = 0.0
        self.has_echo = False  # each request comes back before its answer
        self.is_backwards = False  # answers all requests that have come, the last one first
        self.asked_at: list[float] = []
        self.connected_at = 0.0
        self.port = 0
        self._waiting = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What a configuration calls it."""
        return f"{'' if self.framing == 'tcp' else f'{self.framing}+'}tcp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve_pty(self, descriptor: int) -> None:
        """Serve on the far end of a pseudo terminal until cancelled."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        inward, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
        )
        outward, flow = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(os.dup(descriptor), "wb", buffering=0)
        )
        try:
            await self._serve(reader, asyncio.StreamWriter(outward, flow, reader, loop))
        finally:
            inward.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.connected_at = asyncio.get_running_loop().time()
        self.open_connections += 1
        try:
            while not writer.is_closing():
                transaction, unit, pdu = await self._request(reader)
                responding = self._respond(writer, transaction, unit, pdu)
                if self.is_backwards:
                    self._spawn(responding)
                else:
                    await responding
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    def _spawn(self, responding: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(responding)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        if self.framing == "tcp":
            transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
            return transaction, unit, await reader.readexactly(length - 1)
        if self.framing == "ascii":
            line = (await reader.readuntil(b"\r\n")).decode()
            assert line[0] == ":"
            assert line == line.upper()
            frame = bytes.fromhex(line[1:-2])
            assert sum(frame) & 0xFF == 0, "the request has a wrong LRC"
            return 0, frame[0], frame[1:-1]
        head = await reader.readexactly(7)
        size = 9 + head[6] if head[1] == RTU_WRITE_MANY else {22: 10}.get(head[1], 8)
        frame = head + await reader.readexactly(size - 7)
        assert crc16(frame[:-2]) == frame[-2:], "the request has a wrong CRC"
        return 0, frame[0], frame[1:-2]

    async def _respond(self, writer: asyncio.StreamWriter, transaction: int, unit: int, pdu: bytes) -> None:
        self.requests.append((unit, pdu))
        self.asked_at.append(asyncio.get_running_loop().time())
        self._waiting += 1
        self.waiting_most = max(self.waiting_most, self._waiting)
        try:
            await asyncio.sleep(self.delay_s / self._waiting)
            fault = self.faults.popleft() if self.faults else Fault.NONE
            slave = self.units.get(unit)
            if slave is None:
                answer = bytes([pdu[0] | 0x80, 11])
            elif slave.is_silent:
                return
            else:
                answer = slave.answer(pdu)
            await self._send(writer, fault, transaction, unit, answer)
        finally:
            self._waiting -= 1

    async def _send(
        self, writer: asyncio.StreamWriter, fault: Fault, transaction: int, unit: int, answer: bytes
    ) -> None:
        if self.has_echo:
            writer.write(self.frame(transaction, unit, self.requests[-1][1]))
        for part in self._parts(fault, transaction, unit, answer):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if fault in (Fault.CLOSE, Fault.HALF_THEN_CLOSE):
            writer.close()

    def _parts(self, fault: Fault, transaction: int, unit: int, answer: bytes) -> list[bytes]:
        true = self.frame(transaction, unit, answer)
        stale = self.frame(transaction - 1, unit, answer[:2] + b"\xee" * (len(answer) - 2))
        padded = answer[:1] + bytes([answer[1] + 2]) + answer[2:] + b"\xee\xee"
        cut = answer[:1] + bytes([max(0, answer[1] - 2)]) + answer[2:-2]
        return {
            Fault.NONE: [true],
            Fault.HANG: [],
            Fault.CLOSE: [],
            Fault.BUSY: [self.frame(transaction, unit, bytes([answer[0] | 0x80, 6]))],
            Fault.ACKNOWLEDGE: [self.frame(transaction, unit, bytes([answer[0] | 0x80, 5]))],
            Fault.RUBBISH: [bytes(range(1, 200))],
            Fault.HALF: [true[: len(true) // 2]],
            Fault.HALF_THEN_CLOSE: [true[: len(true) // 2]],
            Fault.STALE_THEN_TRUE: [stale, true],
            Fault.ONLY_STALE: [stale],
            Fault.OTHER_UNIT: [self.frame(transaction, unit ^ 3, answer)],
            Fault.OTHER_FUNCTION: [self.frame(transaction, unit, bytes([answer[0] ^ 7]) + answer[1:])],
            Fault.TOO_SHORT: [self.frame(transaction, unit, cut)],
            Fault.TOO_LONG: [self.frame(transaction, unit, padded)],
            Fault.HUGE_LENGTH: [struct.pack(">HHHB", transaction, 0, 60000, unit) + answer],
            Fault.BAD_CRC: [true[:-1] + bytes([true[-1] ^ 1])],
            Fault.BYTE_BY_BYTE: [bytes([byte]) for byte in true],
            Fault.ECHO: [b"\x00" + true],
            Fault.TWICE: [true + true],
        }[fault]

    def frame(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        """Wrap an answer as this device does."""
        if self.framing == "tcp":
            return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(pdu) + 1, unit) + pdu
        body = bytes([unit]) + pdu
        if self.framing == "ascii":
            return b":" + (body + bytes([-sum(body) & 0xFF])).hex().upper().encode() + b"\r\n"
        return body + crc16(body)


def crc16(data: bytes) -> bytes:
    """The checksum of a Modbus RTU frame, in the order of the wire."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


class Datagrams(asyncio.DatagramProtocol):
    """The same device behind UDP; `lost` says how many requests get no answer."""

    def __init__(self, plc: Plc) -> None:
        self._plc = plc
        self._transport: asyncio.DatagramTransport | None = None
        self.lost = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        transaction, _, _, unit = struct.unpack(">HHHB", data[:7])
        self._plc.requests.append((unit, data[7:]))
        if self.lost:
            self.lost -= 1
            return
        assert self._transport is not None
        self._transport.sendto(self._plc.frame(transaction, unit, self._plc.units[unit].answer(data[7:])), addr)


@asynccontextmanager
async def running(plc: Plc) -> AsyncGenerator[Plc]:
    """The device while a test runs."""
    await plc.start()
    try:
        yield plc
    finally:
        await plc.stop()
