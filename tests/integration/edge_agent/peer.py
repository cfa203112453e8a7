"""A peer that acknowledges like the cloud: a real MQTT client that keeps what it stores and can misbehave."""

import secrets
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from schemas.ack import Ack, encode_ack
from schemas.agent_status import HealthMessage, StatusMessage, decode_health, decode_status
from schemas.batch import Batch, Gap, decode, dictionary_hash, read_header
from schemas.catalog import CatalogPart, decode_catalog_part
from schemas.sample import Value
from schemas.topics import Channel, Topics
from tests.fixtures.processes import wait_until


@dataclass(frozen=True, slots=True)
class Arrival:
    """One batch message as it came, repeated ones too."""

    channel: Channel
    epoch: bytes
    seq: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """One sample as the peer has committed it."""

    path: str
    time_us: int
    value: Value
    status: int


class Peer:
    """Stores batches once, acknowledges them, and remembers everything that came."""

    def __init__(self, url: str, topics: Topics | None = None) -> None:
        self.topics = topics or Topics()
        self.is_acknowledging = True
        self.knows_dictionaries = True
        self.held: dict[int, str] = {}
        self.arrivals: list[Arrival] = []
        self.batches: dict[tuple[bytes, int], Batch] = {}
        self.statuses: list[StatusMessage] = []
        self.health: list[HealthMessage] = []
        self.catalog: dict[str, CatalogPart | None] = {}
        self._books: dict[bytes, tuple[str, ...]] = {}
        self._settled: dict[bytes, set[int]] = defaultdict(set)
        self._lock = threading.RLock()
        host, _, port = url.removeprefix("mqtt://").rpartition("@")[2].partition(":")
        self._client = Client(
            CallbackAPIVersion.VERSION2, f"peer-{secrets.token_hex(4)}", protocol=MQTTProtocolVersion.MQTTv5
        )
        if "@" in url:
            user, _, password = url.removeprefix("mqtt://").rpartition("@")[0].partition(":")
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(0.05, 0.2)
        self._listens = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(f"{self.topics.root}/#", 1)
        self._client.on_subscribe = lambda *_: self._listens.set()
        self._client.on_disconnect = lambda *_: self._listens.clear()
        self._client.on_message = self._received
        self._client.connect_async(host, int(port), clean_start=True)
        self._client.loop_start()

    @property
    def is_listening(self) -> bool:
        """Whether the broker hands on to this peer what is published from now on."""
        return self._listens.is_set()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=is_retained).wait_for_publish(10)

    def acknowledge(self, agent: str, epoch: bytes, *, is_resume: bool = False) -> None:
        """Say what of this epoch is settled, now and whatever `is_acknowledging` says."""
        with self._lock:
            settled = self._settled[epoch]
            through = next(number for number in range(1, len(settled) + 2) if number not in settled) - 1
            also = tuple((seq, seq) for seq in sorted(settled) if seq > through)
            book = next(reversed(self._books), None) if self.knows_dictionaries else None
            ack = Ack(epoch, through, also, hold=tuple(self.held.items()), dictionary=book, is_resume=is_resume)
        self._client.publish(self.topics.ack(agent), encode_ack(ack), qos=1)

    def forget_dictionaries(self) -> None:
        """As after the loss of a table: batches that name tags by hash cannot be read any more."""
        with self._lock:
            self._books.clear()

    def settled(self, epoch: bytes) -> set[int]:
        """The numbers of this epoch that are stored or were declared lost."""
        with self._lock:
            return set(self._settled[epoch])

    def samples(self, path: str | None = None) -> list[Stored]:
        """What is stored, each batch once, in the order of times."""
        with self._lock:
            found = [sample for batch in self.batches.values() for sample in self._samples_of(batch)]
        return sorted((sample for sample in found if path in (None, sample.path)), key=lambda sample: sample.time_us)

    def gaps(self) -> list[Gap]:
        with self._lock:
            return sorted({gap for batch in self.batches.values() for gap in batch.gaps}, key=lambda gap: gap.from_us)

    def wait_for_samples(self, count: int, path: str | None = None) -> list[Stored]:
        return wait_until(
            lambda: found if len(found := self.samples(path)) >= count else None, f"{count} samples at the peer"
        )

    def _samples_of(self, batch: Batch) -> Iterator[Stored]:
        tags = batch.tags or self._books.get(batch.dictionary or b"", ())
        for column in batch.columns:
            statuses = column.statuses or [0] * len(column.tags)
            values = column.values or [None] * len(column.tags)
            for tag, time_us, status, value in zip(column.tags, column.times_us, statuses, values, strict=True):
                yield Stored(tags[tag], time_us, value, status)

    def _received(self, client: Client, data: object, message: MQTTMessage) -> None:
        topic = self.topics.parse(message.topic)
        assert topic is not None, message.topic
        match topic.channel:
            case Channel.BATCH | Channel.BACKLOG:
                self._store(topic.agent, topic.channel, message.payload)
            case Channel.STATUS:
                self.statuses.append(decode_status(message.payload))
            case Channel.HEALTH:
                self.health.append(decode_health(message.payload))
            case Channel.CATALOG:
                self.catalog[message.topic] = decode_catalog_part(message.payload) if message.payload else None
            case _:
                pass

    def _store(self, agent: str, channel: Channel, payload: bytes) -> None:
        header = read_header(payload)
        with self._lock:
            self.arrivals.append(Arrival(channel, header.epoch, header.seq, payload))
            if header.seq in self.held:
                self.acknowledge(agent, header.epoch)
                return
            batch = decode(payload)
            if batch.dictionary is not None and batch.dictionary not in self._books:
                ack = Ack(header.epoch, hold=((header.seq, "dict_unknown"),))
                self._client.publish(self.topics.ack(agent), encode_ack(ack), qos=1)
                return
            if batch.tags is not None:
                self._books[dictionary_hash(batch.tags)] = batch.tags
            self.batches.setdefault((header.epoch, header.seq), batch)
            self._settled[header.epoch].add(header.seq)
            for gap in batch.gaps:
                if gap.batches is not None:
                    self._settled[gap.batches[0]].update(range(gap.batches[1], gap.batches[2] + 1))
        if self.is_acknowledging:
            self.acknowledge(agent, header.epoch)
