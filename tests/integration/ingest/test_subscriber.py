"""Batches by a real broker: acknowledged after COMMIT, in order, and again after everything that can break."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloud_api.ingest.certificates import CertificateDays
from cloud_api.ingest.pipeline import Ingest, IngestOptions
from cloud_api.settings import MqttSettings, Role, read_settings
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool
from cloud_api.telemetry import Telemetry
from schemas.ack import Ack, decode_ack
from schemas.agent_status import (
    AgentState,
    CertificateHealth,
    ConfigSummary,
    HealthMessage,
    StatusMessage,
    encode_health,
    encode_status,
)
from schemas.catalog import CatalogPart, TagDescription, encode_catalog_part
from schemas.sample import Kind
from schemas.topics import Topics
from tests.fixtures.broker import Broker, Mosquitto
from tests.fixtures.database import PostgresServer
from tests.integration.ingest.conftest import RIG_LEASE, floats, until

TOPICS = Topics()


class Publisher:
    """A publisher written by others: sends bytes, collects acknowledgements."""

    def __init__(self, port: int, agent: str = "gw-1", user: str | None = None, password: str | None = None) -> None:
        self.agent = agent
        self.acks: list[Ack] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        if user is not None:
            self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(TOPICS.ack(agent), qos=1)
        self._client.on_message = self._received
        self._client.connect_async("127.0.0.1", port, clean_start=True)
        self._client.loop_start()

    def _received(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.acks.append(decode_ack(bytes(message.payload)))

    def send(self, topic: str, payload: bytes, *, qos: int = 1, is_retained: bool = False) -> None:
        """Publish and wait until the broker has it."""
        deadline = time.monotonic() + 60
        while not self._client.is_connected():
            assert time.monotonic() < deadline, "the broker cannot be reached"
            time.sleep(0.02)
        self._client.publish(topic, payload, qos=qos, retain=is_retained).wait_for_publish(60)

    async def batch(self, payload: bytes) -> None:
        """Publish on the live topic."""
        await asyncio.to_thread(self.send, TOPICS.batch(self.agent), payload)

    @property
    def through(self) -> int:
        """How far all is settled."""
        return max((ack.through for ack in self.acks), default=0)

    def close(self) -> None:
        """End the session."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def publisher(
    port: int, agent: str = "gw-1", user: str | None = None, password: str | None = None
) -> Iterator[Publisher]:
    """A publisher for one test."""
    opened = Publisher(port, agent, user, password)
    try:
        yield opened
    finally:
        opened.close()


def mqtt_settings(url: str) -> MqttSettings:
    """Settings as the environment gives them."""
    environment = {"MILLSTREAM_MQTT_URL": url, "MILLSTREAM_DATABASE_URL": "postgresql://unused"}
    settings = read_settings(environment, frozenset({Role.INGEST})).mqtt
    assert settings is not None
    return settings


@asynccontextmanager
async def subscribed_ingest(database_url: str, broker_url: str) -> AsyncIterator[tuple[Ingest, Pool]]:
    """A whole ingest with its sessions up."""
    migrate(database_url)
    pool = await open_pool(database_url, 4)
    ingest = Ingest(pool, IngestOptions(mqtt=mqtt_settings(broker_url), lease=RIG_LEASE), Telemetry())
    task = asyncio.create_task(ingest.run())
    try:
        await until(lambda: ingest.is_subscribed, "both sessions are subscribed")
        yield ingest, pool
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.close()


async def count(pool: Pool) -> int:
    """Rows in the sample table."""
    async with pool.connection() as connection:
        row = await (await connection.execute(b"select count(*) from sample")).fetchone()
    assert row is not None
    return int(row[0])


async def test_live_and_backlog_are_acknowledged_after_commit(engine_url: str, broker: Broker) -> None:
    async with subscribed_ingest(engine_url, broker.url) as (_, pool):
        with publisher(broker.port) as gateway:
            for seq in range(1, 150):
                topic = TOPICS.backlog("gw-1") if seq % 5 == 0 else TOPICS.batch("gw-1")
                await asyncio.to_thread(gateway.send, topic, floats(seq, [1.0, 2.0]))
            await until(lambda: gateway.through == 149, "all batches are settled")
        assert await count(pool) == 298


async def test_poison_by_mqtt_blocks_nothing(postgres_url: str, broker: Broker) -> None:
    async with subscribed_ingest(postgres_url, broker.url) as (_, pool):
        with publisher(broker.port) as gateway:
            for payload in (
                b"",
                b"rubbish",
                bytes(10_000_000),
                b"{",
                floats(1, [1.0])[:-3],
                floats(2, [1.0], agent="x"),
            ):
                await gateway.batch(payload)
            for topic in ("status", "catalog/press-1/0", "health", "catalog/bad device/x", "nothing/of/ours"):
                await asyncio.to_thread(gateway.send, f"millstream/v1/gw-1/{topic}", b"\xff{rubbish")
            await gateway.batch(floats(3, [5.0]))
            await until(lambda: gateway.through == 3, "the good batch behind the poison is stored")
        reasons = {seq: reason for ack in gateway.acks for seq, reason in ack.rejected}
        assert reasons == {1: "length_mismatch", 2: "wrong_agent"}
        assert await count(pool) == 1


async def test_sessions_come_back_when_the_broker_does(postgres_url: str, broker: Broker) -> None:
    async with subscribed_ingest(postgres_url, broker.url) as (ingest, pool):
        with publisher(broker.port) as gateway:
            await gateway.batch(floats(1, [1.0]))
            await until(lambda: gateway.through == 1, "stored")
            await asyncio.to_thread(broker.kill)
            await until(lambda: not ingest.is_subscribed, "the loss is noticed")
            await asyncio.to_thread(broker.start)
            await until(lambda: ingest.is_subscribed, "subscribed again")
            await until(lambda: any(ack.is_resume for ack in gateway.acks), "agents are asked to resume")
            await gateway.batch(floats(2, [2.0]))
            await until(lambda: gateway.through == 2, "stored again")
        assert await count(pool) == 2


async def test_a_new_owner_asks_agents_to_resume(postgres_url: str, broker: Broker) -> None:
    with publisher(broker.port) as gateway:
        async with subscribed_ingest(postgres_url, broker.url):
            await gateway.batch(floats(1, [1.0]))
            await until(lambda: gateway.through == 1, "stored")
        gateway.acks.clear()
        async with subscribed_ingest(postgres_url, broker.url):
            await until(lambda: bool(gateway.acks), "told")
        assert (gateway.acks[0].through, gateway.acks[0].is_resume) == (1, True)


async def test_nothing_is_acknowledged_while_the_database_is_away(
    killable_postgres: PostgresServer, broker: Broker
) -> None:
    async with subscribed_ingest(killable_postgres.url(), broker.url) as (_, pool):
        with publisher(broker.port) as gateway:
            await gateway.batch(floats(1, [1.0]))
            await until(lambda: gateway.through == 1, "stored")
            await asyncio.to_thread(killable_postgres.kill)
            for seq in range(2, 40):
                await gateway.batch(floats(seq, [float(seq)]))
            assert gateway.through == 1
            await asyncio.to_thread(killable_postgres.start)
            await until(lambda: gateway.through == 39, "everything is stored when it is back")
        assert await count(pool) == 39


METRIC = "millstream_agent_certificate_days"


def certificates(now: datetime) -> tuple[CertificateHealth, ...]:
    return (
        CertificateHealth("mqtt_client", now + timedelta(days=12.5)),
        CertificateHealth("opcua_client", now + timedelta(days=400), ("cell-1",)),
        CertificateHealth("opcua_client", now - timedelta(days=1), ("cell-2",)),
        CertificateHealth("opcua_user", error="cannot be read: Permission denied", devices=("cell-2",)),
    )


async def test_what_agents_say_of_themselves_is_kept(engine_url: str, broker: Broker) -> None:
    now = datetime.now(UTC)
    tag = TagDescription(
        "hall/press-1/temperature", Kind.F64, "°C", "barrel", 0.0, 300.0, 1.0, "0.5%", 60.0, "holding:1"
    )
    config = ConfigSummary("r7" * 32, 1, 2, 30, {"modbus": 2}, now)
    online = StatusMessage(AgentState.ONLINE, "boot-2", "1.2.3", now, "r7", config)
    will_of_before = StatusMessage(AgentState.OFFLINE, "boot-1", "1.2.3", now)
    health = HealthMessage("boot-2", now, backlog_batches=3, backlog_bytes=1000, certificates=certificates(now))
    async with subscribed_ingest(engine_url, broker.url) as (_, pool):
        with publisher(broker.port) as gateway:
            send = gateway.send
            await asyncio.to_thread(send, TOPICS.status("gw-1"), encode_status(online), is_retained=True)
            await asyncio.to_thread(send, TOPICS.status("gw-1"), encode_status(will_of_before))
            catalog = encode_catalog_part(CatalogPart("r7", "press-1", (tag,)))
            await asyncio.to_thread(send, TOPICS.catalog("gw-1", "press-1", 0), catalog, is_retained=True)
            await asyncio.to_thread(send, TOPICS.health("gw-1"), encode_health(health), qos=0)
            await gateway.batch(floats(1, [1.0]))
            await until(lambda: gateway.through == 1, "stored")
            query = (
                b"select state, boot_id, config_revision, (health ->> 'backlog_batches')::int,"
                b" (config ->> 'tags')::int,"
                b" (select count(*) from series where unit = '\xc2\xb0C' and device = 'press-1' and kind = 'f64')"
                b" from agent"
            )
            deadline = time.monotonic() + 60
            found: tuple[object, ...] | None = None
            while found != ("online", "boot-2", "r7", 3, 30, 1):
                assert time.monotonic() < deadline, found
                async with pool.connection() as connection:
                    found = await (await connection.execute(query)).fetchone()
                await asyncio.sleep(0.02)
            telemetry = Telemetry()
            await CertificateDays(pool, telemetry).look(now)
            told = [line for line in telemetry.render().decode().splitlines() if line.startswith(METRIC)]
            assert sorted(told) == [
                METRIC + '{agent="gw-1",use="mqtt_client"} 12.5',
                METRIC + '{agent="gw-1",use="opcua_client"} -1.0',
            ]


async def test_mosquitto_with_passwords_and_rights(postgres_url: str, mosquitto: Mosquitto) -> None:
    async with subscribed_ingest(postgres_url, mosquitto.url("cloud")) as (_, pool):
        password = mosquitto.passwords["agent-1"]
        with publisher(mosquitto.port, "agent-1", "agent-1", password) as gateway:
            for seq in range(1, 60):
                await gateway.batch(floats(seq, [1.0], agent="agent-1"))
            await until(lambda: gateway.through == 59, "all batches are settled")
        assert await count(pool) == 59


@pytest.fixture
def broker(broker: Broker) -> Broker:
    """The embedded broker, started."""
    if not broker.is_running:
        broker.start()
    return broker
