"""Each security event by real requests and batches: an alarm, a metric, no storm; cleared when it is quiet."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from cloud_api.audit_settings import GuardSettings
from cloud_api.guard.kinds import EventKind
from cloud_api.settings import MqttSettings, Role
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind
from schemas.topics import DEFAULT_ROOT, Topics
from tests.fixtures.broker import Broker
from tests.integration.api.service import Api, serve_api

LIMITS = GuardSettings(
    logins_per_name=3,
    logins_per_address=6,
    scan_refusals=10,
    scan_places=5,
    interval_s=0.2,
    quiet_s=3600.0,
)
ROLES = frozenset({Role.API, Role.INGEST, Role.ALARMS})
EPOCHS = [bytes([number]) * 16 for number in range(3)]


@pytest.fixture
async def plant(postgres_url: str, broker: Broker) -> AsyncGenerator[Api]:
    settings = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    async with serve_api(postgres_url, ROLES, mqtt=settings, guard=LIMITS) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('operator', ['ingest'], name='feeder')}"
        yield api


async def alarms(api: Api, kind: EventKind, count: int = 1) -> list[dict[str, Any]]:
    """Wait until the alarms of a kind are so many."""
    async with asyncio.timeout(60):
        while True:
            found = (await api.get("/alarms", path=f"millstream/security/{kind}/*"))["items"]
            if len(found) >= count:
                assert all(each["active"] for each in found)
                assert {each["position"] for each in found} == {"security"}
                return found
            await asyncio.sleep(0.05)


def make(seq: int, agent: str, epoch: bytes = EPOCHS[0], **more: Any) -> bytes:
    now_us = time.time_ns() // 1000
    by_us = int(more.get("by_s", 0) * 1e6)
    tags = tuple(more.get("tags", [f"{agent}/speed"]))
    samples = more.get("samples", 1)
    times = [now_us - 1_000_000 + number for number in range(samples)]
    column = Column(Kind.F64, [number % len(tags) for number in range(samples)], times, None, [1.5] * samples)
    return encode(Batch(agent, epoch, seq, now_us, tags=tags, columns=(column,), until={"press": now_us + by_us}))


async def send(api: Api, *batches: bytes) -> list[Any]:
    answers = []
    for content in batches:
        answer = await api.client.post(
            "/api/v1/ingest", content=content, headers={"Content-Type": "application/octet-stream"}
        )
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
    return answers


async def test_people_who_guess_and_callers_who_scan(plant: Api):
    client = plant.client
    await plant.fill.run("insert into principal (name, role) values ('li.na', 'viewer')")
    for name in ("li.na", "li.na", "li.na", "x", "y", "z"):
        await client.post("/api/v1/login", json={"name": name, "password": "wrong"})
    (name,) = await alarms(plant, EventKind.LOGINS_OF_NAME)
    assert (name["path"].rsplit("/", 1)[1], name["priority"]) == ("li.na", "high")
    assert "li.na: many refused log-ins" in name["message"]
    (address,) = await alarms(plant, EventKind.LOGINS_FROM_ADDRESS)
    assert address["path"].endswith("/192.0.2.1")
    for number in range(40):
        assert (await client.get(f"/api/v1/series/{number + 1_000}")).status_code == 404
    (scan,) = await alarms(plant, EventKind.SCAN)
    assert scan["path"].endswith("/feeder")
    # What goes on is the same alarm: raised once, whatever there is a flood of.
    raises = await plant.fill.run("select path from alarm_journal where path like 'millstream/security/%%'")
    assert len(raises) == len(set(raises)) == 3
    # It is an alarm like others: somebody acknowledges it.
    done = await client.post(f"/api/v1/alarms/{scan['id']}/acknowledge", json={"comment": "our own audit"})
    assert done.status_code == 200, done.text
    metrics = (
        await client.get("/metrics", headers={"Authorization": f"Bearer {await plant.fill.key(None, ['metrics'])}"})
    ).text
    assert 'millstream_security_events_total{kind="logins_of_name"} 1.0' in metrics
    assert 'millstream_security_events_active{kind="scan"} 1.0' in metrics


async def test_a_key_from_a_new_address(plant: Api):
    transport = plant.client._transport
    key = {"Authorization": f"Bearer {await plant.fill.key('viewer', name='erp')}"}
    assert (await plant.client.get("/api/v1/me", headers=key)).status_code == 200
    async with asyncio.timeout(60):
        while not await plant.fill.run("select 1 from api_key_address where address = '192.0.2.1'"):
            await asyncio.sleep(0.05)
    transport.client = ("198.51.100.7", 4000)  # type: ignore[attr-defined]
    assert (await plant.client.get("/api/v1/me", headers=key)).status_code == 200
    found = await alarms(plant, EventKind.KEY_ADDRESS)
    assert any("erp" in each["path"] and "198.51.100.7" in each["message"] for each in found)
    rows = await plant.fill.run("select principal, address from audit where action = 'api_key.new_address'")
    assert ("erp", "198.51.100.7") in rows


async def test_agents_out_of_line(plant: Api, broker: Broker):
    # A clock that runs ahead, and somebody else's series.
    await send(plant, make(1, "gw-1"), make(2, "gw-1", by_s=200), make(1, "gw-2", tags=["gw-2/speed"]))
    (clock,) = await alarms(plant, EventKind.AGENT_CLOCK)
    assert "The clock of agent gw-1 jumps, +" in clock["message"]
    series_id = (await plant.get("/series", path="gw-1/speed"))["items"][0]["id"]
    engineer = {"Authorization": f"Bearer {await plant.fill.key('engineer')}"}
    moved = await plant.client.patch(f"/api/v1/series/{series_id}", json={"path": "line/speed"}, headers=engineer)
    assert moved.status_code == 200, moved.text
    answers = await send(plant, make(2, "gw-2", tags=["line/speed"]))
    assert "foreign_series" in str(answers)
    (series,) = await alarms(plant, EventKind.AGENT_SERIES)
    assert series["path"].endswith("/gw-2")
    # Two processes: their numbers go on side by side long after the second began.
    both = [
        make(number, "gw-3", epoch, by_s=10 * number - 55)
        for number in range(1, 9)
        for epoch in EPOCHS[:2]
    ]  # fmt: skip
    await send(plant, *both)
    (doubled,) = await alarms(plant, EventKind.AGENT_DOUBLED)
    assert doubled["priority"] == "critical"
    # A batch of one agent on the topic of another one.
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    topic = Topics(DEFAULT_ROOT).batch("gw-5")
    await asyncio.to_thread(client.publish(topic, make(1, "gw-4"), qos=1).wait_for_publish, 30)
    (foreign,) = await alarms(plant, EventKind.AGENT_TOPIC)
    client.disconnect()
    await asyncio.to_thread(client.loop_stop)
    assert (foreign["path"].rsplit("/", 1)[1], "gw-4" in foreign["message"]) == ("gw-5", True)


async def test_agents_that_change_suddenly(plant: Api):
    # Intervals are 0.2 s here; ten of them are what is usual.
    sent, began = 0, time.monotonic()
    while time.monotonic() - began < 3.0:
        sent += 1
        await send(plant, make(sent, "gw-1", samples=20))
        await asyncio.sleep(0.02)
    assert not (await plant.get("/alarms", path="millstream/security/**"))["items"]
    many = [f"gw-1/tag-{number}" for number in range(6_000)]
    await send(plant, make(sent + 1, "gw-1", tags=many, samples=6_000))
    (tags,) = await alarms(plant, EventKind.AGENT_TAGS)
    assert "1 -> 6000" in tags["message"]
    await alarms(plant, EventKind.AGENT_TRAFFIC)


async def test_what_is_quiet_is_cleared_and_many_subjects_are_few_alarms(postgres_url: str):
    limits = GuardSettings(logins_per_name=1, quiet_s=1.0)
    async with serve_api(postgres_url, frozenset({Role.API}), guard=limits) as api:
        await api.fill.run(
            "insert into security_event select 'logins_of_name', 'user-' || n, 1, 'x', now() + interval '5 s'"
            " from generate_series(1, 20) n"
        )
        await api.fill.run("insert into principal (name, role) values ('wang', 'viewer')")
        await api.client.post("/api/v1/login", json={"name": "wang", "password": "wrong"})
        async with asyncio.timeout(60):
            while True:
                found = await api.fill.run(
                    "select instance, is_active, state from alarm where instance like 'millstream/security/%%'"
                )
                if any(path.endswith("/others") for path, *_ in found) and not any(active for _, active, _ in found):
                    break
                await asyncio.sleep(0.05)
        # Cleared by itself, and still waiting for somebody to say that he has seen it.
        assert {state for *_, state in found} == {"returned"}
        assert not any(path.endswith("/wang") for path, *_ in found)
        assert await api.fill.run("select count(*) from security_event") == [(0,)]
