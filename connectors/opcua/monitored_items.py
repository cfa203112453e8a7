"""What is subscribed: subscriptions and their items, created in pieces, refused ones asked for again."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary

from connectors.contract import Clock
from connectors.errors import DeviceUnreachable
from connectors.opcua import model_changes
from connectors.opcua.browse_paths import Address
from connectors.opcua.config import Discard, OpcuaConfig, Trigger
from connectors.opcua.events import EventChoice, item_request, refresh_request
from connectors.opcua.faults import device_faults
from connectors.opcua.session import Session
from schemas import status

logger = logging.getLogger(__name__)

_NAMED_IN_LOG = 20
_REFUSED_AS = "refused_as_"
_AT_ONCE = 2
"""CreateMonitoredItems on the way: the server makes the items of one while we write the next and read the last."""
_FLURRY_S = 0.5  # a program that is loaded changes many nodes at once
_FILTER_REFUSED = frozenset(
    {
        StatusCodes.BadFilterNotAllowed,
        StatusCodes.BadMonitoredItemFilterUnsupported,
        StatusCodes.BadMonitoredItemFilterInvalid,
        StatusCodes.BadDeadbandFilterInvalid,
    }
)
_TRIGGERS = {
    Trigger.STATUS: ua.DataChangeTrigger.Status,
    Trigger.VALUE: ua.DataChangeTrigger.StatusValue,
    Trigger.TIME: ua.DataChangeTrigger.StatusValueTimestamp,
}


@dataclass(slots=True)
class Subscription:
    """What the server granted, and how far it has come."""

    id: int
    first: int
    count: int
    publishing_s: float
    keep_alive_s: float
    heard: float
    sampling_us: int = 0
    awaited: set[int] = field(default_factory=set[int])
    is_complete: bool = False
    next_sequence_number: int | None = None
    until_us: int | None = None
    refused: dict[int, int] = field(default_factory=dict[int, int])
    is_resumed: bool = False
    """Taken over from an earlier session, and not heard since."""

    @property
    def points(self) -> Sequence[int]:
        """The points that it was made for."""
        return range(self.first, self.first + self.count)


class MonitoredItems:
    """Makes one server watch all points of a device."""

    def __init__(
        self,
        session: Session,
        config: OpcuaConfig,
        addresses: Sequence[Address],
        counters: Counter[str],
        deadbands: Sequence[str | None],
    ) -> None:
        self._deadbands = deadbands
        self._session = session
        self._config = config
        self._addresses = addresses
        self._counters = counters
        self.subscriptions: dict[int, Subscription] = {}
        self.events: Mapping[int, EventChoice] = {}
        """Points that are the events of their node."""
        self.ranges: Sequence[str | None] = ()
        """Of arrays, only these ranges."""
        self.model_handle = len(addresses)
        """No point has this one: it is the server's telling that its nodes have changed."""
        self._model_changed = asyncio.Event()

    async def subscribe(self, clock: Clock) -> None:
        """Create the subscriptions, empty as yet; their messages may already be asked for then."""
        count = len(self._addresses)
        every = self._session.items_per_subscription or count
        for first in range(0, count, every):
            with device_faults(self._config.url):
                granted = await self._create_subscription(range(first, min(first + every, count)), clock.monotonic())
            self.subscriptions[granted.id] = granted

    def take_over(self, subscriptions: Sequence[Subscription], now: float) -> None:
        """These are at the server already, with all their items."""
        for subscription in subscriptions:
            subscription.heard, subscription.is_resumed = now, True
            self.subscriptions[subscription.id] = subscription

    async def adopt(self) -> AsyncIterator[Mapping[int, int]]:
        """Create all items, then keep trying those that are refused; yields points with the status of each refusal."""
        refused: dict[int, int] = {}
        is_new = not all(subscription.is_complete for subscription in self.subscriptions.values())
        for subscription in self.subscriptions.values():
            if not subscription.is_complete:
                subscription.refused = await self._adopt_points(subscription, subscription.points)
                subscription.is_complete = True
                await self._refresh_conditions(subscription)
            refused |= subscription.refused
        self._report(refused)
        if is_new:
            await self._watch_model()
        yield refused
        await asyncio.sleep(self._config.keep_alive + self._config.timeout)
        self._give_up_waiting()
        while True:
            if await self._has_model_changed():  # a PLC may load its program later, and may tell of it or not
                await self._find_moved()
            if refused:
                before, refused = refused, await self._adopt_refused(refused)
                yield {point: why for point, why in refused.items() if before[point] != why}

    def note_model_change(self) -> None:
        """The server says that its nodes have changed: what it refused is asked for again at once."""
        self._counters["model_changes"] += 1
        if not self._model_changed.is_set():
            logger.warning("%s says that its nodes have changed", self._config.url)
        self._model_changed.set()

    async def _has_model_changed(self) -> bool:
        """Wait until refused points are to be asked for again; tell whether the server has given cause to."""
        try:
            await asyncio.wait_for(self._model_changed.wait(), self._config.retry_refused)
        except TimeoutError:
            return False
        await asyncio.sleep(_FLURRY_S)
        self._model_changed.clear()
        return True

    async def _watch_model(self) -> None:
        """One item more, in the first subscription; many servers have no such events, and that is no fault."""
        request = model_changes.item_request(self.model_handle)
        with device_faults(self._config.url), suppress(ua.UaStatusCodeError):
            await self._session.client.create_monitored_items(
                ua.CreateMonitoredItemsParameters(
                    SubscriptionId=next(iter(self.subscriptions)),
                    TimestampsToReturn=ua.TimestampsToReturn.Both,
                    ItemsToCreate=[request],
                )
            )

    async def _find_moved(self) -> None:
        """Paths that lead to other nodes now need new items: a new session makes them."""
        session = self._session
        before = [session.node(address) for address in self._addresses]
        with device_faults(self._config.url):
            await session.learn_namespaces()
        after = [session.node(address) for address in self._addresses]
        if any(old is not None and new is not None and old != new for old, new in zip(before, after, strict=True)):
            session.has_changed = True
            raise DeviceUnreachable(f"{self._config.url} has moved points to other nodes")

    async def _create_subscription(self, points: range, now: float) -> Subscription:
        """Not through asyncua's own call: that one would start a loop that acknowledges before we have stored."""
        config = self._config
        keep_alive_count = max(1, round(config.keep_alive / config.publishing))
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=config.publishing * 1000,
            RequestedLifetimeCount=max(3 * keep_alive_count, math.ceil(config.session_timeout / config.publishing)),
            RequestedMaxKeepAliveCount=keep_alive_count,
            MaxNotificationsPerPublish=config.notifications,
            PublishingEnabled=True,
        )
        answer = struct_from_binary(ua.CreateSubscriptionResponse, await self._session.send(request))
        granted = answer.Parameters
        publishing_s = granted.RevisedPublishingInterval / 1000
        return Subscription(
            granted.SubscriptionId,
            points.start,
            len(points),
            publishing_s,
            publishing_s * max(1, granted.RevisedMaxKeepAliveCount),
            now,
        )

    async def _adopt_points(self, subscription: Subscription, points: Sequence[int]) -> dict[int, int]:
        """Create the items of these points; returns the status of those that were refused."""
        nodes = {point: self._session.node(self._addresses[point]) for point in points}
        refused = {point: status.BAD_NODE_ID_UNKNOWN for point, node in nodes.items() if node is None}
        known = [(point, node) for point, node in nodes.items() if node is not None]
        subscription.awaited.update(point for point, _ in known if point not in self.events)
        with device_faults(self._config.url):
            granted = await self._session.chunked(
                known, self._session.item_limit, lambda piece: self._granted(subscription.id, piece), _AT_ONCE
            )
        for (point, _), (code, sampling_ms) in zip(known, granted, strict=True):
            if status.is_bad(code):
                refused[point] = code
                subscription.awaited.discard(point)
            else:
                subscription.sampling_us = max(subscription.sampling_us, round(max(0.0, sampling_ms) * 1000))
        return refused

    async def _granted(
        self, subscription_id: int, piece: Sequence[tuple[int, ua.NodeId]]
    ) -> Sequence[tuple[int, float]]:
        """Status and sampling interval in ms of each item: asyncua's objects of ten thousand would fill megabytes."""
        results = await self._create_items(subscription_id, piece)
        return [(result.StatusCode.value, result.RevisedSamplingInterval) for result in results]

    async def _create_items(
        self, subscription_id: int, piece: Sequence[tuple[int, ua.NodeId]], *, is_filtered: bool = True
    ) -> list[ua.MonitoredItemCreateResult]:
        self._counters["requests"] += 1
        config = self._config
        items = [
            item_request(node, point, self.events[point])
            if point in self.events
            else ua.MonitoredItemCreateRequest(
                ItemToMonitor=self._place(node, point),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=point,
                    SamplingInterval=config.sampling * 1000,
                    QueueSize=config.queue,
                    DiscardOldest=config.discard is Discard.OLDEST,
                    Filter=self._filter(point) if is_filtered else None,
                ),
            )
            for point, node in piece
        ]
        parameters = ua.CreateMonitoredItemsParameters(
            SubscriptionId=subscription_id, TimestampsToReturn=ua.TimestampsToReturn.Both, ItemsToCreate=items
        )
        results = await self._session.client.create_monitored_items(parameters)
        return await self._unfiltered(subscription_id, piece, results) if is_filtered else results

    def _place(self, node: ua.NodeId, point: int) -> ua.ReadValueId:
        wanted: Any = ua.ReadValueId
        return wanted(NodeId=node, AttributeId=AttributeIds.Value, IndexRange=self.ranges[point])

    async def _unfiltered(
        self,
        subscription_id: int,
        piece: Sequence[tuple[int, ua.NodeId]],
        results: list[ua.MonitoredItemCreateResult],
    ) -> list[ua.MonitoredItemCreateResult]:
        """A deadband that the server cannot apply to a point, a text for one, must not cost the point."""
        refused = [at for at, result in enumerate(results) if result.StatusCode.value in _FILTER_REFUSED]
        plain = [at for at in refused if piece[at][0] not in self.events]
        if plain:
            self._counters["filters_refused"] += len(plain)
            again = await self._create_items(subscription_id, [piece[at] for at in plain], is_filtered=False)
            for at, result in zip(plain, again, strict=True):
                results[at] = result
        return results

    def _filter(self, point: int) -> Any:
        """None where the standard's own behaviour is wanted: some servers refuse any filter."""
        width = self._deadbands[point] or self._config.server_deadband or "0"
        size = float(width.rstrip("%"))
        trigger = _TRIGGERS[self._config.trigger]
        if not size and trigger == ua.DataChangeTrigger.StatusValue:
            return None
        kind = ua.DeadbandType.Percent if width.endswith("%") else ua.DeadbandType.Absolute
        return ua.DataChangeFilter(
            Trigger=trigger, DeadbandType=ua.UInt32(kind if size else ua.DeadbandType.None_), DeadbandValue=size
        )

    async def _refresh_conditions(self, subscription: Subscription) -> None:
        """Have the conditions told that hold already; a server without conditions does not know how."""
        if self.events.keys().isdisjoint(subscription.points):
            return
        with device_faults(self._config.url):
            try:
                (result,) = await self._session.client.call([refresh_request(subscription.id)])
            except ua.UaStatusCodeError as error:
                logger.info("%s does not tell the conditions that hold: %s", self._config.url, error)
                return
        if not result.StatusCode.is_good():
            logger.info("%s does not tell the conditions that hold: %s", self._config.url, result.StatusCode.name)

    def _report(self, refused: Mapping[int, int]) -> None:
        self._count(refused)
        if refused:
            named = [
                f"{self._addresses[point]} {status.name(why)}" for point, why in list(refused.items())[:_NAMED_IN_LOG]
            ]
            more = ", …" if len(refused) > len(named) else ""
            logger.warning(
                "%s refuses %d of %d points: %s%s",
                *(self._config.url, len(refused), len(self._addresses), ", ".join(named), more),
            )

    async def _adopt_refused(self, refused: Mapping[int, int]) -> dict[int, int]:
        with device_faults(self._config.url):
            await self._session.learn_namespaces()
        still: dict[int, int] = {}
        for subscription in self.subscriptions.values():
            points = [point for point in subscription.points if point in refused]
            subscription.refused = await self._adopt_points(subscription, points)
            still |= subscription.refused
        self._count(still)
        return still

    def _count(self, refused: Mapping[int, int]) -> None:
        """Configured is subscribed and refused together; why is told by a number for each status."""
        for name in [name for name in self._counters if name.startswith(_REFUSED_AS)]:
            self._counters[name] = 0
        for why in refused.values():
            self._counters[f"{_REFUSED_AS}{status.name(why)}"] += 1
        self._counters["subscribed"] = len(self._addresses) - len(refused)
        self._counters["refused"] = len(refused)

    def _give_up_waiting(self) -> None:
        """A server that owes first values is broken; it must not hold up `until` for the other points."""
        silent = sum(len(subscription.awaited) for subscription in self.subscriptions.values())
        self._counters["silent"] = silent
        for subscription in self.subscriptions.values():
            subscription.awaited.clear()
