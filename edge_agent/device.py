"""One device's supervisor: connect, run, watch that something arrives, back off, start over, for ever."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors.contract import Certified, Clock, Connector, PointDescription, ReadResult, Recorder, SelfDescribing
from connectors.errors import ConfigInvalid, DeviceUnreachable, ReadTimeout
from edge_agent.config import DeviceConfig
from edge_agent.pipeline import DevicePipeline
from edge_agent.quantities import SECOND_US
from edge_agent.scan import ScanClass, ScanTimer
from edge_agent.telemetry import Count, Counters, say
from edge_agent.writer import OutboxWriter
from schemas import status as codes
from schemas.agent_status import DeviceState
from schemas.batch import GapReason

CLOSE_LIMIT_S = 10.0


@dataclass(slots=True)
class DeviceReport:
    """What the health message says of a device."""

    state: DeviceState = DeviceState.CONNECTING
    since_us: int = 0
    error: str | None = None
    overruns: int = 0
    failures: int = 0
    jitter_s: float = 0.0
    """The longest that a scan began after its time since this was told last."""

    def told_jitter_s(self) -> float:
        """Tell it, and begin to watch anew."""
        jitter_s, self.jitter_s = self.jitter_s, 0.0
        return jitter_s


@dataclass(slots=True)
class DeviceSupervisor:
    """Keeps one device delivering; nothing that happens here reaches another device."""

    device: DeviceConfig
    pipeline: DevicePipeline
    writer: OutboxWriter
    clock: Clock
    counters: Counters
    random: random.Random
    on_described: Callable[[], None] = lambda: None
    report: DeviceReport = field(default_factory=DeviceReport)
    recorder: Recorder | None = None
    look: Callable[[], None] = lambda: None
    """Called before a silence is held against the device: the agent may have stood still itself."""
    described: Mapping[int, PointDescription] = field(default_factory=dict[int, PointDescription])
    """What the device said of its points when it was asked last."""
    _has_values: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived_at: float = 0.0
    _attempts: int = 0
    _resumed_us: int | None = None
    """When the agent ran again, until the connection that it left alone has proved to be good or lost."""
    _is_reported: bool = False
    _connector: Connector | None = None

    def certificate_files(self) -> Mapping[str, Path]:
        """By use, where the connector shows any; none before the first connection was begun."""
        return self._connector.certificate_files() if isinstance(self._connector, Certified) else {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            error = await self._session()
            self._failed(error)
            await asyncio.sleep(self._pause_s())

    def stood_still(self, seconds: float) -> None:
        """The agent did not run for so long: what was not read then was not withheld by the device.

        A shorter pause than two periods of the fastest scan may have cost none: it is no gap yet. What a device reports
        by itself waits in its queue; whether any is lost is known when it has come, or when the connection is gone.
        """
        if self.report.state is DeviceState.UNREACHABLE:
            return
        resumed_us = self._resumed_us = self.clock.now_us()
        self._arrived_at = self.clock.monotonic()
        if self.device.is_subscribed:
            self.pipeline.expect_queued(resumed_us)
        elif seconds >= 2 * min((scan.period_s for scan in self._scan_classes()), default=0.0):
            self.pipeline.miss_since_last(GapReason.AGENT_STOPPED)

    async def _session(self) -> Exception:
        """One connection from opening to its failure, which it returns; the connector is closed afterwards."""
        self._become(DeviceState.CONNECTING)
        try:
            connector = self._made()
            await self._opened(connector)
            await self._delivering(connector)
        except (DeviceUnreachable, ConfigInvalid) as error:
            return error
        except Exception as error:  # noqa: BLE001 - a defect of one connector must not end the others
            defective, self._connector = self._connector, None  # its state is not to be trusted any more
            await _closed(defective)
            return error
        finally:
            await _closed(self._connector)
        return DeviceUnreachable("the connector stopped by itself")

    def _made(self) -> Connector:
        """One connector for all sessions: what it has learned of the device, and its counters, outlive a connection."""
        if self._connector is None:
            points = [tag.point for tag in self.device.tags]
            self._connector = self.device.kind.create(self.device.connector, points, self.clock)
            if self.recorder is not None and self.device.kind.record is not None:
                self.device.kind.record(self._connector, self.recorder)
        return self._connector

    async def _opened(self, connector: Connector) -> None:
        limit_s = self.device.table.watchdog / SECOND_US
        try:
            async with asyncio.timeout(limit_s):
                await connector.open()
        except TimeoutError as error:
            raise ReadTimeout(f"no connection within {limit_s:g} s") from error

    async def _delivering(self, connector: Connector) -> None:
        self._arrived_at = self.clock.monotonic()
        self._has_values.clear()
        asides = [self._watch()]
        if isinstance(connector, SelfDescribing):
            asides.append(self._describe(connector))
        if self.device.is_subscribed:
            await _first_failure(connector.subscribe(self._deliver), *asides)
            return
        line = asyncio.Lock()
        loops = [self._scan(connector, scan, line) for scan in self._scan_classes()]
        await _first_failure(*loops, *asides)

    async def _describe(self, connector: SelfDescribing) -> None:
        """Ask the device what its points are, once values flow; what it cannot tell costs no sample."""
        await self._has_values.wait()
        try:
            described = await connector.describe()
        except Exception as error:  # noqa: BLE001 - a device that does not describe itself may still deliver
            say(logging.WARNING, "device does not describe its points", device=self.device.name, error=repr(error))
            described = self.described
        if described != self.described:
            self.described = described
            self.on_described()
        await asyncio.Event().wait()

    async def _scan(self, connector: Connector, scan: ScanClass, line: asyncio.Lock) -> None:
        timer = ScanTimer(scan, self.clock)
        while True:
            overruns = await timer.wait()
            if overruns:
                self.report.overruns += overruns
                self.counters[Count.SCAN_OVERRUNS] += overruns
            async with line:
                self.report.jitter_s = max(self.report.jitter_s, timer.late_s)
                self._accept(await connector.read(scan.points))

    async def _deliver(self, result: ReadResult) -> None:
        self._accept(result)
        if result.points:
            await self.writer.durable()

    def _accept(self, result: ReadResult) -> None:
        self.look()
        self._arrived_at = self.clock.monotonic()
        self._attempts = 0
        self._is_reported = False
        if self.report.state is not DeviceState.RUNNING:
            if self.report.failures:
                say(logging.INFO, "device answers", device=self.device.name)
            self._become(DeviceState.RUNNING)
        self.pipeline.accept(result)
        if self._resumed_us is not None and not self.pipeline.is_behind(self._resumed_us):
            self._resumed_us = None
        if result.points:
            self._has_values.set()

    async def _watch(self) -> None:
        """A connection that looks alive and delivers nothing is dead."""
        longest = max((scan.period_s for scan in self._scan_classes()), default=0.0)
        limit_s = self.device.table.watchdog / SECOND_US
        if not self.device.is_subscribed:
            limit_s += 2 * longest
        while True:
            self.look()
            silent_s = self.clock.monotonic() - self._arrived_at
            if silent_s >= limit_s:
                raise ReadTimeout(f"nothing arrived for {silent_s:.1f} s")
            await asyncio.sleep(limit_s - silent_s)

    def _scan_classes(self) -> list[ScanClass]:
        tables = self.device.table.scan
        return [
            ScanClass(name, tables[name].period / SECOND_US, tables[name].phase / SECOND_US, points)
            for name, points in self.device.groups().items()
        ]

    def _failed(self, error: Exception) -> None:
        """Say so once an outage: a Bad sample of each tag, a line in the log."""
        self.look()
        if self._resumed_us is not None:
            self._lost_by_pause(error)
            return
        self.counters[Count.DEVICE_FAILURES] += 1
        is_expected = isinstance(error, DeviceUnreachable | ConfigInvalid)
        if not is_expected:
            self.counters[Count.CONNECTOR_ERRORS] += 1
        text = f"{error}" if is_expected else f"{type(error).__name__}: {error}"
        if self.report.state is DeviceState.RUNNING or self.report.failures == 0 or text != self.report.error:
            say(logging.WARNING, "device is unreachable", device=self.device.name, error=text)
        if not self._is_reported:
            self.pipeline.fail(status_of(error))
            self._is_reported = True
        self.report.failures += 1
        self.report.error = text
        self._become(DeviceState.UNREACHABLE)

    def _lost_by_pause(self, error: Exception) -> None:
        """The connection did not outlive our pause: that is ours as well; the next attempt shows the device."""
        self._resumed_us = None
        say(logging.INFO, "connection was lost while the agent stood still", device=self.device.name, error=f"{error}")
        self.pipeline.miss_since_last(GapReason.AGENT_STOPPED)

    def _pause_s(self) -> float:
        """Twice as long after each failure in a row, with jitter, so that a thousand agents do not knock together."""
        table = self.device.table
        pause_us = min(table.retry_max, table.retry_min * 2 ** min(self._attempts, 30))
        self._attempts += 1
        return pause_us / SECOND_US * self.random.uniform(0.5, 1.0)

    def _become(self, state: DeviceState) -> None:
        if state is not self.report.state:
            self.report.state = state
            self.report.since_us = self.clock.now_us()
        if state is DeviceState.RUNNING:
            self.report.error = None


def status_of(error: Exception) -> int:
    """The status of every tag of a device that failed like this."""
    if isinstance(error, ReadTimeout):
        return codes.BAD_TIMEOUT
    if isinstance(error, DeviceUnreachable):
        return codes.BAD_NO_COMMUNICATION
    if isinstance(error, ConfigInvalid):
        return codes.BAD_CONFIGURATION_ERROR
    return codes.BAD_INTERNAL_ERROR


async def _closed(connector: Connector | None) -> None:
    if connector is None:
        return
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await connector.close()
    except Exception as error:  # noqa: BLE001 - closing must not keep the device from starting over
        say(logging.WARNING, "connector did not close cleanly", error=repr(error))


async def _first_failure(*loops: Coroutine[object, object, None]) -> None:
    """Run all; when one ends, end the others and raise what ended it."""
    tasks = [asyncio.ensure_future(loop) for loop in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
