"""What the server reports: one delivery for each message, acknowledged to the server when it is durable."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua

from connectors.contract import Clock, Deliver, ReadResult
from connectors.errors import DeviceUnreachable
from connectors.opcua.changes import Changes
from connectors.opcua.config import Decoder, OpcuaConfig
from connectors.opcua.faults import device_faults
from connectors.opcua.messages import Message, MessageDecoder
from connectors.opcua.monitored_items import MonitoredItems, Subscription
from connectors.opcua.node_id import NodeAddress
from connectors.opcua.session import Session
from connectors.opcua.values import Columns
from schemas import status

_MOST_PUBLISH_REQUESTS = 10
_COMMIT_S = 0.3  # a delivery may last about so long before it slows down a subscription
_LAST_SEQUENCE_NUMBER = 0xFFFFFFFF


class Notifications:
    """Runs the subscriptions of one session until it is cancelled or the server falls silent."""

    def __init__(self, session: Session, config: OpcuaConfig, clock: Clock, counters: Counter[str]) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._counters = counters
        self._items = MonitoredItems(session, config, (), counters)
        self._decoder = MessageDecoder(is_batch=config.decoder is Decoder.BATCH)
        self._acknowledgements: list[ua.SubscriptionAcknowledgement] = []
        self._publishers = 0
        self._waiting = 0
        self._point_count = 0
        self._until_us: int | None = None

    async def run(self, addresses: Sequence[NodeAddress], deliver: Deliver) -> None:
        """Subscribe to all points and deliver what the server says about them."""
        self._point_count = len(addresses)
        self._items = MonitoredItems(self._session, self._config, addresses, self._counters)
        await self._items.subscribe(self._clock)
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

    async def _adopt(self, deliver: Deliver) -> None:
        """Have the items created while messages already come: a large device fills its queues meanwhile."""
        async for refused in self._items.adopt():
            if refused:
                await deliver(self._refusals(refused))

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
            with device_faults(self._config.url):
                result = self._take(message)
            if result is not None:
                await deliver(result)
            if message.notifications:
                self._acknowledgements.append(
                    ua.SubscriptionAcknowledgement(
                        SubscriptionId=message.subscription_id, SequenceNumber=message.sequence_number
                    )
                )

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

    def _take(self, message: Message) -> ReadResult | None:
        """The changes of one message; None where there is nothing to tell."""
        subscription = self._items.subscriptions.get(message.subscription_id)
        if subscription is None:
            return None
        arrived_us = self._clock.now_us()
        subscription.heard = self._clock.monotonic()
        columns = self._columns()
        if message.notifications:
            self._check_order(subscription, message.sequence_number)
            for notification in message.notifications:
                self._take_notification(subscription, notification, columns, arrived_us)
            self._counters["changes"] += len(columns)
            self._counters["messages_decoded_in_one_pass" if message.is_batch else "messages_decoded_by_asyncua"] += 1
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
        elif isinstance(notification, ua.StatusChangeNotification):
            code = notification.Status.value
            raise DeviceUnreachable(f"{self._config.url} ended the subscription: {status.name(code)}")

    def _check_order(self, subscription: Subscription, number: int) -> None:
        """A message that never came cannot be asked for again here: over one connection the server itself lost it."""
        expected = subscription.next_sequence_number
        if expected is not None and number != expected:
            self._counters["missed_messages"] += 1
            raise DeviceUnreachable(f"{self._config.url} sent message {number} where {expected} was due")
        subscription.next_sequence_number = 1 if number == _LAST_SEQUENCE_NUMBER else number + 1

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
                raise DeviceUnreachable(f"{self._config.url} has sent neither data nor a keep-alive in time")
            await asyncio.sleep(min(max(left, 0.25), 60.0))

    def _publish_request_count(self) -> int:
        publishing_s = min((each.publishing_s for each in self._items.subscriptions.values()), default=1.0)
        wanted = math.ceil(_COMMIT_S / max(publishing_s, 0.01)) + len(self._items.subscriptions)
        return min(_MOST_PUBLISH_REQUESTS, max(2, wanted))

    def _columns(self) -> Columns:
        return Columns(self._session.decoder, self._config.sample_time, self._counters)
