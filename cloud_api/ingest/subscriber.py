"""The sessions with the broker: MQTT 5 by paho, whose threads end in this file."""

import asyncio
import logging
import secrets
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_api.ingest.incoming import Arrival, kept_part
from cloud_api.ingest.lane import LaneWorker
from cloud_api.ingest.notices import Notice, NoticeDesk
from cloud_api.ingest.puback_order import PubackOrder, Ticket
from cloud_api.settings import MqttSettings
from cloud_api.telemetry import Lane
from schemas.ack import Ack, encode_ack
from schemas.sample import name_problem
from schemas.topics import Channel, Topics

KEEP_ALIVE_S = 30
# The broker stops sending when so many messages wait for their PUBACK, if it obeys; our own bounds hold if not.
RECEIVE_MAXIMUM = 200
ACKS_IN_FLIGHT = 200
WATCH_EVERY_S = 5.0
WARN_EVERY_S = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Message:
    """A message on its way from paho's thread into the loop."""

    session: int
    message_id: int | None
    topic: str
    payload: bytes
    wire_bytes: int | None


class Session:
    """One connection: messages in order, PUBACKs in that order, connected again by itself for ever."""

    def __init__(
        self,
        settings: MqttSettings,
        name: str,
        filters: Sequence[str],
        take: Callable[[_Message, Callable[[], None]], None],
        on_subscribed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._client_id = f"millstream-ingest-{name}-{secrets.token_hex(4)}"
        self._filters = filters
        self._take = take
        self._on_subscribed = on_subscribed
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[_Message] = deque()
        self._is_woken = False
        self._session = 0
        self._order = PubackOrder()
        self._order_session = 0
        self._client: Client | None = None
        self._warned_at = -WARN_EVERY_S
        self.is_subscribed = False

    async def run(self) -> None:
        """Keep a session, until cancelled."""
        try:
            while True:
                if not self._is_alive():
                    self._start()
                await asyncio.sleep(WATCH_EVERY_S)
        finally:
            await self._stop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1 if the session is up; otherwise it is lost, and asked for again."""
        if self._client is not None and self._client.is_connected():
            self._client.publish(topic, payload, qos=1)

    def _start(self) -> None:
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        settings = self._settings
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        if settings.is_tls:
            client.tls_set(
                ca_certs=None if settings.ca_file is None else str(settings.ca_file),
                certfile=None if settings.cert_file is None else str(settings.cert_file),
                keyfile=None if settings.key_file is None else str(settings.key_file),
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        client.max_inflight_messages_set(ACKS_IN_FLIGHT)
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_message = self._received
        properties = Properties(PacketTypes.CONNECT)
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        client.connect_async(settings.host, settings.port, KEEP_ALIVE_S, clean_start=True, properties=properties)
        client.loop_start()
        self._client = client

    def _is_alive(self) -> bool:
        """Whether paho's thread runs: a packet that its parser cannot take would end it for good."""
        name = f"paho-mqtt-client-{self._client_id}"
        return self._client is not None and any(thread.name == name for thread in threading.enumerate())

    async def _stop(self) -> None:
        client, self._client = self._client, None
        self.is_subscribed = False
        if client is not None:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    # Below: called in paho's thread.

    def _connected(
        self, client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._session += 1
        if reason.is_failure:
            self._warn(f"the broker refuses the session: {reason}")
            return
        client.subscribe([(topic_filter, 1) for topic_filter in self._filters])

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.is_subscribed = False
        if reason.is_failure:
            self._warn(f"the session with the broker ended: {reason}")

    def _subscribed(
        self, _client: Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [
            topic_filter for topic_filter, reason in zip(self._filters, reasons, strict=False) if reason.is_failure
        ]
        if refused:
            self._warn(f"the broker refuses subscriptions to {', '.join(refused)}")
            return
        self.is_subscribed = True
        self._into_loop(self._on_subscribed)

    def _received(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        payload, wire_bytes = kept_part(bytes(message.payload))
        message_id = message.mid if message.qos else None
        self._inbox.append(_Message(self._session, message_id, topic, payload, wire_bytes))
        if not self._is_woken:
            self._is_woken = True
            self._into_loop(self._drain)

    def _warn(self, text: str) -> None:
        now = time.monotonic()
        if now - self._warned_at >= WARN_EVERY_S:
            self._warned_at = now
            log.warning("%s (%s:%d)", text, self._settings.host, self._settings.port)

    def _into_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            # The loop is gone: the process ends.
            return

    # Below: called in the loop.

    def _drain(self) -> None:
        self._is_woken = False
        while self._inbox:
            message = self._inbox.popleft()
            if message.session != self._order_session:
                # Message ids of an earlier connection mean nothing to this one.
                self._order, self._order_session = PubackOrder(), message.session
            if message.message_id is None:
                self._take(message, _nothing)
                continue
            ticket = self._order.arrive(message.message_id)
            self._take(message, lambda ticket=ticket, session=message.session: self._settle(ticket, session))

    def _settle(self, ticket: Ticket, session: int) -> None:
        released = ticket.done()
        if self._client is None or session != self._session:
            return
        for message_id in released:
            self._client.ack(message_id, 1)


class Subscriber:
    """Both lanes' sessions: live batches and what agents say of themselves on one, backlog on the other."""

    def __init__(
        self,
        settings: MqttSettings,
        topics: Topics,
        doors: tuple[LaneWorker, LaneWorker, NoticeDesk],
        on_subscribed: Callable[[], None],
    ) -> None:
        self._topics = topics
        self._live, self._backlog, self._notices = doors
        live = [topics.filter(channel) for channel in (Channel.BATCH, Channel.STATUS, Channel.HEALTH, Channel.CATALOG)]
        backlog = [topics.filter(Channel.BACKLOG)]
        self._sessions = (
            Session(settings, "live", live, self._take, on_subscribed),
            Session(settings, "backlog", backlog, self._take, on_subscribed),
        )

    @property
    def is_subscribed(self) -> bool:
        """Whether both sessions are up."""
        return all(session.is_subscribed for session in self._sessions)

    async def run(self) -> None:
        """Keep both sessions, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for session in self._sessions:
                group.create_task(session.run())

    def send_ack(self, agent: str, ack: Ack) -> None:
        """Say to an agent what is committed."""
        if name_problem(agent) is None:
            self._sessions[0].publish(self._topics.ack(agent), encode_ack(ack))

    def _take(self, message: _Message, settle: Callable[[], None]) -> None:
        topic = self._topics.parse(message.topic)
        if topic is None:
            settle()
            return
        if topic.channel not in {Channel.BATCH, Channel.BACKLOG}:
            self._notices.offer(Notice(topic, message.payload, settle))
            return
        is_live = topic.channel is Channel.BATCH
        arrival = Arrival(
            payload=message.payload,
            lane=Lane.LIVE if is_live else Lane.BACKLOG,
            topic=message.topic,
            agent=topic.agent,
            received_us=time.time_ns() // 1000,
            settle=lambda _result: settle(),
            wire_bytes=message.wire_bytes,
        )
        lane = self._live if is_live else self._backlog
        if not lane.offer(arrival):
            # Told to the broker, not to the agent: it keeps the batch and sends it again, more slowly each time.
            settle()


def _nothing() -> None:
    """QoS 0 wants no answer."""
