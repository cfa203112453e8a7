"""The OPC UA connector: a new session for each `open`, reads or subscriptions on it, and never two at a time."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from connectors.contract import BrowsedPoint, Clock, Deliver, PlannedRequest, PointDescription, ReadResult, Recorder
from connectors.errors import DeviceUnreachable
from connectors.opcua import parts
from connectors.opcua.address_space import browse_variables
from connectors.opcua.certificates import newest_file
from connectors.opcua.config import Mode, OpcuaConfig, OpcuaPoint, Security
from connectors.opcua.descriptions import describe
from connectors.opcua.faults import device_faults
from connectors.opcua.limits import CHUNK, request_count
from connectors.opcua.login import read_secret
from connectors.opcua.notifications import Notifications, Outage, Wanted
from connectors.opcua.recording import Recording
from connectors.opcua.resumption import Resumption
from connectors.opcua.session import Session
from connectors.opcua.shapes import Items, Shapes, seen_through, words_of
from connectors.opcua.values import Columns
from connectors.opcua.writing import Target, write
from schemas import status
from schemas.sample import Value


class OpcuaConnector:
    """One OPC UA server as the contract wants it."""

    def __init__(self, config: OpcuaConfig, points: Sequence[OpcuaPoint], clock: Clock) -> None:
        self._config = config
        self._items = Items(points)
        self._clock = clock
        self._counters: Counter[str] = Counter()
        self._outage = Outage(Resumption(config, self._items.names))
        self._session: Session | None = None
        self._shapes: Shapes | None = None
        self._urls = deque((config.url, *config.fallback_urls))
        self._url: str | None = None
        self._recording: Recording | None = None
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def counters(self) -> Mapping[str, int]:
        """Requests, changes, keep-alives, overflows, whose clocks stamped; `subscribed`, `refused` as they are now."""
        return self._counters

    def record(self, recorder: Recorder) -> None:
        """Note every exchange of the sessions to come, but no login, nothing that is written and no header."""
        self._recording = Recording(recorder, self._clock)

    def certificate_files(self) -> Mapping[str, Path]:
        """Our application instance certificate, which the session shows or the next one would, and the user's."""
        config, files = self._config, dict[str, Path]()
        if config.security is not Security.NONE:
            shown = None if self._session is None else self._session.certificate_file
            files["client"] = shown or newest_file(config.certificates)
        if config.user_certificate is not None:
            files["user"] = config.user_certificate
        return files

    async def open(self) -> None:
        """Connect, log in and learn the server's namespaces and limits; raises DeviceUnreachable."""
        await self.close()
        first_error: DeviceUnreachable | None = None
        for _ in range(len(self._urls)):
            config = self._config.model_copy(update={"url": self._urls[0]})
            session = Session(config, self._clock, self._counters, self._recording)
            session.with_parts, session.paths = self._items.with_parts, self._items.paths
            shapes = Shapes(session, self._items, config.url)
            try:
                await session.open()
                await shapes.prepare()
            except DeviceUnreachable as error:
                first_error = first_error or error
                self._urls.rotate(-1)
                continue
            if self._url not in (None, config.url):
                self._outage.resumption.forget()  # what is kept is kept by another server
                self._counters["server_switches"] += 1
            self._url, self._session, self._shapes = config.url, session, shapes
            self._counters["sessions"] += 1
            return
        raise first_error or DeviceUnreachable(f"{self._config.url} is not open")

    async def read(self, points: Sequence[int]) -> ReadResult:
        """Read these points once, in as many requests as the server's limits ask for."""
        session, shapes = self._opened()
        asked_us = self._clock.now_us()
        items = dict.fromkeys(self._items.of_point[point] for point in points)
        nodes = {item: session.node(self._items.addresses[item]) for item in items}
        events = self._items.events
        known = [(item, node) for item, node in nodes.items() if node is not None and item not in events]
        columns = Columns(session.decoder, self._config.sample_time, self._counters)
        with device_faults(self._config.url):
            names = await session.registered([node for _, node in known])
            answers = await session.read_values(names, [self._items.ranges[item] for item, _ in known])
            arrived_us = self._clock.now_us()
            for (item, _), answer in zip(known, answers, strict=True):
                columns.add(item, answer, arrived_us)
        for item, node in nodes.items():
            if node is None or item in events:
                why = status.BAD_NODE_ID_UNKNOWN if node is None else status.BAD_NOT_READABLE
                columns.add_bad(item, why, arrived_us)
        # What changes after the server looked is stamped by its clock, which may run behind ours.
        result = columns.result(asked_us + min(0, session.clock_offset_us))
        return await shapes.complete(result, frozenset(points))

    async def subscribe(self, deliver: Deliver) -> None:
        """Deliver changes as the server reports them, until cancelled or until the server falls silent."""
        session, shapes = self._opened()
        if not self._items.addresses:
            await asyncio.Event().wait()
        wanted = Wanted(self._items.addresses, self._items.deadbands, self._items.events, self._items.ranges)

        async def completed(result: ReadResult) -> None:
            await deliver(await shapes.complete(result))

        notifications = Notifications(session, self._config, self._clock, self._counters, self._outage)
        self._settled = notifications.settled
        try:
            await notifications.run(wanted, completed)
        finally:
            notifications.settled.set()

    async def write(self, point: int, value: Value) -> None:
        """Write one value in the type that the variable has; raises PointRejected when the server refuses it."""
        session, shapes = self._opened()
        with device_faults(self._config.url):
            await write(session, shapes, self._target(point, shapes), value)

    def _target(self, point: int, shapes: Shapes) -> Target:
        item = self._items.of_point[point]
        view = next(view for view in self._items.views[item] if view.point == point)
        words = shapes.words(item) if view.is_labelled else None
        return Target(point, self._items.addresses[item], view.steps, self._items.ranges[item], words)

    async def describe(self) -> Mapping[int, PointDescription]:
        """What the server says of our points; those that it does not know are left out."""
        session, shapes = self._opened()
        await self._settled.wait()  # first values come first
        found: dict[int, PointDescription] = {}
        same: dict[PointDescription, PointDescription] = {}
        count = len(self._items.addresses)
        for first in range(0, count, CHUNK):  # what the server says of ten thousand nodes at once takes 20 MB
            for point, told in await self._described(session, shapes, range(first, min(first + CHUNK, count))):
                found[point] = same.setdefault(told, told)
        return found

    async def _described(
        self, session: Session, shapes: Shapes, items: range
    ) -> Sequence[tuple[int, PointDescription]]:
        nodes = {item: session.node(self._items.addresses[item]) for item in items}
        known = {item: node for item, node in nodes.items() if node is not None}
        with device_faults(self._config.url):
            words = await words_of(session, shapes.types, list(known.values()))
            found = await describe(session, list(known.values()), words)
        return [
            (view.point, seen_through(view, told))
            for item, told in zip(known, found, strict=True)
            if told != PointDescription()
            for view in self._items.views[item]
        ]

    async def browse(self) -> AsyncIterator[BrowsedPoint]:
        """All variables below the Objects folder, but for those that describe the server itself."""
        session, _ = self._opened()
        with device_faults(self._config.url):
            async for found in browse_variables(session):
                yield found

    async def close(self) -> None:
        """End the session, within one time-out."""
        session, self._session = self._session, None
        if session is not None:
            if session.has_changed:
                self._outage.resumption.forget()
            await session.close(is_leaving_subscriptions=self._outage.resumption.is_kept)

    def _opened(self) -> tuple[Session, Shapes]:
        if self._session is None or self._shapes is None:
            raise DeviceUnreachable(f"{self._config.url} is not open")
        return self._session, self._shapes


def expand(point: OpcuaPoint) -> Sequence[tuple[str, OpcuaPoint]]:
    """A tag for each element and field that is asked for, each a part of the same value."""
    if point.elements is None and point.fields is None:
        return (("", point),)
    elements = [f"[{number}]" for number in parts.element_numbers(point.elements)] if point.elements else [""]
    names = [_joined(element, field) for element in elements for field in point.fields or ("",)]
    plain = {"elements": None, "fields": None}
    return [(parts.level(name), point.model_copy(update={**plain, "part": name})) for name in names]


def _joined(element: str, field: str) -> str:
    return f"{element}.{field}" if element and field and not field.startswith("[") else f"{element}{field}"


def create(config: OpcuaConfig, points: Sequence[OpcuaPoint], clock: Clock) -> OpcuaConnector:
    """A connector for these points; raises ConfigInvalid where a secret cannot be read."""
    read_secret(config)
    return OpcuaConnector(config, points, clock)


def is_subscribed(config: OpcuaConfig) -> bool:
    """Tell whether the server decides when values travel."""
    return config.mode is Mode.SUBSCRIBED


def describe_plan(
    config: OpcuaConfig, points: Sequence[OpcuaPoint], groups: Sequence[Sequence[int]]
) -> Sequence[PlannedRequest]:
    """What will be asked of the server; its own limits, known only once connected, may split it further."""
    most = config.request_limit
    if config.mode is Mode.POLLED:
        of_point = Items(points).of_point
        sizes = [size for group in groups for size in _sizes(len({of_point[point] for point in group}), most)]
        return [PlannedRequest(f"Read of {size} value{'s' * (size > 1)}", size) for size in sizes]
    if not points:
        return []
    head = PlannedRequest(
        f"CreateSubscription: sampling {config.sampling:g} s, publishing {config.publishing:g} s, "
        f"queue {config.queue}, keep-alive {config.keep_alive:g} s",
        0,
    )
    return [
        head,
        *(
            PlannedRequest(f"CreateMonitoredItems of {size}", size)
            for size in _sizes(len(Items(points).addresses), most)
        ),
    ]


def _sizes(count: int, most: int) -> list[int]:
    return [min(most, count - most * number) for number in range(request_count(count, most))]
