"""One Modbus unit: polls its points in planned blocks, learns what it refuses, writes with read-back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from connectors.contract import BrowsedPoint, Clock, Deliver, ReadResult, Recorder
from connectors.errors import ConfigInvalid, DeviceUnreachable, PointRejected, ReadTimeout
from connectors.modbus import encode, pdu
from connectors.modbus.columns import Columns
from connectors.modbus.endpoint import Endpoint, join
from connectors.modbus.line import Answer, Caller
from connectors.modbus.place import ModbusPlace
from connectors.modbus.read_plan import Area
from connectors.modbus.schedule import PlannedRead, Scheduler
from connectors.modbus.settings import ModbusSettings
from schemas import status
from schemas.sample import Value

FORGET_REFUSED_S = 600.0
"""A refused point is asked for again after this time, and at every open."""
HOPELESS_FAILURES = 16
"""So many failures (04) in a row are not those of single registers: the device as a whole fails."""
HOPELESS_S = 60.0
"""For this long a device that fails as a whole is not asked in parts."""


class ModbusConnector:
    """A device of kind `modbus`."""

    def __init__(self, config: ModbusSettings, points: Sequence[ModbusPlace], clock: Clock) -> None:
        self._config = config
        self._points = tuple(points)
        self._clock = clock
        self._scheduler = Scheduler(config, points)
        self._counters: Counter[str] = Counter()
        self._caller = self._unrecorded = Caller(config.unit, config.timeout, self._counters)
        self._endpoint: Endpoint | None = None
        self._forget_at = 0.0
        self._failures = 0
        self._suspects: list[int] = []
        self._hopeless_until = 0.0
        if config.link.serial is not None and find_spec("serial") is None:
            raise ConfigInvalid(f"{config.url} needs the library 'serial'; install: pip install 'millstream[serial]'")

    @property
    def counters(self) -> Mapping[str, int]:
        """Requests, bytes, time-outs, late and rubbish answers, retries, connections, exceptions, what was learned."""
        return self._counters

    def record(self, recorder: Recorder) -> None:
        """Note every exchange from now on, but not what was written."""
        self._caller = replace(self._caller, recorder=recorder)

    def certificate_files(self) -> Mapping[str, Path]:
        """Of Modbus/TCP Security: our certificate, and who signs the device's."""
        named = (("client", self._config.cert_file), ("ca", self._config.ca_file))
        return {use: file for use, file in named if file is not None}

    async def open(self) -> None:
        """Connect, or share the connection of another unit behind the same url. Asks the unit for nothing."""
        if self._endpoint is not None:
            await self.close()
        endpoint = join(self._config, self._clock)
        try:
            await endpoint.connect(self._caller)
        except BaseException:
            await endpoint.leave(self._config.unit)
            raise
        self._endpoint = endpoint
        self._scheduler.forget_refused()

    async def read(self, points: Sequence[int]) -> ReadResult:
        """Read these points once. What was answered before the device fell silent is returned, the rest is Bad."""
        if self._clock.monotonic() > self._forget_at:
            self._scheduler.forget_refused()
        schedule = self._scheduler.schedule(tuple(points))
        columns = Columns()
        for point, reason in schedule.refused.items():
            columns.add_bad((point,), reason, self._clock.now_us())
        await self._poll(schedule.reads, columns)
        if self._endpoint is not None:
            self._counters["plans_remade"] += self._scheduler.adapt(self._endpoint.cost)
            if self._config.close_after_cycle:
                await self._endpoint.rest()
        return columns.result()

    async def subscribe(self, deliver: Deliver) -> None:
        """Modbus has no subscriptions."""
        raise ConfigInvalid("kind 'modbus' is polled; it cannot subscribe")

    async def write(self, point: int, value: Value) -> None:
        """Write a coil or holding register, read it back and compare the bytes."""
        place = self._points[point]
        if place.area not in (Area.COIL, Area.HOLDING):
            raise PointRejected(point, status.BAD_NOT_WRITABLE, f"{place.address}: only coil and holding take writes")
        request, expected, mask = self._write_request(point, value)
        await self._accepted(point, request)
        read_back = pdu.read_request(place.area, place.first, place.span.count)
        answer = await self._accepted(point, read_back, self._unrecorded)
        kept = bytes(byte & cover for byte, cover in zip(answer.pdu[2:], mask, strict=True))
        if kept != expected:
            raise PointRejected(
                point,
                status.BAD_UNEXPECTED_ERROR,
                f"{place.address}: the device took the write of {value!r} but holds {kept.hex()}, not {expected.hex()}",
            )

    async def browse(self) -> AsyncIterator[BrowsedPoint]:
        """A Modbus unit cannot tell what it has."""
        for nothing in ():
            yield nothing

    async def close(self) -> None:
        """Leave the endpoint; the last device to leave closes the connection."""
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await endpoint.leave(self._config.unit)

    async def _poll(self, reads: Sequence[PlannedRead], columns: Columns) -> None:
        """Ask for all blocks, several at once where the device allows it; what got no answer is Bad."""
        loss = await (self._read_in_turn if self._config.outstanding == 1 else self._read_at_once)(reads, columns)
        if loss is not None:
            if not columns.is_answered:
                raise loss
            asked = [point for planned in reads for point in planned.points]
            columns.add_missing(asked, _status_of_loss(loss), self._clock.now_us())

    async def _read_in_turn(self, reads: Sequence[PlannedRead], columns: Columns) -> DeviceUnreachable | None:
        for planned in reads:
            try:
                await self._read(planned, columns)
            except DeviceUnreachable as error:
                return error
        return None

    async def _read_at_once(self, reads: Sequence[PlannedRead], columns: Columns) -> DeviceUnreachable | None:
        losses: list[DeviceUnreachable] = []
        for outcome in await asyncio.gather(*(self._read(read, columns) for read in reads), return_exceptions=True):
            if isinstance(outcome, DeviceUnreachable):
                losses.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
        return losses[0] if losses else None

    async def _read(self, planned: PlannedRead, columns: Columns) -> bool:
        """Read one block into the columns, in parts where the device refuses the whole; tells if it was whole."""
        answer = await self._ask(planned.request)
        columns.answered(answer.at_us)
        exception = planned.request.exception_of(answer.pdu)
        if exception is None:
            columns.add(planned.points, planned.decoder, answer.pdu[2:], answer.at_us)
            self._works()
            return True
        if exception == pdu.ExceptionCode.DEVICE_FAILURE:
            self._fails()
        is_one = len(planned.points) == 1
        if not is_one and (exception in pdu.RANGE_REFUSED or self._is_partly_failing(exception)):
            await self._read_in_parts(planned, columns, exception)
            return False
        if is_one and exception in pdu.RANGE_REFUSED:
            self._learn_refused(planned.points[0], exception)
        elif is_one and self._is_partly_failing(exception):
            self._suspects += planned.points
        columns.add_bad(planned.points, pdu.status_of(exception), answer.at_us)
        return False

    def _is_partly_failing(self, exception: int) -> bool:
        """A part may be read where the whole fails; but a device that fails in all parts is asked no further."""
        return exception == pdu.ExceptionCode.DEVICE_FAILURE and self._clock.monotonic() >= self._hopeless_until

    def _fails(self) -> None:
        self._failures += 1
        if self._failures >= HOPELESS_FAILURES:
            self._failures = 0
            self._suspects.clear()
            self._hopeless_until = self._clock.monotonic() + HOPELESS_S

    def _works(self) -> None:
        """The device as a whole does not fail: the points that did are asked for alone from now on."""
        self._failures = 0
        self._hopeless_until = 0.0
        while self._suspects:
            point = self._suspects.pop()
            if self._scheduler.learn_failing(point):
                self._counters["points_failing"] += 1
                self._forget_at = self._clock.monotonic() + FORGET_REFUSED_S

    async def _read_in_parts(self, planned: PlannedRead, columns: Columns, exception: int) -> None:
        """Halve a refused block until only what the device does not have is left over, and remember the cuts."""
        left, right = self._scheduler.halves(planned.points)
        is_left_whole = await self._read(self._scheduler.read_of(left), columns)
        if exception == pdu.ExceptionCode.DEVICE_FAILURE and not self._is_partly_failing(exception):
            columns.add_bad(right, status.BAD_DEVICE_FAILURE, self._clock.now_us())
            return
        is_right_whole = await self._read(self._scheduler.read_of(right), columns)
        if is_left_whole and is_right_whole:
            self._counters["seams_learned"] += 1
            self._scheduler.learn_seam(left, right)

    def _learn_refused(self, point: int, exception: int) -> None:
        self._counters["points_refused"] += 1
        self._forget_at = self._clock.monotonic() + FORGET_REFUSED_S
        self._scheduler.learn_refused(point, pdu.status_of(exception))

    async def _ask(self, request: pdu.Request, caller: Caller | None = None) -> Answer:
        """Ask, and again after a pause where the unit says that it is busy."""
        answer = await self._request(request, caller)
        for _ in range(self._config.retries):
            if request.exception_of(answer.pdu) not in pdu.PASSING:
                break
            self._counters["retries"] += 1
            await asyncio.sleep(self._config.retry_pause)
            answer = await self._request(request, caller)
        if request.exception_of(answer.pdu) is not None:
            self._counters["exceptions"] += 1
        return answer

    async def _request(self, request: pdu.Request, caller: Caller | None) -> Answer:
        if self._endpoint is None:
            raise DeviceUnreachable(f"{self._config.url} is not open")
        return await self._endpoint.request(caller or self._caller, request)

    async def _accepted(self, point: int, request: pdu.Request, caller: Caller | None = None) -> Answer:
        answer = await self._ask(request, caller)
        exception = request.exception_of(answer.pdu)
        if exception is not None:
            address = self._points[point].address
            raise PointRejected(point, pdu.status_of(exception), f"{address}: {pdu.exception_text(exception)}")
        return answer

    def _write_request(self, point: int, value: Value) -> tuple[pdu.Request, bytes, bytes]:
        """The request, and what must be read back under which mask."""
        place = self._points[point]
        if place.area is Area.COIL:
            if not isinstance(value, bool):
                raise PointRejected(point, status.BAD_TYPE_MISMATCH, f"{place.address}: {value!r} is not a boolean")
            return pdu.write_coil_request(place.first, is_on=value), bytes([value]), b"\x01"
        field = place.field(self._config.order)
        try:
            data = encode.encode(field, value)
        except ValueError as error:
            raise PointRejected(point, status.BAD_OUT_OF_RANGE, f"{place.address}: {error}") from error
        mask = encode.mask(field)
        if mask == encode.WHOLE:
            return pdu.write_registers_request(place.first, data), data, b"\xff" * len(data)
        return pdu.mask_write_request(place.first, mask, data), data, mask.to_bytes(2, "big")


def _status_of_loss(error: DeviceUnreachable) -> int:
    return status.BAD_TIMEOUT if isinstance(error, ReadTimeout) else status.BAD_COMMUNICATION_ERROR
