"""One connection with at most one request on it; the only file that knows pymodbus (its transport and framers)."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU
from pymodbus.transport import CommParams, CommType, ModbusProtocol

from connectors.contract import Clock
from connectors.errors import DeviceUnreachable, ReadTimeout
from connectors.modbus.config import Framing
from connectors.modbus.pdu import Request

CLOSE_TIMEOUT_S = 1.0
LONGEST_TCP_LENGTH = 254
"""What the length field of a TCP frame may say: unit and 253 bytes of PDU."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the unit, how long its answer may take, and where to count what happened."""

    unit: int
    timeout_s: float
    counters: Counter[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the unit said, and when the last byte of it arrived."""

    pdu: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class _Pending:
    caller: Caller
    request: Request
    transaction: int
    answer: "asyncio.Future[Answer]"


class Line(ModbusProtocol):
    """A TCP connection to a server or gateway. After a failed exchange it must be hung up, never used again."""

    def __init__(self, host: str, port: int, framing: Framing, clock: Clock) -> None:
        name = f"{host}:{port}"
        super().__init__(
            CommParams(comm_name=name, comm_type=CommType.TCP, host=host, port=port, reconnect_delay=0.0),
            is_server=False,
        )
        self._name = name
        self._clock = clock
        self._is_tcp = framing is Framing.TCP
        self._framer = (FramerSocket if self._is_tcp else FramerRTU)(DecodePDU(is_server=False))
        self._transaction = 0
        self._pending: _Pending | None = None
        self._closed: asyncio.Future[None] = self.loop.create_future()
        self.is_usable = False

    async def dial(self, timeout_s: float) -> None:
        """Connect once; raises DeviceUnreachable."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.call_create()
        except TimeoutError as error:
            raise DeviceUnreachable(f"{self._name} accepted no connection within {timeout_s:g} s") from error
        except (OSError, UnicodeError) as error:
            raise DeviceUnreachable(f"{self._name} cannot be reached: {error}") from error
        self.is_usable = True

    async def exchange(self, caller: Caller, request: Request, timeout_s: float) -> Answer:
        """Send a request and wait for the answer that fits it."""
        self._transaction = self._transaction % 0xFFFF + 1
        pending = _Pending(caller, request, self._transaction, self.loop.create_future())
        frame = self._framer.encode(request.pdu, caller.unit, pending.transaction)
        caller.counters["requests"] += 1
        caller.counters["bytes_sent"] += len(frame)
        self._pending = pending
        self.send(frame)
        try:
            async with asyncio.timeout(timeout_s):
                return await pending.answer
        except TimeoutError as error:
            caller.counters["timeouts"] += 1
            raise ReadTimeout(f"{self._name} unit {caller.unit} did not answer within {timeout_s:g} s") from error
        finally:
            self._pending = None

    async def hang_up(self) -> None:
        """Drop the connection at once; never raises and is bounded in time."""
        self.is_usable = False
        transport = self.transport
        self.close()
        if isinstance(transport, asyncio.Transport):
            transport.abort()
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

    def callback_data(self, data: bytes, addr: tuple[str, int] | None = None) -> int:
        """Called by pymodbus with all bytes that no frame has used; returns how many of them are used now."""
        used = 0
        while used < len(data):
            rest = data[used:]
            if self._is_tcp and not _may_be_tcp_frame(rest):
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
        """Of no use here: `dial` knows."""

    def callback_disconnected(self, exc: Exception | None) -> None:
        """Of no use here: `connection_lost` knows."""

    def _take(self, unit: int, transaction: int, pdu: bytes) -> None:
        pending = self._pending
        if pending is None or pending.answer.done():
            # Nobody asked. With transaction numbers it can be told apart from the next answer, without it cannot.
            self.is_usable = self.is_usable and self._is_tcp
            return
        counters = pending.caller.counters
        counters["bytes_received"] += len(pdu)
        if self._is_tcp and transaction != pending.transaction:
            counters["late_answers"] += 1
        elif unit != pending.caller.unit or not pending.request.is_answered_by(pdu):
            self._break(0)
        else:
            pending.answer.set_result(Answer(pdu, self._clock.now_us()))

    def _break(self, used: int) -> int:
        """What came is no answer to any request of ours: nothing on this connection can be trusted any more."""
        self.is_usable = False
        if self._pending is not None:
            self._pending.caller.counters["rubbish_answers"] += 1
        self._fail(f"{self._name} sent something that is no answer to the request")
        return used

    def _fail(self, reason: str) -> None:
        if self._pending is not None and not self._pending.answer.done():
            self._pending.answer.set_exception(DeviceUnreachable(reason))


def _may_be_tcp_frame(data: bytes) -> bool:
    """Whether protocol identifier and length, as far as they have arrived, are those of Modbus."""
    if any(data[2:4]):
        return False
    return len(data) < 6 or 2 < int.from_bytes(data[4:6], "big") <= LONGEST_TCP_LENGTH
