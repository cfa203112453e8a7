"""Answers to a PublishRequest: from the bytes by our own decoder, or from asyncua's object tree."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua import ua_binary
from asyncua.ua.object_ids import ObjectIds

from connectors.opcua.changes import ChangeDecoder, NotDecodable
from connectors.opcua.layouts import us_of_ticks
from connectors.opcua.values import to_us, valid_us

_IDS = ObjectIds
# TypeId; of the response header: time, handle, result, no diagnostics, no string table, no additional header.
_HEADER = struct.Struct("<4sqIIBi3s")
_UINT32 = struct.Struct("<I")
_INT32 = struct.Struct("<i")
_MESSAGE = struct.Struct("<BIqi")  # more notifications, sequence number, publish time, number of notifications
_EXTENSION = struct.Struct("<4sBi")
_NO_ADDITIONAL_HEADER = bytes(3)


def _four_byte(number: int) -> bytes:
    return struct.pack("<BBH", 1, 0, number)


_PUBLISH_RESPONSE = _four_byte(_IDS.PublishResponse_Encoding_DefaultBinary)
_DATA_CHANGE = _four_byte(_IDS.DataChangeNotification_Encoding_DefaultBinary)


@dataclass(slots=True)
class Message:
    """What one answer tells: which subscription, how far it is, and its notifications in order."""

    subscription_id: int
    sequence_number: int
    published_us: int | None
    has_more: bool
    notifications: Sequence[Any]
    """Changes, or objects of asyncua."""
    is_batch: bool = False


class MessageDecoder:
    """Decodes the body of a PublishResponse; what our own decoder does not take goes to asyncua's, whole."""

    def __init__(self, *, is_batch: bool, with_numpy: bool = True) -> None:
        self._changes = ChangeDecoder(_skip_variant, with_numpy=with_numpy) if is_batch else None

    def decode(self, body: bytes) -> Message:
        """The message; raises what asyncua's decoder raises."""
        if self._changes is not None:
            try:
                return _decode(body, self._changes)
            except (NotDecodable, struct.error):
                pass
        response: Any = ua_binary.struct_from_binary(ua.PublishResponse, Buffer(body))
        parameters = response.Parameters
        return message_of(parameters.SubscriptionId, parameters.NotificationMessage, parameters.MoreNotifications)


def message_of(subscription_id: int, message: Any, has_more: bool) -> Message:
    """A NotificationMessage of asyncua, as Publish and Republish give it."""
    published_us = to_us(message.PublishTime)
    return Message(subscription_id, message.SequenceNumber, published_us, has_more, message.NotificationData or ())


def _decode(body: bytes, changes: ChangeDecoder) -> Message:
    type_id, _, _, result, diagnostics, strings, additional = _HEADER.unpack_from(body)
    if type_id != _PUBLISH_RESPONSE or result or diagnostics or strings > 0 or additional != _NO_ADDITIONAL_HEADER:
        raise NotDecodable
    offset = _HEADER.size
    (subscription_id,) = _UINT32.unpack_from(body, offset)
    offset = _behind_numbers(body, offset + 4)
    has_more, sequence_number, published, count = _MESSAGE.unpack_from(body, offset)
    offset += _MESSAGE.size
    notifications: list[Any] = []
    for _ in range(count):
        notification, offset = _notification(body, offset, changes)
        notifications.append(notification)
    offset = _behind_numbers(body, offset)  # results of acknowledgements
    if _INT32.unpack_from(body, offset)[0] > 0 or offset + 4 != len(body):
        raise NotDecodable
    (published_us,) = us_of_ticks((published,))
    return Message(
        subscription_id, sequence_number, valid_us(published_us), has_more != 0, notifications, is_batch=True
    )


def _behind_numbers(body: bytes, offset: int) -> int:
    (count,) = _INT32.unpack_from(body, offset)
    return offset + 4 + 4 * max(0, count)


def _notification(body: bytes, offset: int, changes: ChangeDecoder) -> tuple[Any, int]:
    type_id, encoding, size = _EXTENSION.unpack_from(body, offset)
    start = offset + _EXTENSION.size
    if encoding != 1 or size < 0 or start + size > len(body):
        raise NotDecodable
    if type_id == _DATA_CHANGE:
        return changes.decode(body, start, start + size), start + size
    try:
        return ua_binary.extensionobject_from_binary(Buffer(body, offset)), start + size
    except Exception as error:
        raise NotDecodable from error


def _skip_variant(data: bytes, offset: int) -> tuple[Any, int]:
    buffer = Buffer(data, offset)
    try:
        return ua_binary.variant_from_binary(buffer), buffer.cur_pos
    except Exception as error:
        raise NotDecodable from error
