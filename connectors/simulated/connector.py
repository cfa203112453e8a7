"""A device without hardware: its values come from the seed and the clock alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

from connectors.contract import BrowsedPoint, Clock, Deliver, PlannedRequest, ReadResult
from connectors.errors import ConfigInvalid, DeviceUnreachable, PointRejected
from connectors.simulated.config import Delivery, SimulatedConfig, SimulatedPoint
from connectors.simulated.signals import KINDS, phase_of, sample_at
from schemas import status
from schemas.sample import Value

_S_US = 1_000_000


class SimulatedConnector:
    """A device of kind `simulated`."""

    def __init__(self, config: SimulatedConfig, points: Sequence[SimulatedPoint], clock: Clock) -> None:
        self._config = config
        self._points = tuple(points)
        self._phases = [phase_of(config.seed, index) for index in range(len(points))]
        self._clock = clock
        self._counters: Counter[str] = Counter()
        self._is_open = False

    @property
    def counters(self) -> Mapping[str, int]:
        """Reads, and reports of a subscription."""
        return self._counters

    async def open(self) -> None:
        """Start; raises DeviceUnreachable in an outage."""
        self._refuse_in_outage()
        self._is_open = True

    async def read(self, points: Sequence[int]) -> ReadResult:
        """All these signals as they are now."""
        if not self._is_open:
            raise DeviceUnreachable("the simulated device is not open")
        self._refuse_in_outage()
        self._counters["requests"] += 1
        return self._result(points, self._clock.now_us())

    async def subscribe(self, deliver: Deliver) -> None:
        """Report all signals at whole multiples of the publishing period."""
        if self._config.delivery is not Delivery.SUBSCRIBED:
            raise ConfigInvalid('this device is polled; set delivery = "subscribed"')
        period_us = round(self._config.publishing * _S_US)
        reported_us = self._clock.now_us() // period_us * period_us
        while True:
            due_us = reported_us + period_us
            await asyncio.sleep(max(0, due_us - self._clock.now_us()) / _S_US)
            self._refuse_in_outage()
            if self._clock.now_us() < due_us:
                continue
            reported_us = self._clock.now_us() // period_us * period_us
            self._counters["reports"] += 1
            await deliver(self._result(range(len(self._points)), reported_us))

    async def write(self, point: int, value: Value) -> None:
        """Signals cannot be written."""
        raise PointRejected(point, status.BAD_NOT_WRITABLE, f"a {self._points[point].signal} cannot be written")

    async def browse(self) -> AsyncIterator[BrowsedPoint]:
        """The configured signals, named by shape and number."""
        for index, point in enumerate(self._points):
            yield BrowsedPoint(
                path=("signals", f"{point.signal}-{index}"),
                point={"signal": point.signal.value, "period": f"{point.period:g}s"},
                kind=KINDS[point.form],
                low=point.minimum,
                high=point.maximum,
            )

    async def close(self) -> None:
        """Stop."""
        self._is_open = False

    def _result(self, points: Sequence[int], time_us: int) -> ReadResult:
        samples = [sample_at(self._points[point], self._phases[point], time_us) for point in points]
        kinds, values, statuses = zip(*samples, strict=True) if samples else ((), (), ())
        return ReadResult(tuple(points), kinds, values, statuses, (time_us,) * len(samples), time_us)

    def _refuse_in_outage(self) -> None:
        if self._config.outage_every is None:
            return
        every_us, for_us = round(self._config.outage_every * _S_US), round(self._config.outage_for * _S_US)
        if self._clock.now_us() % every_us < for_us:
            raise DeviceUnreachable(f"the simulated device is out for {self._config.outage_for:g} s")


def describe_plan(
    config: SimulatedConfig, points: Sequence[SimulatedPoint], groups: Sequence[Sequence[int]]
) -> list[PlannedRequest]:
    """One read a group, or one subscription."""
    if config.delivery is Delivery.SUBSCRIBED:
        return [PlannedRequest(f"a report every {config.publishing:g} s", len(points))]
    return [PlannedRequest("one read inside this process", len(group)) for group in groups]
