"""One connection and the requests on it; the only file that knows pymodbus (its transports and framers)."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerAscii, FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from connectors.contract import Clock, Recorder
from connectors.errors import DeviceUnreachable, ReadTimeout
from connectors.modbus.link import Framing, Link, Transport
from connectors.modbus.pdu import Request
from connectors.modbus.security import tls_context

CLOSE_TIMEOUT_S = 1.0
LONGEST_TCP_LENGTH = 254
"""What the length field of a TCP frame may say: unit and 253 bytes of PDU."""
LONGEST_FRAME = 516
"""The longest frame of any framing, an ASCII one."""
_FRAMERS: Mapping[Framing, type[FramerBase]] = {
    Framing.TCP: FramerSocket,
    Framing.RTU: FramerRTU,
    Framing.ASCII: FramerAscii,
}
_COMM_TYPES: Mapping[Transport, CommType] = {
    Transport.TCP: CommType.TCP,
    Transport.TLS: CommType.TLS,
    Transport.UDP: CommType.UDP,
    Transport.SERIAL: CommType.SERIAL,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the unit, how long its answer may take, and where to count and record what happened."""

    unit: int
    timeout_s: float
    counters: Counter[str]
    recorder: Recorder | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the unit said, and when the last byte of it arrived."""

    pdu: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class _Pending:
    caller: Caller
    request: Request
    answer: "asyncio.Future[Answer]"


class Line(ModbusProtocol):
    """A connection to a server, gateway or serial port. After a failed exchange it must be hung up, not used again."""

    def __init__(self, link: Link, clock: Clock) -> None:
        super().__init__(_parameters(link), is_server=False)
        self._name = str(link.target)
        self._link = link
        self._clock = clock
        self._is_numbered = link.target.framing is Framing.TCP
        self._is_pipelined = link.quirks.outstanding > 1
        self._framer = _FRAMERS[link.target.framing](DecodePDU(is_server=False))
        self._transaction = 0
        self._pending: dict[int, _Pending] = {}
        self._connected: asyncio.Future[None] = self.loop.create_future()
        self._closed: asyncio.Future[None] = self.loop.create_future()
        self.max_buffer_size = LONGEST_FRAME * (link.quirks.outstanding + self._is_pipelined)
        self.is_usable = False

    async def dial(self, timeout_s: float) -> None:
        """Connect once; raises DeviceUnreachable."""
        try:
            async with asyncio.timeout(timeout_s):
                self.transport, _ = await self.call_create()
                await self._connected
        except TimeoutError as error:
            raise DeviceUnreachable(f"{self._name} accepted no connection within {timeout_s:g} s") from error
        except (OSError, UnicodeError, ValueError, *_terminal_errors()) as error:
            raise DeviceUnreachable(f"{self._name} cannot be reached: {error}") from error
        await asyncio.sleep(self._link.quirks.connect_pause_s)
        self.is_usable = not self._closed.done()

    async def exchange(self, caller: Caller, request: Request, timeout_s: float) -> Answer:
        """Send a request and wait for the answer that fits it."""
        if not self.is_usable:
            raise DeviceUnreachable(f"{self._name} closed the connection")
        self._transaction = self._transaction % 0xFFFF + 1
        number = self._transaction if self._is_numbered else 0
        pending = self._pending[number] = _Pending(caller, request, self.loop.create_future())
        frame = self._framer.encode(request.pdu, caller.unit, number)
        caller.counters["requests"] += 1
        caller.counters["bytes_sent"] += len(frame)
        self._transmit(frame)
        try:
            async with asyncio.timeout(timeout_s):
                return await pending.answer
        except TimeoutError as error:
            caller.counters["timeouts"] += 1
            raise ReadTimeout(f"{self._name} unit {caller.unit} did not answer within {timeout_s:g} s") from error
        finally:
            del self._pending[number]

    async def hang_up(self) -> None:
        """Drop the connection at once; never raises and is bounded in time."""
        self.is_usable = False
        transport: Any = self.transport
        self.close()
        self._fail(f"{self._name} was hung up")
        if transport is None:
            return
        transport.abort()
        if self._link.serial is None:  # a serial port is closed by now, and does not call back
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._closed

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio when the connection is gone, whoever ended it."""
        super().connection_lost(exc)
        self.is_usable = False
        self._fail(f"{self._name} closed the connection" + (f": {exc}" if exc else ""))
        if not self._closed.done():
            self._closed.set_result(None)

    def error_received(self, exc: Exception) -> None:
        """Called by asyncio when a datagram could not be delivered: nobody listens there."""
        self.is_usable = False
        self._fail(f"{self._name} cannot be reached: {exc}")

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Called by pymodbus with all bytes that no frame has used; returns how many of them are used now."""
        used = 0
        while used < len(data):
            rest = data[used:]
            if self._is_numbered and not _may_be_tcp_frame(rest):
                return self._break(len(data))
            try:
                taken, unit, transaction, pdu = self._framer.decode(rest)
            except (ModbusException, IndexError, ValueError):
                return self._break(len(data))
            if taken == 0:
                return used
            if not pdu:
                return self._break(len(data))
            used += taken
            self._take(unit, transaction, pdu)
        return used

    def callback_new_connection(self) -> ModbusProtocol:
        """Of no use to a client."""
        return self

    def callback_connected(self) -> None:
        """Called by pymodbus when the connection is made."""
        if not self._connected.done():
            self._connected.set_result(None)

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Of no use here: `connection_lost` knows."""

    def _transmit(self, frame: bytes) -> None:
        transport: Any = self.transport
        if not self._is_pipelined or transport is None:
            self.send(frame)  # which forgets what of an older answer has arrived
        elif self._link.target.transport is Transport.UDP:
            transport.sendto(frame)
        else:
            transport.write(frame)

    def _take(self, unit: int, transaction: int, pdu: bytes) -> None:
        pending = self._asked(transaction)
        if pending is None or pending.answer.done():
            # Nobody asked. With transaction numbers it can be told apart from the next answer, without it cannot.
            self.is_usable = self.is_usable and self._is_numbered
            for waiting in self._pending.values():
                waiting.caller.counters["late_answers"] += 1
                return
            return
        pending.caller.counters["bytes_received"] += len(pdu)
        is_other = unit != pending.caller.unit and not self._link.quirks.accepts_any_unit
        if is_other or not pending.request.is_answered_by(pdu):
            self._break(0)
        else:
            pending.answer.set_result(Answer(pdu, self._clock.now_us()))

    def _asked(self, transaction: int) -> _Pending | None:
        if self._link.quirks.accepts_any_transaction:
            return next(iter(self._pending.values()), None)
        return self._pending.get(transaction if self._is_numbered else 0)

    def _break(self, used: int) -> int:
        """What came is no answer to any request of ours: nothing on this connection can be trusted any more."""
        self.is_usable = False
        for pending in self._pending.values():
            pending.caller.counters["rubbish_answers"] += 1
        self._fail(f"{self._name} sent something that is no answer to the request")
        return used

    def _fail(self, reason: str) -> None:
        for pending in self._pending.values():
            if not pending.answer.done():
                pending.answer.set_exception(DeviceUnreachable(reason))
        if not self._connected.done():
            self._connected.set_exception(DeviceUnreachable(reason))
            self._connected.exception()  # nobody may be waiting for it any more


def _parameters(link: Link) -> CommParams:
    serial = link.serial
    parameters = CommParams(
        comm_name=str(link.target),
        comm_type=_COMM_TYPES[link.target.transport],
        host=link.target.host,
        port=link.target.port,
        reconnect_delay=0.0,
        sslctx=None if link.security is None else tls_context(link.security),
    )
    if serial is not None:
        parameters.baudrate = serial.baud
        parameters.bytesize = serial.data_bits
        parameters.parity = serial.parity[0].upper()
        parameters.stopbits = serial.stop_bits
        parameters.handle_local_echo = serial.has_echo
    return parameters


def _terminal_errors() -> tuple[type[Exception], ...]:
    """What a serial port raises that cannot be set as asked; it is no OSError, and not every system has it."""
    try:
        import termios
    except ImportError:
        return ()
    return (termios.error,)


def _may_be_tcp_frame(data: bytes) -> bool:
    """Whether protocol identifier and length, as far as they have arrived, are those of Modbus."""
    if any(data[2:4]):
        return False
    return len(data) < 6 or 2 < int.from_bytes(data[4:6], "big") <= LONGEST_TCP_LENGTH
