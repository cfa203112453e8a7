"""What the server still holds of an outage: subscriptions taken over, messages sent again, history read."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua

from connectors.contract import ReadResult
from connectors.errors import DeviceUnreachable
from connectors.opcua.browse_paths import Address
from connectors.opcua.config import OpcuaConfig
from connectors.opcua.faults import device_faults
from connectors.opcua.messages import Message, message_of
from connectors.opcua.monitored_items import Subscription
from connectors.opcua.session import Session
from connectors.opcua.values import Columns, to_us
from schemas import status

logger = logging.getLogger(__name__)

LAST_SEQUENCE_NUMBER = 0xFFFFFFFF
_MOST_MISSED = 1_000  # more than any server keeps for sending again
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VALUES_A_NODE = 10_000
_NODES_A_READ = 100


def number_after(number: int) -> int:
    """Sequence numbers go round and leave out 0 (Part 4, 7.8)."""
    return 1 if number == LAST_SEQUENCE_NUMBER else number + 1


def in_order(numbers: Sequence[int], next_number: int | None) -> list[int]:
    """The messages that are still to be asked for, oldest first, although the numbers may have gone round."""
    if next_number is None:
        gone_round = bool(numbers) and max(numbers) - min(numbers) > LAST_SEQUENCE_NUMBER // 2
        half = LAST_SEQUENCE_NUMBER // 2
        return sorted(numbers, key=lambda number: (number < half, number) if gone_round else (False, number))
    ahead = {number: (number - next_number) % LAST_SEQUENCE_NUMBER for number in numbers}
    return sorted((number for number in numbers if ahead[number] < LAST_SEQUENCE_NUMBER // 2), key=ahead.__getitem__)


def is_behind(expected: int | None, message: Message) -> bool:
    """Whether a message before this one has not come.

    A keep-alive takes no number: it tells the one that comes next (Part 4, 5.14.1.1). So it shows a lost message, too,
    where nothing changes behind it; one that tells an earlier number is a server's mistake and shows nothing.
    """
    if expected is None:
        return False
    if message.notifications:
        return message.sequence_number != expected
    return 0 < (message.sequence_number - expected) % LAST_SEQUENCE_NUMBER < LAST_SEQUENCE_NUMBER // 2


async def transfer(session: Session, subscriptions: Sequence[Subscription]) -> list[list[int]] | None:
    """Take over subscriptions of an earlier session; for each the messages still held, or None if one is gone."""
    request = ua.TransferSubscriptionsRequest()
    request.Parameters.SubscriptionIds = [each.id for each in subscriptions]
    request.Parameters.SendInitialValues = False
    try:
        results = await session.client.transfer_subscriptions(request.Parameters)
    except ua.UaStatusCodeError as error:
        logger.info("the server hands over no subscriptions (%s): they are made anew", error)
        return None
    taken = [each.id for each, result in zip(subscriptions, results, strict=True) if result.StatusCode.is_good()]
    if len(taken) == len(subscriptions):
        return [list(result.AvailableSequenceNumbers or ()) for result in results]
    refused = next(result.StatusCode for result in results if not result.StatusCode.is_good())
    logger.info("the server does not hand over our subscriptions (%s): they are made anew", refused.name)
    await delete(session, taken)
    return None


async def delete(session: Session, ids: Sequence[int]) -> None:
    """End subscriptions; whether they were there is of no interest."""
    if ids:
        await session.client.delete_subscriptions(list(ids))


async def republish(session: Session, subscription_id: int, number: int) -> Message | None:
    """One message again; None where the server does not hold it any more."""
    try:
        found = await session.client.session.republish(subscription_id, number)
    except ua.uaerrors.BadMessageNotAvailable:
        return None
    if found.SequenceNumber != number:
        return None
    return message_of(subscription_id, found, has_more=True)


async def missing_messages(session: Session, url: str, subscription: Subscription, number: int) -> list[Message]:
    """The messages between the last one that came and this one; raises DeviceUnreachable where one is lost."""
    expected = subscription.next_sequence_number
    found: list[Message] = []
    while expected is not None and expected != number:
        with device_faults(url):
            message = None if len(found) >= _MOST_MISSED else await republish(session, subscription.id, expected)
        if message is None:
            raise DeviceUnreachable(f"{url} sent message {number} where {expected} was due, and holds it no more")
        found.append(message)
        expected = number_after(expected)
    return found


class History:
    """Fills a hole from the server's history, so far as it keeps one for our points."""

    def __init__(
        self, session: Session, config: OpcuaConfig, counters: Counter[str], ranges: Sequence[str | None] = ()
    ) -> None:
        self._ranges = ranges
        self._session = session
        self._config = config
        self._counters = counters

    async def read(
        self, addresses: Sequence[Address], from_us: int, to_us_: int, delivered: set[tuple[int, int]]
    ) -> AsyncIterator[ReadResult]:
        """All samples of these points after one time and up to another, but for those that were delivered."""
        nodes = [(point, self._session.node(address)) for point, address in enumerate(addresses)]
        known = [(point, node) for point, node in nodes if node is not None]
        for first in range(0, len(known), _NODES_A_READ):
            async for result in self._piece(known[first : first + _NODES_A_READ], from_us, to_us_, delivered):
                yield result

    async def _piece(
        self, piece: Sequence[tuple[int, ua.NodeId]], from_us: int, to_us_: int, delivered: set[tuple[int, int]]
    ) -> AsyncIterator[ReadResult]:
        left: list[tuple[int, ua.NodeId, bytes | None]] = [(point, node, None) for point, node in piece]
        while left:
            with device_faults(self._config.url):
                results = await self._ask(left, from_us, to_us_)
            columns = Columns(self._session.decoder, self._config.sample_time, self._counters)
            again: list[tuple[int, ua.NodeId, bytes | None]] = []
            for (point, node, _), result in zip(left, results, strict=True):
                if status.is_bad(result.StatusCode.value):
                    continue
                self._take(columns, point, result.HistoryData, from_us, delivered)
                if result.ContinuationPoint:
                    again.append((point, node, result.ContinuationPoint))
            self._counters["history_samples"] += len(columns)
            if len(columns):
                yield columns.result(None)
            left = again

    def _take(self, columns: Columns, point: int, data: Any, from_us: int, delivered: set[tuple[int, int]]) -> None:
        for value in getattr(data, "DataValues", None) or ():
            time_us = to_us(value.SourceTimestamp)
            if time_us is not None and time_us > from_us and (point, time_us) not in delivered:
                columns.add(point, value, time_us)
                delivered.add((point, time_us))

    async def _ask(self, left: Sequence[tuple[int, ua.NodeId, bytes | None]], from_us: int, to_us_: int) -> list[Any]:
        details = ua.ReadRawModifiedDetails(
            IsReadModified=False,
            StartTime=_EPOCH + timedelta(microseconds=from_us),
            EndTime=_EPOCH + timedelta(microseconds=to_us_),
            NumValuesPerNode=_VALUES_A_NODE,
            ReturnBounds=False,
        )
        wanted: Any = ua.HistoryReadValueId
        parameters = ua.HistoryReadParameters(
            HistoryReadDetails=details,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ReleaseContinuationPoints=False,
            NodesToRead=[
                wanted(NodeId=node, ContinuationPoint=more, IndexRange=self._ranges[point] if self._ranges else None)
                for point, node, more in left
            ],
        )
        self._counters["requests"] += 1
        try:
            return await self._session.client.history_read(parameters)
        except ua.UaStatusCodeError as error:
            logger.info("%s has no history for us: %s", self._config.url, error)
            return [ua.HistoryReadResult(StatusCode=ua.StatusCode(error.code)) for _ in left]
