"""One session on one server: opened once, kept alive, closed once. A lost one is never repaired, but replaced."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import Clock, Trouble
from connectors.errors import ConfigInvalid, DeviceUnreachable, ReadTimeout
from connectors.opcua.browse_paths import Address, BrowsePath
from connectors.opcua.channel import Channel
from connectors.opcua.config import OpcuaConfig, Reads, Security
from connectors.opcua.faults import TOO_MUCH_AT_ONCE, device_faults
from connectors.opcua.limits import Limit, limit
from connectors.opcua.node_id import STANDARD_NAMESPACE
from connectors.opcua.path_nodes import resolve
from connectors.opcua.pieces import Answer, Item, in_chunks
from connectors.opcua.recording import Recording
from connectors.opcua.values import ValueDecoder, to_us

logger = logging.getLogger(__name__)

STOOD_STILL_S = 1.0
"""Who wakes so much too late did not run: nobody's silence can be told from that."""

_RENEW_AT = 0.75  # of the channel's lifetime (Part 4, 5.5.2.1)
_DAY = 86_400.0
_BEYOND = "4000000000:4000000001"  # of any array
_BEATS = 3  # signs of life within one session time-out
_IDS = ObjectIds


def standard_node(number: int) -> ua.NodeId:
    """A node of the OPC UA standard itself."""
    return ua.NodeId(ua.Int32(number))


class Session:
    """A secure channel with an activated session, and what the server said about itself."""

    def __init__(
        self, config: OpcuaConfig, clock: Clock, counters: Counter[str], recording: Recording | None = None
    ) -> None:
        self._config = config
        self._clock = clock
        self._recording = recording
        self._channel = Channel(config, clock, counters, recording)
        self._keeper: asyncio.Task[None] | None = None
        self._counters = counters
        self._registered: dict[ua.NodeId, ua.NodeId] = {}
        self.namespaces: Sequence[str] = ()
        self.decoder = ValueDecoder(())
        self.read_limit = Limit()
        self.browse_limit = Limit()
        self.item_limit = Limit()
        self.translate_limit = Limit()
        self.with_parts: frozenset[int] = frozenset()
        """Points whose values are to be taken apart later."""
        self.paths: Sequence[BrowsePath] = ()
        """What is to be resolved whenever namespaces are learned."""
        self._resolved: dict[BrowsePath, ua.NodeId] = {}
        self.items_per_subscription = 0
        self.has_changed = False
        """Whether node ids of this session may mean other nodes now."""
        self.clock_offset_us = 0

    @property
    def client(self) -> Any:
        """asyncua's service calls, one method a service."""
        return self._channel.client.uaclient

    @property
    def certificate_file(self) -> Path | None:
        """Of our certificates the one that the server takes; None where none is shown."""
        return self._channel.certificate_file

    async def open(self) -> None:
        """Connect, log in, learn namespaces and limits; raises DeviceUnreachable and leaves nothing behind then."""
        asked_us = self._clock.now_us()
        if self._recording is not None:
            self._recording.begin_session()
        try:
            with device_faults(self._config.url):
                await self._channel.enter()
                await self._learn()
        except BaseException as error:
            await self.close()
            if isinstance(error, DeviceUnreachable):
                self._note_trouble(error, asked_us)
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"opcua-keep {self._config.url}")

    async def close(self, *, is_leaving_subscriptions: bool = False) -> None:
        """End session and channel, politely while the server answers; never raises, never longer than a time-out."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._channel.leave(is_leaving_subscriptions=is_leaving_subscriptions)

    def node(self, address: Address) -> ua.NodeId | None:
        """The node id with today's namespace index; None where the server does not know the namespace or the path."""
        if isinstance(address, BrowsePath):
            return self._resolved.get(address)
        if address.namespace not in self.namespaces:
            return None
        return ua.NodeId(address.identifier, self.namespaces.index(address.namespace))  # type: ignore[arg-type]

    async def chunked(
        self,
        items: Sequence[Item],
        most: Limit,
        call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        at_once: int = 1,
    ) -> list[Answer]:
        """Ask for all items in requests that the server accepts, the answers in order."""
        return await in_chunks(items, most, call, _is_too_much, at_once)

    async def registered(self, nodes: Sequence[ua.NodeId]) -> list[ua.NodeId]:
        """The names that the server has for these nodes in this session; their own where it registers none."""
        if self._config.reads is Reads.PLAIN:
            return list(nodes)
        new = [node for node in nodes if node not in self._registered]
        try:
            names = await self.chunked(new, self.read_limit, lambda piece: self.client.register_nodes(list(piece)))
        except ua.UaStatusCodeError as error:
            logger.info("%s registers no nodes (%s): they are read by their own names", self._config.url, error)
            names = new
        self._registered.update(zip(new, names, strict=True))
        return [self._registered[node] for node in nodes]

    async def read_values(
        self, nodes: Sequence[ua.NodeId], ranges: Sequence[str | None] | None = None
    ) -> list[ua.DataValue]:
        """The values of these nodes, in order, or of these ranges of arrays."""
        return await self.read_attributes(nodes, AttributeIds.Value, ranges)

    async def know_ranges(self, nodes: Sequence[ua.NodeId]) -> list[bool]:
        """Whether a range is read as one: some servers give the whole array, even for a range that lies beyond it."""
        answers = await self.read_values(nodes, [_BEYOND] * len(nodes))
        return [answer.StatusCode is not None and not answer.StatusCode.is_good() for answer in answers]

    async def read_attributes(
        self, nodes: Sequence[ua.NodeId], attribute: AttributeIds, ranges: Sequence[str | None] | None = None
    ) -> list[ua.DataValue]:
        """One attribute of these nodes, in order."""

        async def read(piece: Sequence[ua.ReadValueId]) -> list[ua.DataValue]:
            self._counters["requests"] += 1
            parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=list(piece))
            return await self.client.read(parameters)

        wanted: Any = ua.ReadValueId
        asked = [
            wanted(NodeId=node, AttributeId=attribute, IndexRange=range_)
            for node, range_ in zip(nodes, ranges or [None] * len(nodes), strict=True)
        ]
        return await self.chunked(asked, self.read_limit, read)

    async def publish(self, acknowledgements: list[ua.SubscriptionAcknowledgement]) -> bytes:
        """Wait for the next message of any subscription; its bytes, as asyncua would decode them."""
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acknowledgements
        return bytes(await self.send(request, patience_s=0))

    async def send(self, request: Any, patience_s: float | None = None) -> Any:
        """Send a request for which asyncua has no call that fits us; the bytes of the answer, as its buffer."""
        protocol = self.client.protocol
        if protocol is None:
            raise ConnectionError("the connection is closed")
        return await protocol.send_request(request, patience_s)

    async def learn_namespaces(self) -> None:
        """Read the NamespaceArray anew: its order is the server's whim."""
        (answer,) = await self.read_values([standard_node(_IDS.Server_NamespaceArray)])
        found = _content(answer)
        self.namespaces = [str(uri) for uri in found] if isinstance(found, list) else [STANDARD_NAMESPACE]
        self.decoder = ValueDecoder(self.namespaces, self.with_parts)
        self._resolved = await resolve(self, self.paths) if self.paths else {}

    async def _learn(self) -> None:
        (stated,) = await self.read_values(
            [standard_node(_IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)]
        )
        self.read_limit = limit(_content(stated), self._config.request_limit)
        await self.learn_namespaces()
        prefix = "Server_ServerCapabilities_"
        wanted = (
            f"{prefix}OperationLimits_MaxMonitoredItemsPerCall",
            f"{prefix}OperationLimits_MaxNodesPerBrowse",
            f"{prefix}MaxMonitoredItemsPerSubscription",
        )
        answers = await self.read_values([standard_node(getattr(_IDS, name)) for name in wanted])
        items, browse, per_subscription = (_content(answer) for answer in answers)
        most = self._config.request_limit
        self.item_limit, self.browse_limit = limit(items, most), limit(browse, most)
        stated_items = per_subscription if isinstance(per_subscription, int) else 0
        self.items_per_subscription = min(filter(None, (stated_items, self._config.subscription_limit)), default=0)
        await self._beat()

    async def _beat(self) -> None:
        before_us = self._clock.now_us()
        asked = [standard_node(_IDS.Server_ServerStatus_CurrentTime), standard_node(_IDS.Server_NamespaceArray)]
        answer, spaces = (_content(each) for each in await self.read_values(asked))
        if isinstance(spaces, list) and [str(uri) for uri in cast("list[object]", spaces)] != self.namespaces:
            self.has_changed = True
            self._counters["model_changes"] += 1
            logger.warning("%s has other namespaces now: all points are looked up anew", self._config.url)
            raise DeviceUnreachable(f"{self._config.url} has changed its namespaces")
        found = answer
        server_us = to_us(found) if isinstance(found, datetime) else None
        if server_us is not None:
            self.clock_offset_us = server_us - (before_us + self._clock.now_us()) // 2

    async def _keep(self) -> None:
        """Renew the channel in time and let the server see that we live; a failure ends the connection."""
        client = self._channel.client
        renewed = self._clock.monotonic()
        try:
            while True:
                lifetime = client.secure_channel_timeout / 1000 * _RENEW_AT
                await asyncio.sleep(min(client.session_timeout / 1000 / _BEATS, lifetime))
                if self._clock.monotonic() - renewed >= lifetime / 2:
                    await client.open_secure_channel(renew=True)
                    client.uaclient.revolve_security_token()
                    renewed = self._clock.monotonic()
                await self._beat_awake()
                if self._config.security is not Security.NONE:
                    await self._look_after_certificates()
        except Exception as error:  # noqa: BLE001 whoever waits for an answer learns it from the dead connection
            logger.debug("%s: no sign of life: %r", self._config.url, error)
            self._channel.abort()

    async def _beat_awake(self) -> None:
        """A time-out that came much too late was no silence: nobody ran here, and the answer may lie in the socket."""
        while True:
            asked = self._clock.monotonic()
            try:
                await self._beat()
            except TimeoutError:
                if self._clock.monotonic() - asked < self._config.timeout + STOOD_STILL_S:
                    raise
            else:
                return

    async def _look_after_certificates(self) -> None:
        if self._clock.monotonic() - self._channel.looked_after >= _DAY:
            with suppress(ConfigInvalid):  # the next connection says why
                await self._channel.own_certificates()

    def note_silence(self) -> None:
        """The server owes what it promised: that is worth remembering."""
        self._note_trouble(ReadTimeout(), self._clock.now_us())

    def _note_trouble(self, error: DeviceUnreachable, asked_us: int) -> None:
        if self._recording is not None:
            self._recording.note_trouble(asked_us, Trouble.SILENT if isinstance(error, ReadTimeout) else Trouble.LOST)


def _content(answer: ua.DataValue) -> object:
    return None if answer.Value is None else answer.Value.Value


def _is_too_much(error: Exception) -> bool:
    return isinstance(error, ua.UaStatusCodeError) and error.code in TOO_MUCH_AT_ONCE
