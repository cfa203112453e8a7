"""What the flight recorder is given of a conversation: services that carry no secret, and no header of any."""

import asyncio
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import nodeid_from_binary, nodeid_to_binary, struct_from_binary, struct_to_binary

from connectors.contract import Chapter, Clock, Exchange, Recorder, Trouble

_IDS = ObjectIds
_SUBSCRIBING = frozenset({ua.CreateSubscriptionRequest, ua.CreateMonitoredItemsRequest})
_STREAM = frozenset({ua.PublishRequest, ua.RepublishRequest, ua.HistoryReadRequest})
_ASKING = frozenset(
    {
        ua.ReadRequest,
        ua.BrowseRequest,
        ua.BrowseNextRequest,
        ua.TranslateBrowsePathsToNodeIdsRequest,
        ua.RegisterNodesRequest,
        ua.TransferSubscriptionsRequest,
        ua.DeleteSubscriptionsRequest,
    }
)
WHOLE = _SUBSCRIBING | _STREAM | _ASKING
"""Requests whose content is recorded; of any other, a login, a write, a call, nothing but its name and result."""
SESSION_LOST = frozenset(
    {
        StatusCodes.BadSessionIdInvalid,
        StatusCodes.BadSessionClosed,
        StatusCodes.BadSecureChannelClosed,
        StatusCodes.BadSecureChannelIdInvalid,
        StatusCodes.BadNoSubscription,
        StatusCodes.BadTooManySessions,
        StatusCodes.BadServerHalted,
        StatusCodes.BadShutdown,
    }
)
_MOST_KNOWN = 10_000
_NO_TIME = ua.get_win_epoch()


_is_left_out = ContextVar("is_left_out", default=False)


@contextmanager
def left_out() -> Generator[None]:
    """What is asked in here is not recorded: it may bring back what was written."""
    token = _is_left_out.set(True)
    try:
        yield
    finally:
        _is_left_out.reset(token)


def _empty_request_header() -> bytes:
    header: Any = ua.RequestHeader()
    header.Timestamp = _NO_TIME
    header.TimeoutHint = 0
    return struct_to_binary(header)


_REQUEST_HEADER = _empty_request_header()


class Recording:
    """Notes what is said on the connections of one device, which it is attached to one after the other."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._asked: set[bytes] = set()
        self._is_subscribed = False

    def begin_session(self) -> None:
        """What is asked from now on has to be kept as long as anything that comes after it."""
        self._asked.clear()
        self._is_subscribed = False
        self._recorder.begin(Chapter.SESSION)

    def attach(self, protocol: Any) -> None:
        """Listen in on a connection of asyncua, where requests are bytes already and answers still are."""
        questions: dict[int, bytes] = {}
        connection: Any = protocol._connection  # noqa: SLF001 below it there is nothing but ciphertext
        send_request, to_binary = protocol.send_request, connection.message_to_binary

        def message_to_binary(message: bytes, *args: Any, **kwargs: Any) -> bytes:
            questions[protocol._request_handle] = message  # noqa: SLF001
            return to_binary(message, *args, **kwargs)

        async def send_and_note(request: Any, *args: Any, **kwargs: Any) -> Any:
            asked_us = self._clock.now_us()
            try:
                data = await send_request(request, *args, **kwargs)
            except Exception as error:
                question = questions.pop(request.RequestHeader.RequestHandle, b"")
                self._note(request, asked_us, question, *_outcome(error))
                raise
            except asyncio.CancelledError:  # whoever asked has given up; what came of it nobody knows
                questions.pop(request.RequestHeader.RequestHandle, b"")
                raise
            question = questions.pop(request.RequestHeader.RequestHandle, b"")
            self._note(request, asked_us, question, _answer(data.copy(), type(request) in WHOLE), None)
            return data

        connection.message_to_binary, protocol.send_request = message_to_binary, send_and_note

    def note_trouble(self, asked_us: int, trouble: Trouble) -> None:
        """Note that the server could not be reached, or that it went silent."""
        self._recorder.note(Exchange(asked_us, self._clock.now_us() - asked_us, b"", None, trouble))

    def _note(self, request: Any, asked_us: int, message: bytes, answer: bytes | None, trouble: Trouble | None) -> None:
        """What is asked once explains the rest; what is asked again is the stream of a poll or a sign of life."""
        kind = type(request)
        if kind is ua.CreateSubscriptionRequest and not self._is_subscribed:
            self._is_subscribed = True
            self._recorder.begin(Chapter.SUBSCRIPTION)
        if _is_left_out.get():
            return
        question = _question(message, kind in WHOLE)
        exchange = Exchange(asked_us, self._clock.now_us() - asked_us, question, answer, trouble)
        mark = hashlib.blake2b(question, digest_size=8).digest()
        if kind in _STREAM or trouble is not None or mark in self._asked or len(self._asked) >= _MOST_KNOWN:
            self._recorder.note(exchange)
            return
        self._asked.add(mark)
        self._recorder.note_opening(exchange, Chapter.SUBSCRIPTION if kind in _SUBSCRIBING else Chapter.SESSION)


def _outcome(error: Exception) -> tuple[bytes | None, Trouble | None]:
    """What came in place of an answer, and whether the conversation was over with it."""
    if isinstance(error, TimeoutError):
        return None, Trouble.SILENT
    if isinstance(error, ua.UaStatusCodeError):
        return _fault(error.code), Trouble.REFUSED if error.code in SESSION_LOST else None
    return None, Trouble.LOST


def _question(message: bytes, is_whole: bool) -> bytes:
    """The request with an empty header: that of the wire holds the token of the session."""
    if not message:
        return b""
    buffer = Buffer(message)
    name = nodeid_to_binary(nodeid_from_binary(buffer))
    if not is_whole:
        return name
    struct_from_binary(ua.RequestHeader, buffer)
    return name + _REQUEST_HEADER + bytes(buffer)


def _answer(buffer: Buffer, is_whole: bool) -> bytes:
    """The answer with an empty header but for its result; without its content where that may hold secrets."""
    type_id = nodeid_from_binary(buffer)
    header: Any = struct_from_binary(ua.ResponseHeader, buffer)
    return nodeid_to_binary(type_id) + _response_header(header.ServiceResult) + (bytes(buffer) if is_whole else b"")


def _fault(code: int) -> bytes:
    name = nodeid_to_binary(ua.FourByteNodeId(ua.Int32(_IDS.ServiceFault_Encoding_DefaultBinary)))
    return name + _response_header(ua.StatusCode(ua.UInt32(code)))


def _response_header(result: ua.StatusCode) -> bytes:
    header: Any = ua.ResponseHeader()
    header.Timestamp, header.ServiceResult = _NO_TIME, result
    return struct_to_binary(header)
