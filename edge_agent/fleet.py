"""The devices of one agent: who runs, where their tags stand in the tag books, and what a reload changes."""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.clock import AgentClock
from edge_agent.config import DeviceConfig
from edge_agent.device import DeviceSupervisor
from edge_agent.packing import TagBook
from edge_agent.pipeline import DevicePipeline
from edge_agent.recorder.recorder import FlightRecorder
from edge_agent.telemetry import Counters, say
from edge_agent.writer import OutboxWriter
from schemas.batch import GapReason

MAX_BOOK_TAGS = 16_384
MAX_BOOK_CHARACTERS = 1_000_000
DESCRIBED_WAIT_S = 1.0


@dataclass(slots=True)
class _Running:
    supervisor: DeviceSupervisor
    task: asyncio.Task[None]


class Fleet:
    """One task for each device; none of them can end another."""

    def __init__(
        self,
        writer: OutboxWriter,
        clock: AgentClock,
        counters: Counters,
        recorder: FlightRecorder | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._counters = counters
        self._recorder = recorder
        self._look = look
        self._running: dict[str, _Running] = {}
        self._saying: asyncio.TimerHandle | None = None
        self.on_described: Callable[[], None] = lambda: None
        """Called soon after devices have told what their points are: once for many that tell at a time."""

    @property
    def supervisors(self) -> list[DeviceSupervisor]:
        """The supervisors of all devices."""
        return [running.supervisor for running in self._running.values()]

    async def start(self, devices: Sequence[DeviceConfig], progress: Mapping[str, int]) -> None:
        """Start all devices; `progress` says until when each was measured before."""
        made = {device.name: self._supervisor(device) for device in devices}
        for name, supervisor in made.items():
            supervisor.pipeline.resume(progress.get(name), GapReason.AGENT_STOPPED)
        self._start(devices, made)

    async def change(self, devices: Sequence[DeviceConfig]) -> list[str]:
        """Go over to another set of devices; only those that differ are stopped and started. Returns their names."""
        kept = {
            device.name
            for device in devices
            if device.name in self._running and self._running[device.name].supervisor.device == device
        }
        gone = [name for name in self._running if name not in kept]
        until = {name: self._running[name].supervisor.pipeline.until_us for name in gone}
        await self._stop(gone)
        made: dict[str, DeviceSupervisor] = {}
        for device in devices:
            if device.name not in kept:
                made[device.name] = self._supervisor(device)
                made[device.name].pipeline.resume(until.get(device.name), GapReason.CONFIGURATION_CHANGED)
        self._start(devices, made)
        return sorted({*gone, *made})

    async def stop(self) -> None:
        """Stop all devices and close their connections."""
        if self._saying is not None:
            self._saying.cancel()
        await self._stop(list(self._running))

    def stood_still(self, seconds: float) -> None:
        """The agent did not run for so long, and runs again: a gap of its own for each device."""
        for supervisor in self.supervisors:
            supervisor.stood_still(seconds)

    def _supervisor(self, device: DeviceConfig) -> DeviceSupervisor:
        pipeline = DevicePipeline(device, self._writer, self._clock, self._counters)
        chance = random.Random()  # noqa: S311
        made = DeviceSupervisor(
            device, pipeline, self._writer, self._clock, self._counters, chance, self._notice_described
        )
        made.look = self._look
        made.recorder = None if self._recorder is None else self._recorder.of(device)
        return made

    def _notice_described(self) -> None:
        if self._saying is None:
            self._saying = asyncio.get_running_loop().call_later(DESCRIBED_WAIT_S, self._say_described)

    def _say_described(self) -> None:
        self._saying = None
        self.on_described()

    def _start(self, devices: Sequence[DeviceConfig], made: Mapping[str, DeviceSupervisor]) -> None:
        """Place the tags of all devices, then run the new ones; with no await between, no sample is misplaced."""
        supervisors = {**{name: running.supervisor for name, running in self._running.items()}, **made}
        for book, placed in tag_books(devices):
            for device, base in placed:
                supervisors[device.name].pipeline.place(book, base)
        for name, supervisor in made.items():
            task = asyncio.create_task(supervisor.run(), name=f"device {name}")
            task.add_done_callback(_say_end)
            self._running[name] = _Running(supervisor, task)

    async def _stop(self, names: Sequence[str]) -> None:
        tasks = [self._running.pop(name).task for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def tag_books(devices: Sequence[DeviceConfig]) -> list[tuple[TagBook, list[tuple[DeviceConfig, int]]]]:
    """The agent's ordered tag list, cut between devices where one list would be too long to be named in a batch."""
    groups: list[list[DeviceConfig]] = [[]]
    tags = characters = 0
    for device in devices:
        length = sum(len(tag.path) for tag in device.tags)
        if groups[-1] and (tags + len(device.tags) > MAX_BOOK_TAGS or characters + length > MAX_BOOK_CHARACTERS):
            groups.append([])
            tags = characters = 0
        groups[-1].append(device)
        tags += len(device.tags)
        characters += length
    return [_book(group) for group in groups if group]


def _book(group: list[DeviceConfig]) -> tuple[TagBook, list[tuple[DeviceConfig, int]]]:
    paths: list[str] = []
    placed: list[tuple[DeviceConfig, int]] = []
    for device in group:
        placed.append((device, len(paths)))
        paths += [tag.path for tag in device.tags]
    return TagBook.of(paths), placed


def _say_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        say(logging.ERROR, "a device supervisor ended", device=task.get_name(), error=repr(error))
