"""The subscriptions of one client of a recorded server: what it watches, and what it is told next."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from connectors.opcua.replay.played import Place
from connectors.opcua.replay.stage import Stage
from schemas import status

_MOST_IN_A_MESSAGE = 1_000
_MOST_REQUESTS = 20
_FASTEST_MS, _SLOWEST_MS = 10.0, 3_600_000.0


class Subscriptions:
    """All that one connection has; `send` takes request id, request handle and response."""

    def __init__(self, stage: Stage, send: Callable[[int, int, Any], None]) -> None:
        self._stage = stage
        self._send = send
        self._requests: deque[tuple[int, int, int]] = deque()
        self._subscriptions: dict[int, Subscription] = {}
        self._last = 0

    def create(self, wanted: Any) -> ua.CreateSubscriptionResult:
        """A subscription as it is asked for: what the real server granted is not held against another client."""
        self._last += 1
        interval_ms = min(max(wanted.RequestedPublishingInterval, _FASTEST_MS), _SLOWEST_MS)
        beats = max(1, wanted.RequestedMaxKeepAliveCount)
        most = wanted.MaxNotificationsPerPublish or _MOST_IN_A_MESSAGE
        made = Subscription(self._last, interval_ms / 1000, beats, min(most, _MOST_IN_A_MESSAGE))
        made.task = asyncio.create_task(self._publish(made))
        self._subscriptions[made.id] = made
        return ua.CreateSubscriptionResult(
            SubscriptionId=made.id,
            RevisedPublishingInterval=interval_ms,
            RevisedLifetimeCount=max(3 * beats, wanted.RequestedLifetimeCount),
            RevisedMaxKeepAliveCount=beats,
        )

    def watch(self, subscription: int, handle: int, place: Place) -> int:
        """Report this place under the client's handle; the status that the recorded server gave to it."""
        made = self._subscriptions.get(subscription)
        code = self._stage.played.items.get(place, status.BAD_NODE_ID_UNKNOWN)
        if made is None:
            return StatusCodes.BadSubscriptionIdInvalid
        if not status.is_bad(code):
            made.handles.setdefault(place, []).append(handle)
            first = self._stage.first_value(place)
            if first is not None and place.attribute == AttributeIds.Value:
                made.add([(handle, first)])
            self._stage.watch(made)
        return code

    def delete(self, subscription: int) -> int:
        """Its status: whether there was one."""
        made = self._subscriptions.pop(subscription, None)
        if made is None:
            return StatusCodes.BadSubscriptionIdInvalid
        self._stage.leave(made)
        made.idle.set()
        if made.task is not None:
            made.task.cancel()
        return status.GOOD

    def take_request(self, request_id: int, handle: int, parameters: Any) -> None:
        """A PublishRequest: answered when there is something to tell."""
        results = len(parameters.SubscriptionAcknowledgements or ())
        if not self._subscriptions:
            self._refuse(request_id, handle, StatusCodes.BadNoSubscription)
            return
        if len(self._requests) >= _MOST_REQUESTS:
            old_id, old_handle, _ = self._requests.popleft()
            self._refuse(old_id, old_handle, StatusCodes.BadTooManyPublishRequests)
        self._requests.append((request_id, handle, results))
        for subscription in self._subscriptions.values():
            subscription.has_request.set()

    def end(self) -> None:
        """The client has gone."""
        for subscription in tuple(self._subscriptions):
            self.delete(subscription)

    async def _publish(self, made: "Subscription") -> None:
        """A message each interval that something happened in, or a keep-alive; the first one shows that we live."""
        quiet = made.beats
        while True:
            await asyncio.sleep(made.interval_s)
            if self._stage.is_silent:
                continue
            quiet += 1
            while made.has_something or quiet >= made.beats:
                if not self._requests:
                    made.has_request.clear()
                    await made.has_request.wait()
                    continue
                quiet = 0
                self._answer(made)

    def _answer(self, made: "Subscription") -> None:
        request_id, handle, acknowledged = self._requests.popleft()
        response: Any = ua.PublishResponse()
        result = response.Parameters
        result.SubscriptionId = made.id
        result.Results = [ua.StatusCode() for _ in range(acknowledged)]
        result.NotificationMessage.PublishTime = datetime.now(UTC)
        result.NotificationMessage.SequenceNumber = made.number
        result.NotificationMessage.NotificationData = made.take()
        result.MoreNotifications = made.has_something
        if result.NotificationMessage.NotificationData:
            made.number += 1
            result.AvailableSequenceNumbers = []
        self._send(request_id, handle, response)

    def _refuse(self, request_id: int, handle: int, code: int) -> None:
        response: Any = ua.ServiceFault()
        response.ResponseHeader.ServiceResult = ua.StatusCode(ua.UInt32(code))
        self._send(request_id, handle, response)


class Subscription:
    """What one subscription watches, and what it has not told yet."""

    def __init__(self, number: int, interval_s: float, beats: int, most: int) -> None:
        self.id = number
        self.interval_s = interval_s
        self.beats = beats
        self.number = 1
        self.handles: dict[Place, list[int]] = {}
        self._changes: deque[tuple[int, Any]] = deque()
        self.task: asyncio.Task[None] | None = None
        self.has_request = asyncio.Event()
        self.idle = asyncio.Event()
        """Set while there is nothing to tell."""
        self.idle.set()
        self._events: deque[tuple[int, Any]] = deque()
        self._most = most

    @property
    def has_something(self) -> bool:
        """Whether there is more than a sign of life to send."""
        return bool(self._changes or self._events)

    def tell(self, place: Place, content: Any) -> None:
        """Keep it for the next message."""
        self.add([(handle, content) for handle in self.handles.get(place, ())])

    def add(self, told: Sequence[tuple[int, Any]]) -> None:
        """What is to be told under these handles."""
        for each in told:
            (self._changes if isinstance(each[1], ua.DataValue) else self._events).append(each)
            self.idle.clear()

    async def caught_up(self) -> None:
        """Returns when all is told, or nobody is there to be told."""
        await self.idle.wait()

    def take(self) -> list[Any]:
        """The notifications of one message."""
        notifications: list[Any] = []
        changes = [self._changes.popleft() for _ in range(min(len(self._changes), self._most))]
        if changes:
            items = [ua.MonitoredItemNotification(ClientHandle=handle, Value=value) for handle, value in changes]
            notifications.append(ua.DataChangeNotification(MonitoredItems=items))
        events = [self._events.popleft() for _ in range(min(len(self._events), self._most))]
        if events:
            fields = [ua.EventFieldList(ClientHandle=handle, EventFields=content) for handle, content in events]
            notifications.append(ua.EventNotificationList(Events=fields))
        if not self.has_something:
            self.idle.set()
        return notifications
