"""The OPC UA connector: a new session for each `open`, reads or subscriptions on it, and never two at a time."""

import asyncio
import os
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence

from connectors.contract import BrowsedPoint, Clock, Deliver, PlannedRequest, PointDescription, ReadResult
from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.opcua import node_id
from connectors.opcua.address_space import browse_variables, write_value
from connectors.opcua.config import Mode, OpcuaConfig, OpcuaPoint
from connectors.opcua.descriptions import describe
from connectors.opcua.faults import device_faults
from connectors.opcua.limits import CHUNK, request_count
from connectors.opcua.notifications import Notifications, Outage, Wanted
from connectors.opcua.resumption import Resumption
from connectors.opcua.session import Session
from connectors.opcua.values import Columns
from schemas import status
from schemas.sample import Value


class OpcuaConnector:
    """One OPC UA server as the contract wants it."""

    def __init__(self, config: OpcuaConfig, points: Sequence[OpcuaPoint], clock: Clock) -> None:
        self._config = config
        self._addresses = [node_id.parse(point.node) for point in points]
        self._clock = clock
        self._counters: Counter[str] = Counter()
        self._deadbands = [point.server_deadband for point in points]
        self._outage = Outage(Resumption(config, [f"{point.node} {point.server_deadband}" for point in points]))
        self._session: Session | None = None
        self._urls = deque((config.url, *config.fallback_urls))
        self._url: str | None = None

    @property
    def counters(self) -> Mapping[str, int]:
        """Requests, changes, keep-alives, overflows, whose clocks stamped; `subscribed`, `refused` as they are now."""
        return self._counters

    async def open(self) -> None:
        """Connect, log in and learn the server's namespaces and limits; raises DeviceUnreachable."""
        await self.close()
        first_error: DeviceUnreachable | None = None
        for _ in range(len(self._urls)):
            config = self._config.model_copy(update={"url": self._urls[0]})
            session = Session(config, lambda: read_password(self._config), self._clock, self._counters)
            try:
                await session.open()
            except DeviceUnreachable as error:
                first_error = first_error or error
                self._urls.rotate(-1)
                continue
            if self._url not in (None, config.url):
                self._outage.resumption.forget()  # what is kept is kept by another server
                self._counters["server_switches"] += 1
            self._url, self._session = config.url, session
            self._counters["sessions"] += 1
            return
        raise first_error or DeviceUnreachable(f"{self._config.url} is not open")

    async def read(self, points: Sequence[int]) -> ReadResult:
        """Read these points once, in as many requests as the server's limits ask for."""
        session = self._opened()
        asked_us = self._clock.now_us()
        nodes = {point: session.node(self._addresses[point]) for point in points}
        known = [(point, node) for point, node in nodes.items() if node is not None]
        columns = Columns(session.decoder, self._config.sample_time, self._counters)
        with device_faults(self._config.url):
            answers = await session.read_values([node for _, node in known])
            arrived_us = self._clock.now_us()
            for (point, _), answer in zip(known, answers, strict=True):
                columns.add(point, answer, arrived_us)
        for point, node in nodes.items():
            if node is None:
                columns.add_bad(point, status.BAD_NODE_ID_UNKNOWN, arrived_us)
        # What changes after the server looked is stamped by its clock, which may run behind ours.
        return columns.result(asked_us + min(0, session.clock_offset_us))

    async def subscribe(self, deliver: Deliver) -> None:
        """Deliver changes as the server reports them, until cancelled or until the server falls silent."""
        session = self._opened()
        if not self._addresses:
            await asyncio.Event().wait()
        wanted = Wanted(self._addresses, self._deadbands)
        notifications = Notifications(session, self._config, self._clock, self._counters, self._outage)
        await notifications.run(wanted, deliver)

    async def write(self, point: int, value: Value) -> None:
        """Write one value in the type that the variable has; raises PointRejected when the server refuses it."""
        session = self._opened()
        with device_faults(self._config.url):
            await write_value(session, point, self._addresses[point], value)

    async def describe(self) -> Mapping[int, PointDescription]:
        """What the server says of our points; those that it does not know are left out."""
        session = self._opened()
        nodes = {point: session.node(address) for point, address in enumerate(self._addresses)}
        known = {point: node for point, node in nodes.items() if node is not None}
        with device_faults(self._config.url):
            described = zip(known, await describe(session, list(known.values())), strict=True)
        return {point: what for point, what in described if what != PointDescription()}

    async def browse(self) -> AsyncIterator[BrowsedPoint]:
        """All variables below the Objects folder, but for those that describe the server itself."""
        session = self._opened()
        with device_faults(self._config.url):
            async for found in browse_variables(session):
                yield found

    async def close(self) -> None:
        """End the session, within one time-out."""
        session, self._session = self._session, None
        if session is not None:
            await session.close(is_leaving_subscriptions=self._outage.resumption.is_kept)

    def _opened(self) -> Session:
        if self._session is None:
            raise DeviceUnreachable(f"{self._config.url} is not open")
        return self._session


def create(config: OpcuaConfig, points: Sequence[OpcuaPoint], clock: Clock) -> OpcuaConnector:
    """A connector for these points; raises ConfigInvalid where a secret cannot be read."""
    read_password(config)
    return OpcuaConnector(config, points, clock)


def is_subscribed(config: OpcuaConfig) -> bool:
    """Tell whether the server decides when values travel."""
    return config.mode is Mode.SUBSCRIBED


def describe_plan(
    config: OpcuaConfig, points: Sequence[OpcuaPoint], groups: Sequence[Sequence[int]]
) -> Sequence[PlannedRequest]:
    """What will be asked of the server; its own limits, known only once connected, may split it further."""
    if config.mode is Mode.POLLED:
        sizes = [size for group in groups for size in _sizes(len(group))]
        return [PlannedRequest(f"Read of {size} value{'s' * (size > 1)}", size) for size in sizes]
    if not points:
        return []
    head = PlannedRequest(
        f"CreateSubscription: sampling {config.sampling:g} s, publishing {config.publishing:g} s, "
        f"queue {config.queue}, keep-alive {config.keep_alive:g} s",
        0,
    )
    return [head, *(PlannedRequest(f"CreateMonitoredItems of {size}", size) for size in _sizes(len(points)))]


def read_password(config: OpcuaConfig) -> str:
    """The password of the configured user, read anew each time so that it can be changed; empty without one."""
    if config.password_env is not None:
        try:
            return os.environ[config.password_env]
        except KeyError:
            raise ConfigInvalid(f"password_env: the environment has no variable {config.password_env}") from None
    if config.password_file is None:
        return ""
    try:
        return config.password_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"password_file: {config.password_file} cannot be read: {error}") from error


def _sizes(count: int) -> list[int]:
    return [min(CHUNK, count - CHUNK * number) for number in range(request_count(count, CHUNK))]
