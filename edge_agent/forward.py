"""Store and forward: live batches in order, an older backlog beside them, nothing removed before it is acknowledged."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.backlog import Backlog
from edge_agent.clock import AgentClock
from edge_agent.delivery import Allowance, DeliveryWindow, WindowLimits
from edge_agent.outbox_content import StoredBatch
from edge_agent.publisher import PACKET_OVERHEAD_BYTES, Broker, Session, SessionFailed, Will
from edge_agent.telemetry import Count, Counters, say
from schemas.ack import Ack, decode_ack
from schemas.agent_status import AgentState, decode_status
from schemas.errors import MessageInvalid
from schemas.limits import MAX_WIRE_BYTES
from schemas.topics import Channel, Topics

TICK_S = 0.25
# How often devices are looked at for a change that health should tell before its period is over.
STATE_LOOK_S = 1.0
HOLD_DICTIONARY = "dict"


@dataclass(frozen=True, slots=True)
class ForwardSettings:
    """How fast and how patiently to send; seconds and bytes."""

    broker: Broker
    live_window_s: float
    window: WindowLimits
    backlog_bytes_a_second: float
    health_s: float
    retry_min_s: float
    retry_max_s: float


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends, in this process, and below which topics."""

    agent: str
    boot_id: str
    topics: Topics


@dataclass(frozen=True, slots=True)
class Announcements:
    """What the agent says of itself, made when it is said."""

    online: Callable[[], bytes]
    offline: Callable[[], bytes]
    health: Callable[[int], bytes]
    catalog: Callable[[int], dict[str, bytes]]
    device_states: Callable[[], tuple[str, ...]]


class Forwarder:
    """Drains the outbox to the broker, session after session, for ever."""

    def __init__(
        self,
        identity: Identity,
        backlog: Backlog,
        says: Announcements,
        clock: AgentClock,
        counters: Counters,
        settings: ForwardSettings,
    ) -> None:
        self._agent, self._boot_id, self._topics = identity.agent, identity.boot_id, identity.topics
        self._broker = settings.broker
        self._backlog = backlog
        self._says = says
        self._clock = clock
        self._counters = counters
        self._settings = settings
        self._live = DeliveryWindow(settings.window)
        self._late = DeliveryWindow(settings.window)
        self._allowance = Allowance(settings.backlog_bytes_a_second)
        self._acks: deque[Ack] = deque()
        self._wake = asyncio.Event()
        self._session: Session | None = None
        self._generation = backlog.generation
        self._floor = 0
        self._live_after = 0
        self._late_after = 0
        self._said_catalog: set[str] = set()

    @property
    def is_connected(self) -> bool:
        """Whether a session with the broker lives."""
        return self._session is not None and not self._session.is_lost

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._wake.set()

    def announce(self) -> None:
        """The configuration has changed: say status and catalog again."""
        if self._session is not None and not self._session.is_lost:
            self._say_all(self._session)

    async def run(self) -> None:
        """Until cancelled: then say offline and leave."""
        failures = 0
        while True:
            try:
                session = Session(self._broker, f"{self._agent}-{self._boot_id[:12]}", self._will(), self._received)
                await session.open()
                failures = 0
                await self._served(session)
            except SessionFailed as error:
                if failures == 0:
                    say(logging.WARNING, "broker is unreachable; samples stay in the outbox", error=str(error))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with sending, scanning goes on
                say(logging.ERROR, "sending failed; connecting anew", error=repr(error))
            failures += 1
            pause_s = min(self._settings.retry_max_s, self._settings.retry_min_s * 2.0 ** min(failures - 1, 30))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    async def _served(self, session: Session) -> None:
        self._session = session
        self._counters[Count.SESSIONS] += 1
        say(logging.INFO, "broker connected", broker=self._broker.url)
        try:
            session.subscribe(self._topics.ack(self._agent), self._topics.status(self._agent))
            self._limit(session)
            self._said_catalog |= await self._backlog.said_catalog()
            self._say_all(session)
            await self._backlog.remember_catalog(self._said_catalog)
            await self._until_lost(session)
        except asyncio.CancelledError:
            self._session = None  # from now on our own offline is true
            await session.publish_last(self._topics.status(self._agent), self._says.offline())
            raise
        finally:
            self._session = None
            await session.close()
        self._counters[Count.SESSIONS_LOST] += 1
        say(logging.WARNING, "broker connection lost", reason=await session.lost())

    async def _until_lost(self, session: Session) -> None:
        self._rewind()
        pump = asyncio.create_task(self._pump(session))
        health = asyncio.create_task(self._report_health(session))
        end = asyncio.create_task(session.lost())
        try:
            await asyncio.wait({pump, health, end}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, health, end):
                task.cancel()
            await asyncio.gather(pump, health, end, return_exceptions=True)
        for task in (pump, health):
            if not task.cancelled() and (error := task.exception()) is not None:
                say(logging.ERROR, "sending failed; connecting anew", error=repr(error))

    async def _pump(self, session: Session) -> None:
        while True:
            self._wake.clear()
            if self._generation != self._backlog.generation:
                self._generation, self._floor = self._backlog.generation, 0
                self._rewind()
            await self._settle_acks(session)
            sent = await self._send_live(session)
            sent += await self._send_late(session)
            sent += await self._send_again(session)
            if not sent and not self._acks:
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    async def _send_live(self, session: Session) -> int:
        room = min(self._live.room(), session.receive_maximum)
        if not room:
            return 0
        batches = await self._backlog.peek(self._live_after, None, room)
        if batches and self._is_old(batches[0]):
            oldest_live_us = self._clock.now_us() - round(self._settings.live_window_s * 1_000_000)
            self._floor = max(self._floor, await self._backlog.boundary(oldest_live_us))
            self._live_after = max(self._live_after, self._floor)
            batches = await self._backlog.peek(self._live_after, None, room)
        for batch in batches:
            if not await self._send(session, self._live, batch):
                return 1
            self._live_after = batch.id
        return len(batches)

    async def _send_late(self, session: Session) -> int:
        room = min(self._late.room(), 4)
        if not room or self._late_after >= self._floor:
            return 0
        sent = 0
        for batch in await self._backlog.peek(self._late_after, self._floor, room):
            if (batch.epoch, batch.seq) not in self._live:
                if not self._allowance.take(len(batch.payload), self._clock.monotonic()):
                    return sent
                if not await self._send(session, self._late, batch):
                    return 1
                sent += 1
            self._late_after = batch.id
        return sent

    async def _send_again(self, session: Session) -> int:
        now = self._clock.monotonic()
        sent = 0
        for lane in (self._live, self._late):
            for batch in lane.overdue(now):
                self._publish(session, lane, batch)
                self._counters[Count.BATCHES_RESENT] += 1
                sent += 1
            for epoch, seq in lane.returning(now):
                batch = await self._backlog.get(epoch, seq)
                if batch is not None:
                    await self._send(session, lane, batch)
                    sent += 1
        return sent

    async def _send(self, session: Session, lane: DeliveryWindow, batch: StoredBatch) -> bool:
        """Send for the first time in this session; False when it had to be cut smaller before."""
        limit = self._payload_limit(session)
        if len(batch.payload) > limit and await self._backlog.divide(batch):
            return False
        lane.send(batch, self._clock.monotonic())
        if len(batch.payload) > limit:  # never publish it: brokers end the connection over one oversize packet
            lane.hold((batch.epoch, batch.seq), self._clock.monotonic())
            return True
        self._publish(session, lane, batch)
        self._counters[Count.BATCHES_SENT] += 1
        return True

    def _publish(self, session: Session, lane: DeliveryWindow, batch: StoredBatch) -> None:
        topic = self._topics.batch(self._agent) if lane is self._live else self._topics.backlog(self._agent)
        self._backlog.published(batch.epoch, batch.seq)
        session.publish(topic, batch.payload)

    async def _settle_acks(self, session: Session) -> None:
        while self._acks:
            ack = self._acks.popleft()
            self._settle(ack)
            for seq, reason in ack.hold:
                await self._hold(session, (ack.epoch, seq), reason)
            if ack.dictionary is not None:
                await self._backlog.know(ack.dictionary)
            if ack.is_resume:
                await self._backlog.settle()
                self._rewind()

    def _settle(self, ack: Ack) -> None:
        ranges = [(1, ack.through)] if ack.through else []
        ranges += [*ack.also, *((seq, seq) for seq, _ in ack.rejected)]
        for first, last in ranges:
            self._backlog.confirm(ack.epoch, first, last)
            for lane in (self._live, self._late):
                self._counters[Count.BATCHES_CONFIRMED] += lane.settle(ack.epoch, first, last)
        if ack.rejected:
            self._counters[Count.BATCHES_REJECTED] += len(ack.rejected)
            say(logging.WARNING, "the cloud rejected batches and keeps them", first_reason=ack.rejected[0][1])

    async def _hold(self, session: Session, number: tuple[bytes, int], reason: str) -> None:
        lane = self._live if number in self._live else self._late
        if number not in lane:
            return
        self._counters[Count.BATCHES_HELD] += 1
        batch = await self._backlog.get(*number) if reason.startswith(HOLD_DICTIONARY) else None
        if batch is None or batch.dictionary is None:
            lane.hold(number, self._clock.monotonic())
            return
        inlined = await self._backlog.inlined(batch)
        lane.replace(inlined, self._clock.monotonic())
        self._publish(session, lane, inlined)

    def _rewind(self) -> None:
        """Send everything unacknowledged again, each lane from its beginning."""
        self._live.clear()
        self._late.clear()
        self._live_after = self._floor
        self._late_after = 0
        self._wake.set()

    def _is_old(self, batch: StoredBatch) -> bool:
        return self._clock.now_us() - batch.created_us > self._settings.live_window_s * 1_000_000

    def _limit(self, session: Session) -> None:
        self._backlog.limit_wire(self._payload_limit(session))

    def _payload_limit(self, session: Session) -> int:
        overhead = PACKET_OVERHEAD_BYTES + len(self._topics.backlog(self._agent))
        return min(MAX_WIRE_BYTES, (session.max_packet_bytes or MAX_WIRE_BYTES + overhead) - overhead)

    async def _report_health(self, session: Session) -> None:
        while True:
            session.publish(self._topics.health(self._agent), self._says.health(self._payload_limit(session)), qos=0)
            await self._until_worth_saying()

    async def _until_worth_saying(self) -> None:
        """The period, or a little after a device has changed its state."""
        said, due = self._says.device_states(), self._clock.monotonic() + self._settings.health_s
        while (left_s := due - self._clock.monotonic()) > 0:
            await asyncio.sleep(min(STATE_LOOK_S, left_s))
            if self._says.device_states() != said:
                # First values follow a connection within moments, and one outage often touches several devices.
                await asyncio.sleep(STATE_LOOK_S)
                return

    def _say_all(self, session: Session) -> None:
        session.publish(self._topics.status(self._agent), self._says.online(), is_retained=True)
        catalog = self._says.catalog(self._payload_limit(session))
        for topic in self._said_catalog - catalog.keys():
            session.publish(topic, b"", is_retained=True)
        for topic, payload in catalog.items():
            session.publish(topic, payload, is_retained=True)
        self._said_catalog = set(catalog)

    def _received(self, topic: str, payload: bytes) -> None:
        parsed = self._topics.parse(topic)
        try:
            if parsed is not None and parsed.channel is Channel.ACK:
                self._acks.append(decode_ack(payload))
                self._wake.set()
            elif parsed is not None and parsed.channel is Channel.STATUS and payload:
                self._answer_status(payload)
        except MessageInvalid as error:
            self._counters[Count.MESSAGES_INVALID] += 1
            say(logging.WARNING, "a message could not be read", topic=topic, error=str(error))

    def _answer_status(self, payload: bytes) -> None:
        """The will of a connection that was thought dead says offline of an agent that lives."""
        if decode_status(payload).state is AgentState.OFFLINE and self._session is not None:
            self._session.publish(self._topics.status(self._agent), self._says.online(), is_retained=True)

    def _will(self) -> Will:
        return Will(self._topics.status(self._agent), self._says.offline())
