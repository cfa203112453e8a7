"""Both decoders say the same about any notification; ours alone keeps the standard's order of the picoseconds."""

import struct
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import ReadResult
from connectors.opcua import layouts
from connectors.opcua.changes import Changes
from connectors.opcua.config import SampleTime
from connectors.opcua.messages import Message, MessageDecoder
from connectors.opcua.values import Columns, ValueDecoder

TYPES = ua.VariantType
ARRIVED_US = 1_800_000_000_000_000
POINTS = 50
NUMPY = [True, False]


def whole(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high)


FIRST = datetime(1601, 1, 1, tzinfo=UTC)
TIMES = st.one_of(
    st.none(),
    st.integers(0, 8399 * 365 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds, microseconds=7)),
    st.sampled_from([FIRST, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]),
)
TEXTS = st.one_of(st.none(), st.text(max_size=8))
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    TYPES.Boolean: st.booleans(),
    TYPES.SByte: whole(-(2**7), 2**7 - 1),
    TYPES.Byte: whole(0, 2**8 - 1),
    TYPES.Int16: whole(-(2**15), 2**15 - 1),
    TYPES.UInt16: whole(0, 2**16 - 1),
    TYPES.Int32: whole(-(2**31), 2**31 - 1),
    TYPES.UInt32: whole(0, 2**32 - 1),
    TYPES.Int64: whole(-(2**63), 2**63 - 1),
    TYPES.UInt64: whole(0, 2**64 - 1),
    TYPES.Float: st.floats(width=32),
    TYPES.Double: st.floats(),
    TYPES.String: TEXTS,
    TYPES.DateTime: st.just(datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)),
    TYPES.Guid: st.uuids(),
    TYPES.ByteString: st.one_of(st.none(), st.binary(max_size=8)),
    TYPES.XmlElement: st.just(ua.XmlElement("<a/>")),
    TYPES.NodeId: st.builds(ua.NodeId, whole(1, 2**32 - 1), whole(0, 3)),
    TYPES.ExpandedNodeId: st.builds(ua.ExpandedNodeId, whole(1, 2**32 - 1), whole(0, 3)),
    TYPES.StatusCode: st.builds(ua.StatusCode, whole(0, 2**32 - 1)),
    TYPES.QualifiedName: st.builds(ua.QualifiedName, st.text(max_size=8), whole(0, 3)),
    TYPES.LocalizedText: st.builds(ua.LocalizedText, st.text(max_size=8), st.just("en")),
    TYPES.ExtensionObject: st.builds(lambda low: ua.Range(Low=low, High=2.0), st.floats()),
}
STATUSES = st.one_of(
    st.none(), st.just(ua.StatusCode(0)), st.builds(ua.StatusCode, st.sampled_from([0x480, 0x40000000, 0x80310000]))
)


@st.composite
def variants(draw: st.DrawFn) -> ua.Variant | None:
    kind = draw(st.sampled_from([None, TYPES.Null, *SCALARS]))
    if kind is None or kind is TYPES.Null:
        return None if kind is None else ua.Variant(None)
    if draw(st.integers(0, 9)) == 0 and kind not in (TYPES.XmlElement, TYPES.ExtensionObject):
        return ua.Variant(draw(st.lists(SCALARS[kind], max_size=3)), kind, is_array=True)
    return ua.Variant(draw(SCALARS[kind]), kind)


@st.composite
def values(draw: st.DrawFn, variant: st.SearchStrategy[ua.Variant | None]) -> ua.DataValue:
    source_picoseconds = draw(st.one_of(st.none(), whole(0, 9999)))
    server = None if source_picoseconds is not None else draw(TIMES)  # asyncua has the order of these two wrong
    value = ua.DataValue(draw(variant), draw(STATUSES), draw(TIMES), server, source_picoseconds)
    value.ServerPicoseconds = draw(st.one_of(st.none(), whole(0, 9999)))
    return value


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    mixed = st.lists(values(variants()), max_size=20)
    kind = draw(st.sampled_from(list(SCALARS)))
    alike = st.lists(values(SCALARS[kind].map(lambda value: ua.Variant(value, kind))), max_size=3).map(lambda v: v * 7)
    notifications: list[Any] = []
    for changes in draw(st.lists(st.one_of(mixed, alike), min_size=0, max_size=2)):
        items = [ua.MonitoredItemNotification(draw(whole(0, POINTS)), value) for value in changes]
        notifications.append(ua.DataChangeNotification(MonitoredItems=items))
    if draw(st.booleans()):
        notifications.append(ua.StatusChangeNotification(Status=ua.StatusCode(0x80310000)))
    if draw(st.integers(0, 9)) == 0:
        for each in notifications[:1]:
            if isinstance(each, ua.DataChangeNotification):
                each.DiagnosticInfos = [ua.DiagnosticInfo()]
    return response(notifications, draw(TIMES), draw(st.lists(whole(1, 9), max_size=3)))


def response(notifications: list[Any], published: datetime | None = None, available: list[int] | None = None) -> bytes:
    answer: Any = ua.PublishResponse()
    answer.Parameters.SubscriptionId = 77
    answer.Parameters.AvailableSequenceNumbers = available or []
    answer.Parameters.Results = [ua.StatusCode(0)] * len(available or [])
    message = answer.Parameters.NotificationMessage
    message.SequenceNumber = 4_000_000_000
    message.PublishTime = published or datetime(2024, 2, 29, tzinfo=UTC)
    message.NotificationData = notifications
    return struct_to_binary(answer)


def taken(message: Message, sample_time: SampleTime) -> tuple[ReadResult, Counter[str], list[Any]]:
    counters: Counter[str] = Counter()
    columns = Columns(ValueDecoder(["http://opcfoundation.org/UA/", "urn:server"]), sample_time, counters)
    others: list[Any] = []
    for notification in message.notifications:
        if isinstance(notification, Changes):
            columns.extend(notification, ARRIVED_US, POINTS)
        elif isinstance(notification, ua.DataChangeNotification):
            for item in notification.MonitoredItems:
                if item.ClientHandle < POINTS:
                    columns.add(item.ClientHandle, item.Value, ARRIVED_US)
        else:
            others.append(notification)
    return columns.result(None), counters, others


def comparable(result: ReadResult) -> list[Any]:
    texts = [(type(value), repr(value)) for value in result.values]  # NaN is equal to itself this way
    return [list(result.points), list(result.kinds), texts, list(result.statuses), list(result.times_us)]


def head(message: Message) -> tuple[Any, ...]:
    return message.subscription_id, message.sequence_number, message.published_us, message.has_more


def outcome(decoder: MessageDecoder, body: bytes, sample_time: SampleTime = SampleTime.SOURCE) -> Any:
    """What a decoder makes of these bytes, or the error that it raises."""
    try:
        message = decoder.decode(body)
    except Exception as error:
        return type(error), str(error)
    result, counters, others = taken(message, sample_time)
    return head(message), comparable(result), counters, others


@pytest.mark.parametrize("with_numpy", NUMPY)
@settings(max_examples=60, deadline=None)
@given(bodies=st.lists(responses(), min_size=1, max_size=3), sample_time=st.sampled_from(SampleTime))
def test_equals_asyncua(with_numpy: bool, bodies: list[bytes], sample_time: SampleTime) -> None:
    batch = MessageDecoder(is_batch=True, with_numpy=with_numpy)
    asyncua = MessageDecoder(is_batch=False)
    for body in [*bodies, *bodies, *bodies]:  # a shape is read by column from the third time on
        assert outcome(batch, body, sample_time) == outcome(asyncua, body, sample_time)


@pytest.mark.parametrize("with_numpy", NUMPY)
@settings(max_examples=60, deadline=None)
@given(body=responses(), data=st.data())
def test_damaged_bytes_end_as_with_asyncua(with_numpy: bool, body: bytes, data: st.DataObject) -> None:
    batch, asyncua = MessageDecoder(is_batch=True, with_numpy=with_numpy), MessageDecoder(is_batch=False)
    shorter = body[: data.draw(whole(0, len(body) - 1), label="length")]
    assert outcome(batch, shorter) == outcome(asyncua, shorter)


@pytest.mark.parametrize("with_numpy", NUMPY)
@pytest.mark.parametrize("kinds", [[TYPES.Double], [TYPES.Boolean, TYPES.Int32, TYPES.Double]])
def test_each_mask_and_type_is_verified(kinds: list[Any], with_numpy: bool) -> None:
    """A message of a known shape in which one change has another type of the same size, or another mask."""
    moment = datetime(2024, 2, 29, tzinfo=UTC)
    alike = [
        ua.MonitoredItemNotification(
            number, ua.DataValue(ua.Variant(1, kinds[number % len(kinds)]), None, moment, moment)
        )
        for number in range(30)
    ]
    batch, asyncua = MessageDecoder(is_batch=True, with_numpy=with_numpy), MessageDecoder(is_batch=False)
    body = response([ua.DataChangeNotification(MonitoredItems=alike)])
    for _ in range(3):
        assert outcome(batch, body) == outcome(asyncua, body)
    sizes = [struct.calcsize(layouts.layout_of(0x0D | kind.value << 8).row.format) for kind in kinds]  # type: ignore[union-attr]
    start = body.index(struct.pack("<IBB", 1, 0x0D, kinds[1 % len(kinds)].value)) - sizes[0]
    for number in range(30):
        at = start + sum(sizes[each % len(kinds)] for each in range(number))
        for place, byte in ((4, 0x05), (4, 0x0F), (5, TYPES.UInt64.value), (5, TYPES.String.value), (5, 0x8B)):
            changed = bytearray(body)
            assert changed[at + 4] == 0x0D
            changed[at + place] = byte
            assert outcome(batch, bytes(changed)) == outcome(asyncua, bytes(changed))


@pytest.mark.parametrize("sample_time", SampleTime)
def test_picoseconds_stand_behind_their_time(sample_time: SampleTime) -> None:
    """Part 6, 5.2.2.17; asyncua 2.1 takes both times first and so gets the server's wrong."""
    source, server = 133_500_000_000_000_000, 133_500_000_010_000_000
    mask = 0x01 | 0x04 | 0x08 | 0x10 | 0x20
    change = struct.pack("<IBBdqHqH", 3, mask, 11, 1.5, source, 9999, server, 1)
    empty = response([ua.DataChangeNotification(MonitoredItems=[])])
    for count in (1, 20):
        body = empty.replace(
            struct.pack("<iii", 8, 0, 0), struct.pack("<ii", 8 + len(change) * count, count) + change * count + bytes(4)
        )
        for with_numpy in NUMPY:
            message = MessageDecoder(is_batch=True, with_numpy=with_numpy).decode(body)
            assert message.is_batch
            result, _, _ = taken(message, sample_time)
            ticks = {SampleTime.SOURCE: source, SampleTime.SERVER: server}.get(sample_time)
            expected = ARRIVED_US if ticks is None else ticks // 10 - 11_644_473_600_000_000
            assert result.times_us == [expected] * count
            assert result.values == [1.5] * count


def test_one_text_does_not_cost_the_others_their_speed() -> None:
    value = ua.DataValue(ua.Variant(1.0, TYPES.Double))
    text = ua.DataValue(ua.Variant(str(uuid.UUID(int=7)), TYPES.String))
    items = [ua.MonitoredItemNotification(number, text if number == 5 else value) for number in range(20)]
    message = MessageDecoder(is_batch=True).decode(response([ua.DataChangeNotification(MonitoredItems=items)]))
    assert message.is_batch
    (changes,) = message.notifications
    assert list(changes.odd) == [5]
