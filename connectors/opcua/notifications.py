"""What the server reports: one delivery for each message, acknowledged to the server when it is durable."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua

from connectors.contract import Clock, Deliver, ReadResult
from connectors.errors import DeviceUnreachable
from connectors.opcua import config as configuration
from connectors.opcua.browse_paths import Address
from connectors.opcua.catch_up import (
    History,
    delete,
    in_order,
    is_behind,
    missing_messages,
    number_after,
    republish,
    transfer,
)
from connectors.opcua.changes import Changes
from connectors.opcua.config import Decoder, OpcuaConfig
from connectors.opcua.events import EventChoice, event_text
from connectors.opcua.faults import device_faults
from connectors.opcua.messages import Message, MessageDecoder
from connectors.opcua.monitored_items import MonitoredItems, Subscription
from connectors.opcua.resumption import Resumption
from connectors.opcua.session import STOOD_STILL_S, Session
from connectors.opcua.values import Columns
from schemas import status

_MOST_PUBLISH_REQUESTS = 10
_LARGE = 2_000  # points from which on numpy saves more than its memory is worth
_AHEAD_US = 5_000_000
_COMMIT_S = 0.3  # a delivery may last about so long before it slows down a subscription


@dataclass(frozen=True, slots=True)
class Wanted:
    """The points of a device, and the deadbands that the server is to apply to them."""

    addresses: Sequence[Address] = ()
    deadbands: Sequence[str | None] = ()
    events: Mapping[int, EventChoice] = field(default_factory=dict[int, EventChoice])
    ranges: Sequence[str | None] = ()


@dataclass(slots=True)
class Outage:
    """What one session leaves to the next."""

    resumption: Resumption
    until_us: int | None = None
    """All up to then was delivered."""
    after: list[ReadResult] = field(default_factory=list[ReadResult])
    """What was delivered since, and may lie beyond."""

    def delivered(self) -> set[tuple[int, int]]:
        """Point and time of each sample that may lie beyond `until_us`."""
        return {pair for result in self.after for pair in zip(result.points, result.times_us, strict=True)}


class _NotResumed(Exception):
    """A subscription that was taken over says nothing: it has to be made anew."""


class Notifications:
    """Runs the subscriptions of one session until it is cancelled or the server falls silent."""

    def __init__(
        self, session: Session, config: OpcuaConfig, clock: Clock, counters: Counter[str], outage: Outage
    ) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._counters = counters
        self._outage = outage
        self._wanted = Wanted()
        self._items = self._no_items()
        self._decoder = MessageDecoder(is_batch=False)
        self._acknowledgements: list[ua.SubscriptionAcknowledgement] = []
        self._in_order = asyncio.Lock()
        self.settled = asyncio.Event()
        """Set once the server has been asked for all items."""
        self._publishers = 0
        self._waiting = 0
        self._point_count = 0
        self._until_us: int | None = None
        self._hole_us: int | None = None

    async def run(self, wanted: Wanted, deliver: Deliver) -> None:
        """Subscribe to all points and deliver what the server says about them."""
        self._wanted = wanted
        self._point_count = len(wanted.addresses)
        is_large = self._point_count >= _LARGE
        self._decoder = MessageDecoder(is_batch=self._config.decoder is Decoder.BATCH, with_numpy=is_large)
        self._items = self._no_items()
        try:
            if not await self._resume(deliver):
                await self._begin(deliver)
            await self._stay(deliver)
        except _NotResumed:
            self._counters["resumes_failed"] += 1
            with device_faults(self._config.url):
                await delete(self._session, list(self._items.subscriptions))
            self._items = self._no_items()
            await self._begin(deliver)
            await self._stay(deliver)
        except DeviceUnreachable:
            if self._is_unproven():
                self._counters["resumes_failed"] += 1
                self._outage.resumption.forget()  # a server that breaks over it would do so again and again
            raise

    def _is_unproven(self) -> bool:
        return any(subscription.is_resumed for subscription in self._items.subscriptions.values())

    async def _resume(self, deliver: Deliver) -> bool:
        """Take over what an earlier session left at the server; tell whether that is all of it."""
        kept = self._outage.resumption.recall()
        if not kept:
            return False
        with device_faults(self._config.url):
            held = await transfer(self._session, kept)
        if held is None:
            return False
        self._counters["resumed"] += 1
        self._items.take_over(kept, self._clock.monotonic())
        for subscription, numbers in zip(kept, held, strict=True):
            wanted = in_order(numbers, subscription.next_sequence_number)
            self._acknowledgements += [_acknowledgement(subscription.id, old) for old in set(numbers) - set(wanted)]
            for number in wanted:
                with device_faults(self._config.url):
                    message = await republish(self._session, subscription.id, number)
                if message is not None:
                    self._counters["republished"] += 1
                    await self._store(message, self._take_safely(message, subscription), deliver)
            # What the server has dropped is told as a gap by the agent; only a live message proves that it publishes.
            subscription.next_sequence_number, subscription.is_resumed = None, True
        return True

    async def _begin(self, deliver: Deliver) -> None:
        """Subscribe anew; what the server's history knows of the time since the last session comes first."""
        self._outage.resumption.forget()
        await self._items.subscribe(self._clock)
        if self._outage.until_us is not None and self._config.history is configuration.History.READ:
            self._hole_us = self._outage.until_us
            await self._fill(deliver)

    async def _fill(self, deliver: Deliver) -> None:
        """Deliver what the server's history has from the hole's beginning until now, each sample once."""
        if self._hole_us is None:
            return
        history = History(self._session, self._config, self._counters, self._wanted.ranges)
        # Neither clock is known to the second; a server has nothing of what is still to come.
        now_us = max(self._clock.now_us(), self._hole_us) + max(0, self._session.clock_offset_us) + _AHEAD_US
        async for result in history.read(self._wanted.addresses, self._hole_us, now_us, self._outage.delivered()):
            self._outage.after.append(result)
            await deliver(result)

    async def _stay(self, deliver: Deliver) -> None:
        self._publishers = self._publish_request_count()
        tasks = [asyncio.create_task(self._publish(deliver)) for _ in range(self._publishers)]
        tasks.append(asyncio.create_task(self._watch()))
        tasks.append(asyncio.create_task(self._adopt(deliver)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _no_items(self) -> MonitoredItems:
        wanted = self._wanted
        items = MonitoredItems(self._session, self._config, wanted.addresses, self._counters, wanted.deadbands)
        items.events, items.ranges = wanted.events, wanted.ranges
        return items

    async def _adopt(self, deliver: Deliver) -> None:
        """Have the items created while messages already come: a large device fills its queues meanwhile."""
        async for refused in self._items.adopt():
            self.settled.set()
            self._outage.resumption.keep(list(self._items.subscriptions.values()))
            if refused:
                await deliver(self._refusals(refused))
            await self._fill(deliver)  # once more, for what changed before the items were there
            self._hole_us = None

    def _refusals(self, refused: Mapping[int, int]) -> ReadResult:
        columns = self._columns()
        now_us = self._clock.now_us()
        for point, why in refused.items():
            columns.add_bad(point, why, now_us)
        return columns.result(None)

    async def _publish(self, deliver: Deliver) -> None:
        """Keep one PublishRequest at the server, except while its answer is being stored."""
        while True:
            message = await self._next_message()
            if message is None:
                return
            subscription = self._items.subscriptions.get(message.subscription_id)
            if subscription is None:
                continue
            async with self._in_order:  # a message that has to be asked for again holds up those behind it
                messages = [message]
                if is_behind(subscription.next_sequence_number, message):
                    url = self._config.url
                    missing = await missing_messages(self._session, url, subscription, message.sequence_number)
                    self._counters["republished"] += len(missing)
                    messages = [*missing, message]
                results = [self._take_safely(each, subscription) for each in messages]
            for each, result in zip(messages, results, strict=True):
                await self._store(each, result, deliver)

    async def _store(self, message: Message, result: ReadResult | None, deliver: Deliver) -> None:
        if result is not None:
            await deliver(result)
            if result.points:
                self._outage.after.append(result)
            if result.until_us is not None and self._hole_us is None:
                self._outage.until_us = until_us = result.until_us
                self._outage.after = [each for each in self._outage.after if max(each.times_us) > until_us]
        if message.notifications:
            self._acknowledgements.append(_acknowledgement(message.subscription_id, message.sequence_number))

    def _take_safely(self, message: Message, subscription: Subscription) -> ReadResult | None:
        with device_faults(self._config.url):
            return self._take(message, subscription)

    async def _next_message(self) -> Message | None:
        """The next answer to a PublishRequest; None when the server wants fewer requests at a time."""
        while True:
            acknowledgements, self._acknowledgements = self._acknowledgements, []
            if self._waiting == 0:
                for subscription in self._items.subscriptions.values():
                    subscription.heard = self._clock.monotonic()
            self._waiting += 1
            self._counters["publish_requests"] += 1
            try:
                with device_faults(self._config.url):
                    try:
                        return self._decoder.decode(await self._session.publish(acknowledgements))
                    except ua.uaerrors.BadTooManyPublishRequests:
                        self._acknowledgements[:0] = acknowledgements
                        self._publishers -= 1
                        if self._publishers == 0:
                            raise
                        return None
                    except ua.uaerrors.BadTimeout:
                        self._acknowledgements[:0] = acknowledgements
            finally:
                self._waiting -= 1

    def _take(self, message: Message, subscription: Subscription) -> ReadResult | None:
        """The changes of one message; None where there is nothing to tell."""
        arrived_us = self._clock.now_us()
        subscription.heard, subscription.is_resumed = self._clock.monotonic(), False
        columns = self._columns()
        if message.notifications:
            subscription.next_sequence_number = number_after(message.sequence_number)
            for notification in message.notifications:
                self._take_notification(subscription, notification, columns, arrived_us)
            self._counters["changes"] += len(columns)
            self._counters["messages_in_one_pass" if message.is_batch else "messages_by_asyncua"] += 1
        else:
            self._counters["keep_alives"] += 1
        until_us = None if message.has_more else self._advance(subscription, message, arrived_us)
        if not len(columns) and until_us is None:
            return None
        return columns.result(until_us)

    def _take_notification(
        self, subscription: Subscription, notification: Any, columns: Columns, arrived_us: int
    ) -> None:
        count, awaited = self._point_count, subscription.awaited
        if isinstance(notification, Changes):
            columns.extend(notification, arrived_us, count)
            if awaited:
                awaited.difference_update(notification.points)
        elif isinstance(notification, ua.DataChangeNotification):
            for item in notification.MonitoredItems:
                if item.ClientHandle < count:
                    columns.add(item.ClientHandle, item.Value, arrived_us)
                    awaited.discard(item.ClientHandle)
        elif isinstance(notification, ua.EventNotificationList):
            for event in notification.Events:
                self._take_event(event, columns, arrived_us)
        elif isinstance(notification, ua.StatusChangeNotification):
            code = notification.Status.value
            if not status.is_bad(code):  # GoodSubscriptionTransferred: it has come to us, or we shall hear no more
                return
            raise DeviceUnreachable(f"{self._config.url} ended the subscription: {status.name(code)}")

    def _take_event(self, event: Any, columns: Columns, arrived_us: int) -> None:
        if event.ClientHandle == self._items.model_handle:
            self._items.note_model_change()
            return
        choice = self._wanted.events.get(event.ClientHandle)
        told = None if choice is None else event_text(choice, event.EventFields, self._session.decoder)
        if told is not None:
            self._counters["events"] += 1
            columns.add_text(event.ClientHandle, told[0], told[1] or arrived_us)

    def _advance(self, subscription: Subscription, message: Message, arrived_us: int) -> int | None:
        """How far all subscriptions have come, where that is further than before.

        When a message leaves, everything that the server sampled before is on its way; what changed after the last
        sampling is not. So: the server's send time less one sampling interval, and never later than our own clock.
        """
        if subscription.awaited or not subscription.is_complete:
            return None
        sent_us = arrived_us if message.published_us is None else min(message.published_us, arrived_us)
        subscription.until_us = sent_us - subscription.sampling_us
        reached = [each.until_us for each in self._items.subscriptions.values()]
        lowest: int | None = None
        for until_us in reached:
            if until_us is None:
                return None
            lowest = until_us if lowest is None else min(lowest, until_us)
        if lowest is None or (self._until_us is not None and lowest <= self._until_us):
            return None
        self._until_us = lowest
        return lowest

    async def _watch(self) -> None:
        """Notice a server that keeps the connection and says nothing, not even that it has nothing to say."""
        while True:
            now = self._clock.monotonic()
            left = math.inf
            for subscription in self._items.subscriptions.values():
                patience = subscription.keep_alive_s + self._config.timeout
                left = min(left, subscription.heard + patience - now)
            if left <= 0 and self._waiting:
                if self._is_unproven():
                    raise _NotResumed
                self._session.note_silence()
                raise DeviceUnreachable(f"{self._config.url} has sent neither data nor a keep-alive in time")
            rest_s = min(max(left, 0.25), 60.0)
            await asyncio.sleep(rest_s)
            woke = self._clock.monotonic()
            if woke - now - rest_s >= STOOD_STILL_S:  # what came meanwhile is not read yet: it is judged from now on
                for subscription in self._items.subscriptions.values():
                    subscription.heard = woke

    def _publish_request_count(self) -> int:
        publishing_s = min((each.publishing_s for each in self._items.subscriptions.values()), default=1.0)
        wanted = math.ceil(_COMMIT_S / max(publishing_s, 0.01)) + len(self._items.subscriptions)
        return min(_MOST_PUBLISH_REQUESTS, max(2, wanted))

    def _columns(self) -> Columns:
        return Columns(self._session.decoder, self._config.sample_time, self._counters)


def _acknowledgement(subscription_id: int, number: int) -> ua.SubscriptionAcknowledgement:
    return ua.SubscriptionAcknowledgement(SubscriptionId=subscription_id, SequenceNumber=number)
