"""One host and port, shared by every unit behind it: one connection, its requests in turn, each unit on its own."""

import asyncio
from collections import Counter, defaultdict
from typing import NoReturn, TypeAlias
from weakref import WeakKeyDictionary

from connectors.contract import Clock
from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.modbus.breaker import Breaker
from connectors.modbus.cost import Cost
from connectors.modbus.line import Answer, Caller, Line
from connectors.modbus.link import Target, Transport
from connectors.modbus.pdu import UNIT_LOST, Request, exception_text
from connectors.modbus.recording import note_lost, recorded
from connectors.modbus.settings import ModbusSettings

_Address: TypeAlias = tuple[bool, str, int]
_open: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Address, "Endpoint"]] = WeakKeyDictionary()
"""Devices know nothing of each other, but a gateway has one line: whoever names it meets here."""


def join(config: ModbusSettings, clock: Clock) -> "Endpoint":
    """The endpoint of this device's url, with the device counted in."""
    endpoints = _open.setdefault(asyncio.get_running_loop(), {})
    link = config.link
    endpoint = endpoints.setdefault(_address(link.target), Endpoint(config, clock))
    if endpoint.link != link:
        differing = [key for key, value in config.terms.items() if endpoint.terms[key] != value]
        raise ConfigInvalid(
            f"{config.url}: another device shares this connection with other settings; allowed: the same for all of "
            f"{', '.join(differing)}"
        )
    endpoint.enter(config.unit)
    return endpoint


class Endpoint:
    """Serialises the requests of all its units; joined by each device that is open, closed when the last one leaves."""

    def __init__(self, config: ModbusSettings, clock: Clock) -> None:
        link = config.link
        self.link = link
        self.terms = config.terms
        self.cost: Cost = config.cost
        """The moving estimate of what a request takes here."""
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(link.quirks.outstanding)
        self._dial_lock = asyncio.Lock()
        self._line: Line | None = None
        self._pause_s = link.quirks.request_pause_s + link.silence_s
        self._on_the_way = 0
        self._free_at = 0.0
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
            _open.get(self._loop, {}).pop(_address(self.link.target), None)
            await self._hang_up(self._line)

    async def rest(self) -> None:
        """Close the connection until the next request, unless another unit is using it."""
        if self._on_the_way == 0:
            await self._hang_up(self._line)

    async def connect(self, caller: Caller) -> None:
        """Have a connection; raises DeviceUnreachable, also while the unit is left alone."""
        async with self._slots:
            self._refuse_while_paused(self._breakers[caller.unit])
            await self._connected(caller)

    async def request(self, caller: Caller, request: Request) -> Answer:
        """Ask once and wait for the answer; a refusal by the unit is an answer too."""
        async with self._slots:
            breaker = self._breakers[caller.unit]
            self._refuse_while_paused(breaker)
            if self._pause_s:
                await asyncio.sleep(max(0.0, self._free_at - self._loop.time()))
            line = await self._connected(caller)
            is_shared = sum(count > 0 for count in self._members.values()) > 1
            allowance_s = breaker.allowance_s(caller.timeout_s) if is_shared else caller.timeout_s
            try:
                answer = await self._exchange(line, caller, request, allowance_s)
            except BaseException as error:
                await self._hang_up(line)  # also when cancelled: the answer would come to the wrong question
                if isinstance(error, DeviceUnreachable):
                    breaker.fail(self._clock.monotonic(), str(error))
                raise
            exception = request.exception_of(answer.pdu)
            if exception is not None and exception in UNIT_LOST:
                self._lose(breaker, caller, exception)
            breaker.succeed()
            return answer

    async def _exchange(self, line: Line, caller: Caller, request: Request, allowance_s: float) -> Answer:
        self._on_the_way += 1
        is_alone = self._on_the_way == 1
        asked_at = self._loop.time()
        try:
            if caller.recorder is None:
                answer = await line.exchange(caller, request, allowance_s)
            else:
                answer = await recorded(line, caller, request, allowance_s, self._clock)
        finally:
            self._on_the_way -= 1
            answered_at = self._loop.time()
            self._free_at = answered_at + self._pause_s
        if is_alone and request.registers and len(answer.pdu) == request.answer_bytes:
            self.cost = self.cost.observed(answered_at - asked_at + self._pause_s, request.registers)
        return answer

    def _lose(self, breaker: Breaker, caller: Caller, exception: int) -> NoReturn:
        reason = f"{self.link.target} unit {caller.unit}: the gateway says {exception_text(exception)}"
        breaker.fail(self._clock.monotonic(), reason)
        raise DeviceUnreachable(reason)

    async def _connected(self, caller: Caller) -> Line:
        async with self._dial_lock:
            if self._line is not None and self._line.is_usable:
                return self._line
            await self._hang_up(self._line)
            self._refuse_while_paused(self._dialling)
            line = self._line = Line(self.link, self._clock)
            caller.counters["connections"] += 1
            asked_us = self._clock.now_us()
            try:
                await line.dial(caller.timeout_s)
            except DeviceUnreachable as error:
                note_lost(caller, asked_us, self._clock)
                self._dialling.fail(self._clock.monotonic(), str(error))
                raise
            self._dialling.succeed()
            return line

    def _refuse_while_paused(self, breaker: Breaker) -> None:
        pause_s = breaker.remaining_s(self._clock.monotonic())
        if pause_s > 0:
            raise DeviceUnreachable(f"{breaker.reason}; asked again in {pause_s:.1f} s")

    async def _hang_up(self, line: Line | None) -> None:
        if line is self._line:
            self._line = None
        if line is not None:
            await line.hang_up()


def _address(target: Target) -> _Address:
    """TCP and UDP ports are two worlds."""
    return target.transport is Transport.UDP, target.host, target.port
