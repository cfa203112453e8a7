"""One host and port, shared by every unit behind it: one connection, one request at a time, each unit on its own."""

import asyncio
from collections import Counter, defaultdict
from typing import NoReturn
from weakref import WeakKeyDictionary

from connectors.contract import Clock
from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.modbus.breaker import Breaker
from connectors.modbus.config import Framing, ModbusConfig
from connectors.modbus.line import Answer, Caller, Line
from connectors.modbus.pdu import UNIT_LOST, Request, exception_text

_Address = tuple[str, int]
_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Address, "Endpoint"]] = WeakKeyDictionary()
"""Devices know nothing of each other, but a gateway has one line: whoever names it meets here."""


def join(config: ModbusConfig, clock: Clock) -> "Endpoint":
    """The endpoint of this device's url, with the device counted in."""
    endpoints = _open.setdefault(asyncio.get_running_loop(), {})
    address = (config.host, config.port)
    endpoint = endpoints.setdefault(address, Endpoint(address, config.framing, clock))
    if endpoint.framing is not config.framing:
        raise ConfigInvalid(f"{config.url}: another device speaks {endpoint.framing} to the same host and port")
    endpoint.enter(config.unit)
    return endpoint


class Endpoint:
    """Serialises the requests of all its units; joined by each device that is open, closed when the last one leaves."""

    def __init__(self, address: _Address, framing: Framing, clock: Clock) -> None:
        self._address = address
        self.framing = framing
        self._clock = clock
        self._lock = asyncio.Lock()
        self._line: Line | None = None
        self._dialling = Breaker()
        self._breakers: defaultdict[int, Breaker] = defaultdict(Breaker)
        self._members: Counter[int] = Counter()

    def enter(self, unit: int) -> None:
        """Count a device in."""
        self._members[unit] += 1

    async def leave(self, unit: int) -> None:
        """Count the device out; the last one closes the connection. Never raises, bounded in time."""
        self._members[unit] -= 1
        if self._members.total() == 0:
            _open.get(asyncio.get_running_loop(), {}).pop(self._address, None)
            await self._hang_up()

    async def connect(self, caller: Caller) -> None:
        """Have a connection; raises DeviceUnreachable, also while the unit is left alone."""
        async with self._lock:
            self._refuse_while_paused(self._breakers[caller.unit])
            await self._connected(caller)

    async def request(self, caller: Caller, request: Request) -> Answer:
        """Ask once and wait for the answer; a refusal by the unit is an answer too."""
        async with self._lock:
            breaker = self._breakers[caller.unit]
            self._refuse_while_paused(breaker)
            line = await self._connected(caller)
            is_shared = sum(count > 0 for count in self._members.values()) > 1
            allowance_s = breaker.allowance_s(caller.timeout_s) if is_shared else caller.timeout_s
            try:
                answer = await line.exchange(caller, request, allowance_s)
            except BaseException as error:
                await self._hang_up()  # also when cancelled: the answer would come to the wrong question
                if isinstance(error, DeviceUnreachable):
                    breaker.fail(self._clock.monotonic(), str(error))
                raise
            exception = request.exception_of(answer.pdu)
            if exception is not None and exception in UNIT_LOST:
                self._lose(breaker, caller, exception)
            breaker.succeed()
            return answer

    def _lose(self, breaker: Breaker, caller: Caller, exception: int) -> NoReturn:
        reason = f"{self._name} unit {caller.unit}: the gateway says {exception_text(exception)}"
        breaker.fail(self._clock.monotonic(), reason)
        raise DeviceUnreachable(reason)

    async def _connected(self, caller: Caller) -> Line:
        if self._line is not None and self._line.is_usable:
            return self._line
        await self._hang_up()
        self._refuse_while_paused(self._dialling)
        line = Line(*self._address, self.framing, self._clock)
        self._line = line
        caller.counters["connections"] += 1
        try:
            await line.dial(caller.timeout_s)
        except DeviceUnreachable as error:
            self._dialling.fail(self._clock.monotonic(), str(error))
            raise
        self._dialling.succeed()
        return line

    def _refuse_while_paused(self, breaker: Breaker) -> None:
        pause_s = breaker.remaining_s(self._clock.monotonic())
        if pause_s > 0:
            raise DeviceUnreachable(f"{breaker.reason}; asked again in {pause_s:.1f} s")

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.hang_up()

    @property
    def _name(self) -> str:
        return f"{self._address[0]}:{self._address[1]}"
