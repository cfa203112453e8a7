"""Values that people enter: through the real ingest, once, checked, audited, seen by all that reads samples."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cloud_api.auth.reach import Reach
from cloud_api.globs import parse_glob
from cloud_api.query.feed import LiveFeed, Paths
from cloud_api.query.live import LiveStream
from cloud_api.query.values import Int64
from cloud_api.server_events import Closing
from cloud_api.settings import MqttSettings, Role
from cloud_api.storage.pool import open_pool
from schemas.status import GOOD_LOCAL_OVERRIDE
from tests.fixtures.broker import Broker
from tests.integration.api.service import Api, serve_api

PATH = "plant/lab/bath-2/viscosity"
TERMS: dict[str, Any] = {"path": PATH, "unit": "mm2/s", "low": 20, "high": 80}
HIGH: dict[str, Any] = {
    "name": "thick oil",
    "target": {"path": PATH},
    "condition": {"kind": "limit", "hi": {"limit": 60}},
    "priority": "high",
    "action": {"en": "Change the oil"},
}
WRONG: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"value": "46"}, "value"),
    ({}, {"value": True}, "value"),
    ({}, {"value": None}, "value"),
    ({}, {"value": 10**400}, "value"),
    ({}, {"value": 19.9}, "value"),
    ({}, {"value": 80.1}, "value"),
    ({}, {"value": 46, "time": "2999-01-01T00:00:00Z"}, "time"),
    ({}, {"value": 46, "time": "1989-12-31T00:00:00Z"}, "time"),
    ({}, {"value": 46, "time": "yesterday"}, "time"),
    ({}, {"value": 46, "comment": "x" * 1_001}, "comment"),
    ({}, {"value": 46, "if_exists": "maybe"}, "if_exists"),
    ({}, {"value": 46, "status": 0}, "status"),
    ({"kind": "i64"}, {"value": 46.5}, "value"),
    ({"kind": "bool", "low": None, "high": None}, {"value": 1}, "value"),
    ({"kind": "str", "low": None, "high": None}, {"value": "  "}, "value"),
    ({"kind": "str", "low": None, "high": None}, {"value": "\0"}, "value"),
    ({"kind": "str", "low": None, "high": None, "choices": ["ok", "worn"]}, {"value": "Worn"}, "value"),
    ({"kind": "i64", "low": None, "high": None, "choices": [1, 2]}, {"value": 3}, "value"),
]


@pytest.fixture
async def bench(engine_url: str, broker: Broker) -> AsyncGenerator[Api]:
    """The whole service in one process, asked with an engineer's key."""
    async with _serve(engine_url, broker) as api:
        yield api


@pytest.fixture
async def postgres_bench(postgres_url: str, broker: Broker) -> AsyncGenerator[Api]:
    """The same on embedded PostgreSQL alone, for what no engine decides."""
    async with _serve(postgres_url, broker) as api:
        yield api


@asynccontextmanager
async def _serve(url: str, broker: Broker) -> AsyncGenerator[Api]:
    mqtt = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    async with serve_api(url, frozenset(Role), mqtt=mqtt) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer', name='chen')}"
        yield api


async def as_role(api: Api, role: str, name: str, reach: str = "**") -> dict[str, str]:
    return {"Authorization": f"Bearer {await api.fill.key(role, name=name, reach=[reach])}"}


async def made(api: Api, **changes: Any) -> int:
    response = await api.client.post("/api/v1/entry-series", json=TERMS | changes)
    assert response.status_code == 201, response.text
    return int(response.json()["series_id"])


async def enter(api: Api, series_id: int, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await api.client.post(f"/api/v1/series/{series_id}/entries", json=body, headers=headers)


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_an_entered_value_is_a_sample_as_every_other(bench: Api):
    series_id = await made(bench)
    operator = await as_role(bench, "operator", "wang")
    hour_ago = ago(hours=1)
    answer = await enter(bench, series_id, operator, value=46, time=hour_ago, comment=" sample 4711 ")
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert (entry["value"], entry["time"], entry["comment"], entry["who"]) == (46.0, hour_ago, "sample 4711", "wang")
    now = (await enter(bench, series_id, operator, value=47.5)).json()
    assert datetime.now(UTC) - datetime.fromisoformat(now["time"]) < timedelta(seconds=30)

    samples = (await bench.get(f"/series/{series_id}/samples", **{"from": ago(hours=2), "to": ago(hours=-1)}))["items"]
    assert [(each["value"], each["status"]) for each in samples] == [(46.0, GOOD_LOCAL_OVERRIDE), (47.5, 9830400)]
    (latest,) = (await bench.get("/latest", path=PATH))["items"]
    assert (latest["value"], latest["quality"], latest["time"]) == (47.5, "good", now["time"])
    series = await bench.get(f"/series/{series_id}")
    assert (series["agent"], series["unit"], series["kind"], series["low"]) == ("~entries", "mm2/s", "f64", 20.0)
    window = {"from": ago(hours=2), "to": ago(hours=-1), "points": 1, "aggregate": ["average", "count"]}
    (queried,) = (await bench.query(series=[PATH], **window))["series"]
    assert queried["rows"][0][1:3] == [46.75, 2]

    listed = (await bench.get(f"/series/{series_id}/entries"))["items"]
    assert [each["value"] for each in listed] == [47.5, 46.0]
    pages = [page async for page in bench.pages(f"/series/{series_id}/entries", limit=1)]
    assert [each["id"] for page in pages for each in page] == [each["id"] for each in listed]
    within = await bench.get(f"/series/{series_id}/entries", **{"from": hour_ago, "to": ago(minutes=5)})
    assert [each["value"] for each in within["items"]] == [46.0]
    (shown,) = (await bench.get("/entry-series", path="plant/**"))["items"]
    assert (shown["path"], shown["made_by"], shown["last"]["value"]) == (PATH, "chen", 47.5)
    audited = await bench.fill.run(
        "select principal, action, object, detail->>'value', detail->>'comment', via like 'key:%%' from audit"
        " where action in ('series.enter', 'entry_series.create') order by id"
    )
    assert audited == [
        ("chen", "entry_series.create", PATH, None, None, True),
        ("wang", "series.enter", str(series_id), "46.0", "sample 4711", True),
        ("wang", "series.enter", str(series_id), "47.5", "", True),
    ]


async def test_an_entry_raises_an_alarm_and_is_streamed_as_it_is_stored(bench: Api):
    series_id = await made(bench)
    definition = await bench.client.post("/api/v1/alarm-definitions", json=HIGH)
    assert definition.status_code == 201, definition.text
    # What was begun after an entry does not see it; what was begun before does.
    async with asyncio.timeout(30):
        while not (await bench.get(f"/alarm-definitions/{definition.json()['id']}/places"))["items"]:
            await asyncio.sleep(0.05)
    async with await open_pool(bench.fill.url, 1) as pool:
        feed = LiveFeed(lambda: pool, Closing(), 0.02)
        events = LiveStream(pool, feed, Closing(), Paths(parse_glob(PATH), Reach()), Int64.NUMBER).events(None)
        async with asyncio.timeout(30):
            while b"event: begin" not in await anext(events):
                pass
        assert (await enter(bench, series_id, value=70)).status_code == 201
        async with asyncio.timeout(30):
            while b"event: samples" not in (told := await anext(events)):
                pass
        await events.aclose()
    assert b'"value":70' in told
    assert b'"status":9830400' in told
    async with asyncio.timeout(30):
        while not (found := (await bench.get("/alarms", state="open"))["items"]):
            await asyncio.sleep(0.05)
    assert [each["path"] for each in found] == [PATH]


async def test_the_same_entry_twice_is_one(bench: Api):
    series_id = await made(bench)
    operator, other = await as_role(bench, "operator", "wang"), await as_role(bench, "operator", "li")
    key = {"Idempotency-Key": "shift-1/viscosity"}
    both = await asyncio.gather(*(enter(bench, series_id, operator | key, value=30) for _ in range(4)))
    assert [each.status_code for each in both] == [201] * 4
    assert len({each.json()["id"] for each in both}) == 1
    reused = await enter(bench, series_id, operator | key, value=31)
    assert (reused.status_code, reused.json()["type"].rsplit(":")[-1]) == (422, "idempotency-key-reused")
    # Another person's key is another key.
    assert (await enter(bench, series_id, other | key, value=31)).status_code == 201

    at = ago(minutes=10)
    first = await enter(bench, series_id, operator, value=40, time=at)
    again = await enter(bench, series_id, operator, value=40.0, time=at)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    taken = (await enter(bench, series_id, operator, value=41, time=at)).json()
    assert (taken["status"], taken["field"], taken["value"]) == (409, "time", at)
    assert "wang entered 40.0" in taken["detail"]
    # One's own slip of the pen is put right; what stood stays in the list. Others' entries are the engineer's.
    refused = await enter(bench, series_id, other, value=41, time=at, if_exists="replace")
    assert refused.status_code == 403
    replaced = await enter(bench, series_id, operator, value=41, time=at, if_exists="replace")
    assert replaced.status_code == 201, replaced.text
    assert (await enter(bench, series_id, value=42, time=at, if_exists="replace")).status_code == 201
    everything = (await bench.get(f"/series/{series_id}/entries", replaced="include"))["items"]
    assert [(each["value"], each["replaced_by"]) for each in everything if each["time"] == at] == [
        (42.0, None),
        (41.0, "chen"),
        (40.0, "wang"),
    ]
    samples = await bench.get(f"/series/{series_id}/samples", **{"from": at, "to": ago(minutes=5)})
    assert [each["value"] for each in samples["items"]] == [42.0]


async def test_what_does_not_fit_is_named_and_nothing_is_kept(postgres_bench: Api):
    api = postgres_bench
    for number, (terms, body, field) in enumerate(WRONG):
        series_id = await made(api, path=f"plant/wrong/{number}", **terms)
        response = await enter(api, series_id, **body)
        assert response.status_code == 422, response.text
        assert response.json()["field"] == field, response.text
        assert (await api.get(f"/series/{series_id}/entries", replaced="include"))["items"] == []
    assert (await api.get("/latest", path="plant/wrong/**"))["items"] == []
    assert (await api.get("/rejects"))["items"] == []


async def test_only_series_made_for_it_take_entries(postgres_bench: Api):
    api = postgres_bench
    measured = await api.fill.series("plant/press/current")
    problem = (await enter(api, measured, value=1)).json()
    assert (problem["status"], problem["field"]) == (409, "series_id")
    assert "correction" in problem["allowed"]
    assert (await enter(api, 999_999, value=1)).status_code == 404
    taken = await api.client.post("/api/v1/entry-series", json=TERMS | {"path": "plant/press/current"})
    assert taken.status_code == 409
    # The other way round: what applications post does not get into it, and neither does an agent's name.
    series_id = await made(api, path="plant/own/value")
    posted = await api.client.post("/api/v1/samples", json=[{"path": "plant/own/value", "time": ago(), "value": 50}])
    assert posted.json()["rejected"] == [{"path": "plant/own/value", "reason": "foreign_series", "count": 1}]
    assert (await api.client.delete(f"/api/v1/series/{series_id}")).status_code == 200
    assert (await enter(api, series_id, value=50)).status_code == 409


async def test_terms_are_checked_and_changed(postgres_bench: Api):
    api = postgres_bench
    for wrong, field in (
        ({"path": "a//b"}, "path"),
        ({"low": 80, "high": 20}, "high"),
        ({"kind": "str", "low": 1, "high": None}, "low"),
        ({"kind": "json"}, "kind"),
        ({"choices": []}, "choices"),
        ({"choices": [30, 30.0]}, "choices"),
        ({"choices": [30, "x"]}, "choices.1"),
        ({"choices": [30, 90]}, "choices.1"),
        ({"kind": "bool", "low": None, "high": None, "choices": [True]}, "choices"),
    ):
        problem = await api.refused("POST", "/entry-series", json=TERMS | {"path": "plant/terms/no"} | wrong)
        assert (problem["status"], problem["field"]) == (422, field), problem
    series_id = await made(api, path="plant/terms/value")
    renamed = await api.client.patch(f"/api/v1/series/{series_id}", json={"path": "plant/terms/renamed"})
    assert renamed.status_code == 200
    # The old place is free again, and both go on.
    second = await made(api, path="plant/terms/value")
    changed = await api.client.patch(f"/api/v1/entry-series/{series_id}", json={"high": 100, "choices": [90, 95]})
    assert (changed.json()["low"], changed.json()["high"], changed.json()["choices"]) == (20.0, 100.0, [90.0, 95.0])
    assert (await enter(api, series_id, value=95)).status_code == 201
    assert (await enter(api, series_id, value=50)).status_code == 422
    assert (await enter(api, second, value=50)).status_code == 201
    assert (await api.refused("PATCH", f"/entry-series/{series_id}", json={}))["status"] == 422


async def test_who_sees_a_part_enters_there_only(postgres_bench: Api):
    api = postgres_bench
    inside, outside = await made(api, path="reach/in/value"), await made(api, path="reach/out/value")
    limited = await as_role(api, "operator", "li", "reach/in/**")
    assert (await enter(api, inside, limited, value=50)).status_code == 201
    assert (await enter(api, outside, limited, value=50)).status_code == 404
    assert (await enter(api, outside, value=50)).status_code == 201
    listed = (await api.client.get("/api/v1/entry-series?path=reach/**", headers=limited)).json()["items"]
    assert [each["path"] for each in listed] == ["reach/in/value"]
    assert (await api.client.get(f"/api/v1/series/{outside}/entries", headers=limited)).status_code == 404
    viewer = await as_role(api, "viewer", "zhao")
    assert (await enter(api, inside, viewer, value=50)).status_code == 403


async def test_a_series_of_entries_is_never_called_broken(postgres_bench: Api):
    api = postgres_bench
    series_id = await made(api, path="calm/lab/value")
    await enter(api, series_id, value=50, time=ago(days=3))
    empty = await made(api, path="calm/lab/empty")
    standing = {each["path"]: each for each in (await api.get("/assets/standing"))["items"]}
    assert (standing["calm"]["silent"], standing["calm"]["oldest_at"]) == (0, None)
    complete = (await api.get("/completeness", path="calm/**", **{"from": ago(days=4), "to": ago()}))["items"]
    assert {each["id"]: (each["percent"], each.get("holes") or []) for each in complete} == {
        series_id: (None, []),
        empty: (None, []),
    }
    stale = {"name": "silent", "target": {"path": "calm/**"}, "condition": {"kind": "stale"}}
    response = await api.client.post("/api/v1/alarm-definitions", json=stale)
    assert response.status_code == 201, response.text
    definition = response.json()
    async with asyncio.timeout(30):
        while not (places := (await api.get(f"/alarm-definitions/{definition['id']}/places"))["items"]):
            await asyncio.sleep(0.1)
    assert {each["problem"] for each in places} == {"people enter its values and promise no rhythm: say `after_s`"}


async def test_an_entry_of_last_month_goes_by_the_slow_lane(postgres_bench: Api):
    api = postgres_bench
    series_id = await made(api, path="old/value")
    answer = await enter(api, series_id, value=50, time=ago(days=40))
    assert answer.status_code == 201, answer.text
    (latest,) = (await api.get("/latest", path="old/value"))["items"]
    assert latest["value"] == 50.0
    # Whoever takes the series away for good takes its entries along.
    admin = await as_role(api, "admin", "root")
    await api.client.delete(f"/api/v1/series/{series_id}")
    purged = await api.client.post(f"/api/v1/series/{series_id}/purge", json={"path": "old/value"}, headers=admin)
    assert purged.status_code == 200, purged.text
    assert await api.fill.run("select id from series_entry where series_id = %s", series_id) == []
