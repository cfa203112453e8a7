"""The session with the broker: MQTT 5 by paho, whose thread ends in this file."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

CONNECT_LIMIT_S = 10.0
CLOSE_LIMIT_S = 3.0
PACKET_OVERHEAD_BYTES = 64
"""Fixed header, packet id and properties of a publish, generously."""

OnMessage = Callable[[str, bytes], None]


class SessionFailed(Exception):
    """The broker cannot be reached or does not take us."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to prove who we are."""

    url: str
    keep_alive_s: int
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says of us when we vanish; retained."""

    topic: str
    payload: bytes


class Session:
    """One connection from CONNECT to its end; a new one is made after a loss, with nothing taken along."""

    def __init__(self, broker: Broker, client_id: str, will: Will, on_message: OnMessage) -> None:
        self.max_packet_bytes: int | None = None
        self.receive_maximum = 65_535
        self.oversize = 0
        self._broker = broker
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._client = self._prepared(client_id, will)

    async def open(self) -> None:
        """Connect; raises SessionFailed."""
        address = urlsplit(self._broker.url)
        port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        try:
            await asyncio.to_thread(
                self._client.connect, address.hostname or "", port, self._broker.keep_alive_s, clean_start=True
            )
            self._client.loop_start()
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await asyncio.wait({self._accepted, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, ValueError, TimeoutError) as error:
            await self.close()
            raise SessionFailed(f"{self._broker.url}: {error or 'no answer'}") from error
        if not self._accepted.done():
            await self.close()
            raise SessionFailed(f"{self._broker.url}: {self._lost.result()}")

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return self._lost.done()

    async def lost(self) -> str:
        """Wait for the end; the reason."""
        return await asyncio.shield(self._lost)

    def subscribe(self, *topics: str) -> None:
        """Ask for these topics with QoS 1."""
        self._client.subscribe([(topic, 1) for topic in topics])

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, is_retained: bool = False) -> None:
        """Hand a message to the connection; whether it arrived is for an acknowledgement to say.

        One packet above the broker's maximum ends the connection, so what is still too large is left unsaid.
        """
        size = len(payload) + len(topic.encode()) + PACKET_OVERHEAD_BYTES
        if self.max_packet_bytes is not None and size > self.max_packet_bytes:
            self.oversize += 1
            return
        self._client.publish(topic, payload, qos=qos, retain=is_retained)

    async def publish_last(self, topic: str, payload: bytes) -> None:
        """Publish retained and wait a little until the broker has it."""
        message = self._client.publish(topic, payload, qos=1, retain=True)
        with contextlib.suppress(RuntimeError, ValueError):
            await asyncio.to_thread(message.wait_for_publish, CLOSE_LIMIT_S)

    async def close(self) -> None:
        """Leave in peace: the broker forgets the will."""
        self._client.disconnect()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await asyncio.to_thread(self._client.loop_stop)

    def _prepared(self, client_id: str, will: Will) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = CONNECT_LIMIT_S
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.url.startswith("mqtts:"):
            client.tls_set(
                ca_certs=_text(self._broker.ca_file),
                certfile=_text(self._broker.cert_file),
                keyfile=_text(self._broker.key_file),
            )
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        return client

    def _connected(
        self, client: Client, data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, data, flags
        if reason.is_failure:
            self._in_loop(self._end, f"refused: {reason}")
            return
        self.max_packet_bytes = getattr(properties, "MaximumPacketSize", None)
        self.receive_maximum = getattr(properties, "ReceiveMaximum", None) or 65_535
        self._in_loop(self._accept)

    def _disconnected(
        self, client: Client, data: object, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del client, data, flags, properties
        self._in_loop(self._end, str(reason))

    def _received(self, client: Client, data: object, message: MQTTMessage) -> None:
        del client, data
        self._in_loop(self._on_message, message.topic, bytes(message.payload))

    def _accept(self) -> None:
        if not self._accepted.done():
            self._accepted.set_result(None)

    def _end(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def _in_loop(self, action: Callable[..., None], *arguments: object) -> None:
        """From paho's thread into the loop, which may already be gone when the process ends."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(action, *arguments)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
