"""What every chosen tag says now, read once, with the raw content beside the engineering value."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.contract import Clock, ReadResult
from connectors.errors import ConnectorError
from edge_agent.commissioning.globs import matches, near
from edge_agent.commissioning.screen import Progress
from edge_agent.commissioning.sessions import opened
from edge_agent.config import AgentConfig, DeviceConfig
from edge_agent.device import status_of
from edge_agent.pipeline import scaling_of
from schemas.sample import Kind, Value
from schemas.status import BAD_NO_DATA, Quality, quality

AT_ONCE = 16
"""Devices that are asked side by side; those behind one gateway wait for each other all the same."""


class TagUnknown(Exception):
    """No tag of the configuration is meant by what was written."""


@dataclass(frozen=True, slots=True)
class TagNow:
    """One tag as it is now; `raw` is the content before scaling, on the wire where the protocol can show it."""

    path: str
    kind: Kind
    value: Value
    status: int
    time_us: int
    raw: str
    unit: str | None = None

    @property
    def quality(self) -> Quality:
        """Good, uncertain or bad."""
        return quality(self.status)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All tags in the order of the files, and what kept whole devices from being read."""

    tags: Sequence[TagNow]
    troubles: Mapping[str, str]


def chosen(config: AgentConfig, wanted: Sequence[str]) -> Mapping[str, Sequence[int]]:
    """The points to read of each device; raises TagUnknown for a name or pattern that stands for nothing."""
    every = [tag.path for device in config.devices for tag in device.tags]
    for name in wanted:
        if not any(matches(name, path) for path in every):
            hints = near(name, every)
            raise TagUnknown(f"no tag is called {name!r}" + (f"; there is {', '.join(hints)}" if hints else ""))
    picked = {
        device.name: [
            place
            for place, tag in enumerate(device.tags)
            if not wanted or any(matches(name, tag.path) for name in wanted)
        ]
        for device in config.devices
    }
    return {name: points for name, points in picked.items() if points}


async def read_once(
    config: AgentConfig, points: Mapping[str, Sequence[int]], clock: Clock, progress: Progress
) -> Snapshot:
    """Read the points of every device once; a device that cannot be read makes Bad tags, and trouble."""
    places = asyncio.Semaphore(AT_ONCE)
    done: list[str] = []

    async def one(device: DeviceConfig) -> Sequence[TagNow] | Exception:
        async with places:
            try:
                return await read_device(device, points[device.name], clock)
            except Exception as error:  # noqa: BLE001 - a defect of one connector must not hide the other devices
                return error
            finally:
                done.append(device.name)
                progress.say(f"{len(done)} of {len(points)} devices read")

    devices = [device for device in config.devices if device.name in points]
    answers = await asyncio.gather(*(one(device) for device in devices))
    tags: list[TagNow] = []
    troubles: dict[str, str] = {}
    for device, answer in zip(devices, answers, strict=True):
        if isinstance(answer, Exception):
            is_expected = isinstance(answer, ConnectorError)
            troubles[device.name] = str(answer) if is_expected else f"{type(answer).__name__}: {answer}"
            tags += [_unread(device, place, answer, clock) for place in points[device.name]]
        else:
            tags += answer
    return Snapshot(tags, troubles)


async def read_device(device: DeviceConfig, points: Sequence[int], clock: Clock) -> list[TagNow]:
    """The tags of one device; raises what its connector raises."""
    async with opened(device.kind, device.connector, [tag.point for tag in device.tags], clock) as connector:
        return tags_now(device, points, await connector.read(points), clock)


def tags_now(device: DeviceConfig, points: Sequence[int], result: ReadResult, clock: Clock) -> list[TagNow]:
    """The answer of one poll by tags, in the order of the points."""
    cells = zip(result.points, result.kinds, result.values, result.statuses, result.times_us, strict=True)
    found = {
        point: _tag_now(device, point, (kind, value, status), time_us) for point, kind, value, status, time_us in cells
    }
    nothing = (Kind.NONE, None, BAD_NO_DATA)
    return [found.get(point) or _tag_now(device, point, nothing, clock.now_us()) for point in points]


def _tag_now(device: DeviceConfig, point: int, content: tuple[Kind, Value, int], time_us: int) -> TagNow:
    tag = device.tags[point]
    raw_kind, raw_value, raw_status = content
    scaling = scaling_of(tag.table)
    kind, value, status = content if scaling.is_identity else scaling.apply(raw_kind, raw_value, raw_status)
    raw = "" if raw_value is None else device.kind.raw(device.connector, tag.point, raw_kind, raw_value)
    if raw is None:
        raw = f"{raw_kind} {raw_value}"
    return TagNow(tag.path, kind, value, status, time_us, raw, tag.table.unit)


def _unread(device: DeviceConfig, point: int, error: Exception, clock: Clock) -> TagNow:
    tag = device.tags[point]
    return TagNow(tag.path, Kind.NONE, None, status_of(error), clock.now_us(), "", tag.table.unit)
