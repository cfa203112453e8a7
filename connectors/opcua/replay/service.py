"""A recorded server on the wire: OPC UA on loopback, for any client, that tells what the real one told."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from asyncua import ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import (
    header_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    struct_to_binary,
    uatcp_to_binary,
)

from connectors.contract import Exchange, ReplayOptions
from connectors.opcua.replay.answers import Answers
from connectors.opcua.replay.played import Played
from connectors.opcua.replay.stage import Stage
from connectors.opcua.replay.subscriptions import Subscriptions

logger = logging.getLogger(__name__)

_HEAD_BYTES = 8
_MOST_BYTES = 64 * 1024 * 1024
_KINDS: Any = ua.MessageType
_SECURE_OPEN, _SECURE_MESSAGE, _SECURE_CLOSE = _KINDS.SecureOpen, _KINDS.SecureMessage, _KINDS.SecureClose
_PUBLISH = ObjectIds.PublishRequest_Encoding_DefaultBinary


async def replay(recording: Sequence[Exchange], options: ReplayOptions) -> None:
    """Serve until cancelled; raises OSError where the port is taken."""
    await Server(recording, options).run()


class Server:
    """Takes connections for one stage."""

    def __init__(self, recording: Sequence[Exchange], options: ReplayOptions) -> None:
        self._options = options
        self._stage = Stage(Played(recording), options.speed, lambda: time.time_ns() // 1000)
        self._stage.on_lost = self._cut
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._channels = 0
        self._url = ""

    async def run(self) -> None:
        """Until cancelled."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self._options.port)
        stage = asyncio.create_task(self._stage.run())
        try:
            self._url = f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._options.is_ready(self._url)
            await stage
        finally:
            server.close()
            for task in (*self._serving, stage):
                task.cancel()
            await asyncio.gather(*self._serving, stage, return_exceptions=True)

    def get_new_channel_id(self) -> int:
        """A number that no other channel has; asyncua asks for it by this name."""
        self._channels += 1
        return self._channels

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        wire = _Wire(self, self._stage, writer, self._url)
        try:
            if task is not None and not self._stage.is_gone:
                self._serving[task] = writer
                await wire.serve(reader)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a cancelled task would make asyncio of Python 3.11 log an error; it ends here anyway
        except Exception as error:  # noqa: BLE001 whatever a client sends costs nobody but itself
            logger.info("a client is sent away: %r", error)
        finally:
            wire.leave()
            if task is not None:
                self._serving.pop(task, None)
            writer.transport.abort()

    def _cut(self) -> None:
        for writer in self._serving.values():
            writer.close()


class _Wire:
    """One connection: messages to requests, answers to messages."""

    def __init__(self, server: Server, stage: Stage, writer: asyncio.StreamWriter, url: str) -> None:
        self._server = server
        self._stage = stage
        self._writer = writer
        self._limits = TransportLimits(65535, 65535, 0, 0)
        self._secure = SecureConnection(SecurityPolicyNone(), self._limits)
        self._subscriptions = Subscriptions(stage, self._send)
        self._answers = Answers(stage, self._subscriptions, url)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the client hangs up or sends what is no OPC UA."""
        while True:
            head = await reader.readexactly(_HEAD_BYTES)
            size = int.from_bytes(head[4:], "little")
            if not _HEAD_BYTES <= size <= _MOST_BYTES:
                return
            buffer = Buffer(head + await reader.readexactly(size - _HEAD_BYTES))
            if self._stage.is_silent:
                continue
            if not self._take(header_from_binary(buffer), buffer):
                return
            await self._writer.drain()

    def leave(self) -> None:
        """Nobody is told any more."""
        self._subscriptions.end()

    def _take(self, header: Any, buffer: Buffer) -> bool:
        message: Any = self._secure.receive_from_header_and_body(header, buffer)
        if isinstance(message, ua.Hello):
            acknowledge = self._limits.create_acknowledge_and_set_limits(message)
            self._writer.write(uatcp_to_binary(_KINDS.Acknowledge, acknowledge))
        elif header.MessageType == _SECURE_CLOSE:
            return False
        elif message is not None:
            self._answer(message.SequenceHeader().RequestId, message.body(), header.MessageType)
        return True

    def _answer(self, request_id: int, body: Buffer, kind: Any) -> None:
        whole = bytes(body)
        type_id = nodeid_from_binary(body)
        header: Any = struct_from_binary(ua.RequestHeader, body)
        if kind == _SECURE_OPEN:
            request: Any = struct_from_binary(ua.OpenSecureChannelRequest, Buffer(whole))
            response: Any = ua.OpenSecureChannelResponse()
            response.Parameters = self._secure.open(request.Parameters, self._server)
            self._send(request_id, header.RequestHandle, response, kind)
        elif type_id.Identifier == _PUBLISH:
            request = struct_from_binary(ua.PublishRequest, Buffer(whole))
            self._subscriptions.take_request(request_id, header.RequestHandle, request.Parameters)
        else:
            self._send(request_id, header.RequestHandle, self._answers.to(type_id, whole))

    def _send(self, request_id: int, handle: int, response: Any, kind: Any = _SECURE_MESSAGE) -> None:
        response.ResponseHeader.RequestHandle = handle
        self._writer.write(self._secure.message_to_binary(struct_to_binary(response), kind, request_id))
