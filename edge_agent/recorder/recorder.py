"""The recorders of all devices of an agent: now and then they are written, seldom enough for flash memory."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connectors.contract import Clock, Recorder
from edge_agent.config import DeviceConfig
from edge_agent.recorder import tape
from edge_agent.recorder.ring import Ring, Stretch
from edge_agent.recorder.shelf import Limits, Shelf
from edge_agent.telemetry import say

LOOK_S = 1.0
"""How often it is looked for the request of `edge record export`."""
REQUEST = "export.request"
_SUFFIX = ".ring"


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Where recordings lie, what is kept, how often it is written, and what is held until then."""

    agent: str
    folder: Path
    limits: Limits
    flush_s: float
    pending_bytes: int


class FlightRecorder:
    """Nothing that happens here reaches a device or its samples."""

    def __init__(self, settings: RecorderSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._rings: dict[str, tuple[tape.Head, Ring]] = {}
        self._is_failing = False

    def of(self, device: DeviceConfig) -> Recorder | None:
        """The device's recorder; None where its kind records nothing."""
        if device.kind.record is None:
            return None
        head = tape.Head(self._settings.agent, device.name, device.kind.name)
        found = self._rings.get(device.name)
        if found is None or found[0] != head:
            found = self._rings[device.name] = (head, Ring(self._settings.pending_bytes))
        return found[1]

    async def run(self) -> None:
        """Until cancelled."""
        request = self._settings.folder / REQUEST
        with suppress(OSError):  # told when it is written to
            self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flushed_at = self._clock.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            is_asked = _is_there(request)
            if is_asked or self._clock.monotonic() - flushed_at >= self._settings.flush_s:
                await self.flush()
                flushed_at = self._clock.monotonic()
            if is_asked:
                with suppress(OSError):
                    request.unlink()

    async def flush(self) -> None:
        """Write what is held; a disk that refuses is told once, and costs nothing but the recording."""
        taken = [(head, stretch) for head, ring in self._rings.values() for stretch in _taken(ring)]
        try:
            await asyncio.to_thread(self._write, taken)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here, the devices must be read on
            if not self._is_failing:
                say(logging.WARNING, "flight recorder cannot write", folder=self._settings.folder, error=repr(error))
            self._is_failing = True
        else:
            self._is_failing = False

    def _write(self, taken: Sequence[tuple[tape.Head, Stretch]]) -> None:
        try:
            for head, stretch in taken:
                Shelf(folder_of(self._settings.folder, head.device)).put(head, stretch)
        finally:  # above all where the disk is full
            for folder in self._settings.folder.glob(f"*{_SUFFIX}"):  # also of devices that are no longer configured
                Shelf(folder).sweep(self._clock.now_us(), self._settings.limits)


def _taken(ring: Ring) -> Sequence[Stretch]:
    rest = ring.take()
    return ring.take_openings() if rest is None else [*ring.take_openings(), rest]


def folder_of(folder: Path, device: str) -> Path:
    """Where the recording of one device lies."""
    return folder / f"{device}{_SUFFIX}"


def _is_there(request: Path) -> bool:
    try:
        return request.exists()
    except OSError:
        return False
