"""POST /samples, POST /ingest and replay, through the real ingest: answers after COMMIT, repeats change nothing."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest

from cloud_api.ingest import writer
from cloud_api.settings import MqttSettings, Role
from schemas.agent_status import AgentState, StatusMessage, encode_status
from schemas.batch import Batch, Column, encode, encode_json
from schemas.sample import Kind
from schemas.topics import DEFAULT_ROOT, Topics
from tests.fixtures.broker import Broker
from tests.integration.api.service import Api, serve_api

EPOCH = bytes(range(16))


def now() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=1)


def shown(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def make_batch(seq: int, value: float = 1.5, agent: str = "gw-1") -> Batch:
    base_us = 1_700_000_000_000_000
    column = Column(Kind.F64, tags=[0, 0], times_us=[base_us, base_us + 1], statuses=None, values=[value, value + 1])
    return Batch(agent, EPOCH, seq, base_us, tags=("line/speed",), columns=(column,))


@pytest.fixture
async def doors(engine_url: str, broker: Broker) -> AsyncGenerator[Api]:
    """API and ingest in one process, with a feeder's key."""
    broker_settings = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    async with serve_api(engine_url, frozenset(Role), mqtt=broker_settings) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer', ['ingest'])}"
        yield api


async def post(api: Api, items: object, **headers: str) -> httpx.Response:
    content = items if isinstance(items, bytes) else json.dumps(items).encode()
    return await api.client.post(
        "/api/v1/samples", content=content, headers={"Content-Type": "application/json"} | headers
    )


async def test_posted_samples_come_back_exactly(doors: Api):
    at = now()
    values: dict[str, Any] = {"f": 1.5, "i": 2**63 - 1, "u": 2**64 - 1, "b": True, "s": "配方"}
    response = await post(doors, [{"path": f"p/{name}", "time": shown(at), "value": v} for name, v in values.items()])
    assert response.status_code == 200, response.text
    assert (response.json()["stored"], response.json()["rejected"]) == (5, [])
    latest = {item["path"][2:]: item for item in (await doors.get("/latest", path="p/*"))["items"]}
    assert {name: item["value"] for name, item in latest.items()} == values
    assert {item["time"] for item in latest.values()} == {shown(at)}
    assert {item["agent"] for item in (await doors.get("/series", path="p/*"))["items"]} == {"@api"}
    assert (await doors.get("/agents"))["items"] == []  # an application is no agent


async def test_samples_of_many_days_are_all_counted(doors: Api, monkeypatch: pytest.MonkeyPatch):
    # More days than one transaction takes: the answer counts all of them.
    monkeypatch.setattr(writer, "MAX_DAYS", 2)
    items = [{"path": "p/x", "time": shown(now() - timedelta(hours=15 * n)), "value": 1.5} for n in range(8)]
    for expected in ((8, 0, 0), (0, 0, 8)):
        answer = (await post(doors, items)).json()
        assert (answer["stored"], answer["overwritten"], answer["unchanged"]) == expected, answer
    changed = (await post(doors, [item | {"value": 2.5} for item in items[::2]])).json()
    assert (changed["stored"], changed["overwritten"], changed["unchanged"]) == (0, 4, 0), changed


async def test_an_idempotency_key_gives_the_first_answer_again(doors: Api):
    items = [{"path": "p/x", "time": shown(now()), "value": 1.5}]
    first = await post(doors, items, **{"Idempotency-Key": "a-1"})
    again = await post(doors, items, **{"Idempotency-Key": "a-1"})
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json()["stored"] == 1
    without = await post(doors, items)
    assert (without.json()["stored"], without.json()["unchanged"]) == (0, 1)
    other = await post(doors, [items[0] | {"value": 2.5}], **{"Idempotency-Key": "a-1"})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:millstream:problem:idempotency-key-reused"
    mine = {"Authorization": f"Bearer {await doors.fill.key('engineer')}", "Idempotency-Key": "a-1"}
    assert (await post(doors, [items[0] | {"value": 2.5}], **mine)).json()["overwritten"] == 1
    assert (await post(doors, items, **{"Idempotency-Key": "has space"})).status_code == 400


async def test_equal_requests_at_once_get_one_answer(doors: Api):
    items = [{"path": "p/x", "time": shown(now()), "value": 1.5}]
    answers = await asyncio.gather(*(post(doors, items, **{"Idempotency-Key": "b-1"}) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


async def test_wrong_items_are_refused_whole_and_impossible_ones_put_aside(doors: Api):
    good = {"path": "p/x", "time": shown(now()), "value": 1.5}
    refused = await post(doors, [good, {"path": "a//b", "time": "x"}])
    assert refused.status_code == 422
    assert refused.json()["field"] == "1.path"
    assert (await doors.get("/latest"))["items"] == []
    future = {"path": "p/y", "time": shown(datetime.now(UTC) + timedelta(hours=1)), "value": 1.5}
    partly = (await post(doors, [good, future])).json()
    assert partly["stored"] == 1
    assert partly["rejected"] == [{"path": "p/y", "reason": "time_in_future", "count": 1}]
    (reject,) = (await doors.get("/rejects"))["items"]
    assert (reject["path"], reject["reason"], reject["sample_count"]) == ("p/y", "time_in_future", 1)


async def test_posted_samples_do_not_touch_an_agents_series(doors: Api):
    await doors.client.post(
        "/api/v1/ingest", content=encode(make_batch(1)), headers={"Content-Type": "application/zstd"}
    )
    answer = (await post(doors, [{"path": "line/speed", "time": shown(now()), "value": 9.0}])).json()
    assert answer["rejected"] == [{"path": "line/speed", "reason": "foreign_series", "count": 1}]


async def test_more_than_one_batch_holds_is_stored_all_the_same(doors: Api):
    times = [shown(now() + timedelta(milliseconds=number)) for number in range(90)]
    items = [{"path": "p/long", "time": at, "value": token_hex(4000)} for at in times]
    response = await post(doors, items)
    assert response.status_code == 200, response.text
    assert response.json()["stored"] == 90


@pytest.mark.parametrize("form", ["binary", "json"])
async def test_a_batch_is_stored_once_by_its_number(doors: Api, form: str):
    def payload(batch: Batch) -> bytes:
        return encode(batch) if form == "binary" else encode_json(batch)

    kind = {"Content-Type": "application/octet-stream" if form == "binary" else "application/json"}

    async def send(content: bytes) -> httpx.Response:
        return await doors.client.post("/api/v1/ingest", content=content, headers=kind)

    first = await send(payload(make_batch(1)))
    assert first.status_code == 200, first.text
    body = first.json()
    assert (body["agent"], body["epoch"], body["seq"]) == ("gw-1", EPOCH.hex(), 1)
    assert (body["outcome"], body["samples"], body["stored"]) == ("stored", 2, 2)
    again = (await send(payload(make_batch(1)))).json()
    assert (again["outcome"], again["stored"]) == ("repeated", 0)
    (series,) = (await doors.get("/series"))["items"]
    samples = (await doors.get(f"/series/{series['id']}/samples"))["items"]
    assert [(sample["time"], sample["value"]) for sample in samples] == [
        ("2023-11-14T22:13:20.000000Z", 1.5),
        ("2023-11-14T22:13:20.000001Z", 2.5),
    ]


async def test_batches_that_cannot_be_read_are_refused(doors: Api):
    async def send(content: bytes, kind: str = "application/msgpack") -> httpx.Response:
        return await doors.client.post("/api/v1/ingest", content=content, headers={"Content-Type": kind})

    rubbish = await send(b"rubbish")
    assert rubbish.status_code == 422, rubbish.text
    assert rubbish.json()["type"] == "urn:millstream:problem:body-invalid"
    flipped = bytearray(encode(make_batch(2)))
    flipped[-1] ^= 1
    assert (await send(bytes(flipped))).status_code == 422
    assert (await send(b"")).status_code == 422
    assert (await send(encode(make_batch(3)), "text/csv")).status_code == 415
    assert (await send(bytes(5_000_000))).status_code == 413
    assert (await send(encode(make_batch(4)))).status_code == 200


async def test_a_foreign_series_is_replayed_after_a_take_over(doors: Api):
    kind = {"Content-Type": "application/octet-stream"}
    await doors.client.post("/api/v1/ingest", content=encode(make_batch(1, agent="old")), headers=kind)
    other = await doors.client.post("/api/v1/ingest", content=encode(make_batch(1, 7.5, agent="new")), headers=kind)
    assert other.json()["rejected"] == [{"path": "line/speed", "reason": "foreign_series", "count": 2}]
    taken = await doors.client.post("/api/v1/agents/new/take-over", json={"from": "old", "while_online": "allow"})
    assert taken.status_code == 200, taken.text
    (reject,) = (await doors.get("/rejects"))["items"]
    replayed = await doors.client.post(f"/api/v1/rejects/{reject['id']}/replay")
    assert replayed.status_code == 200, replayed.text
    assert (replayed.json()["overwritten"], replayed.json()["rejected"]) == (2, [])
    (latest,) = (await doors.get("/latest"))["items"]
    assert latest["value"] == 8.5
    again = await doors.client.post(f"/api/v1/rejects/{reject['id']}/replay")
    assert again.status_code == 409
    assert (await doors.client.post("/api/v1/rejects/99999/replay")).status_code == 404
    (listed,) = (await doors.get("/rejects"))["items"]
    assert listed["replayed_at"] is not None


async def test_a_key_with_the_scope_feeds_and_reads_nothing(doors: Api):
    headers = {"Authorization": f"Bearer {await doors.fill.key(None, ['ingest'])}"}
    items = [{"path": "p/x", "time": shown(now()), "value": 1.5}]
    assert (await post(doors, items, **headers)).status_code == 200
    assert (await doors.client.get("/api/v1/latest", headers=headers)).status_code == 403


async def test_without_the_ingest_role_the_doors_say_so(postgres_api: Api):
    key = await postgres_api.fill.key("engineer")
    response = await post(postgres_api, [], Authorization=f"Bearer {key}")
    assert response.status_code == 503
    assert response.json()["type"] == "urn:millstream:problem:ingest-unavailable"
    assert response.headers["retry-after"]


async def test_an_agent_whose_will_fired_is_offline(doors: Api, broker: Broker):
    boot_at = datetime(2026, 1, 31, 8, tzinfo=UTC)

    def status(state: AgentState, boot_id: str) -> bytes:
        return encode_status(StatusMessage(state, boot_id, "0.1.0", boot_at))

    topic = Topics(DEFAULT_ROOT).status("gw-9")
    agent = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    agent.will_set(topic, status(AgentState.OFFLINE, "boot-1"), qos=1, retain=True)
    agent.connect("127.0.0.1", broker.port)
    agent.loop_start()
    agent.publish(topic, status(AgentState.ONLINE, "boot-1"), qos=1, retain=True)

    async def seen(wanted: str) -> None:
        async with asyncio.timeout(60):
            while [item["status"] for item in (await doors.get("/agents"))["items"]] != [wanted]:
                await asyncio.sleep(0.05)

    await seen("online")
    (shown_agent,) = (await doors.get("/agents"))["items"]
    assert (shown_agent["id"], shown_agent["boot_id"], shown_agent["version"]) == ("gw-9", "boot-1", "0.1.0")
    agent.socket().shutdown(2)  # the broker loses it without a word
    agent.loop_stop()
    await seen("offline")
