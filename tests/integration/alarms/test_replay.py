"""POST /alarm-definitions/replay over stored history, through the application."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.service import BAD, GOOD, START, Api, serve_api, shown

PATH = "hall/pump/pressure"
BODY: dict[str, Any] = {
    "name": "pump pressure",
    "target": {"path": PATH},
    "condition": {"kind": "limit", "hi": {"limit": 7.0}},
    "rationalisation": {"time_to_respond_s": 20},
}


@pytest.fixture
async def api(engine_url: str) -> AsyncGenerator[Api]:
    async with serve_api(engine_url) as served:
        served.client.headers["Authorization"] = f"Bearer {await served.fill.key('engineer')}"
        series = await served.fill.series(PATH, low=0.0, high=10.0)
        await served.fill.samples(series, rows())
        yield served


def rows() -> list[Any]:
    """Ten minutes at 5 s: three humps over 7 that last 10 s, 30 s and 60 s, and a Bad stretch."""
    found = []
    for second in range(0, 600, 5):
        value, status = 6.0, GOOD
        if 60 <= second < 70 or 200 <= second < 230 or 400 <= second < 460:
            value = 7.5
        if 500 <= second < 510:
            value, status = None, BAD
        found.append((START + timedelta(seconds=second), value, None, status))
    return found


async def run(api: Api, **body: Any) -> dict[str, Any]:
    window = {"from": shown(START), "to": shown(START + timedelta(seconds=600))}
    begun = await api.client.post("/api/v1/alarm-definitions/replay", json=window | body)
    assert begun.status_code == 200, begun.text
    async with asyncio.timeout(60):
        while True:
            job = await api.get(f"/alarm-definitions/replay/{begun.json()['id']}")
            assert 0 <= job["progress"] <= 1
            if job["state"] != "running":
                assert job["error"] is None
                assert (job["state"], job["progress"]) == ("done", 1.0)
                return job
            await asyncio.sleep(0.02)


async def store(api: Api) -> None:
    made = await api.client.post("/api/v1/alarm-definitions", json=BODY)
    assert made.status_code == 201, made.text


async def test_a_delay_is_tried_before_it_is_made(api: Api):
    await store(api)
    (found,) = (await run(api, definitions=[BODY | {"on_delay_s": 20}]))["definitions"]
    assert (found["against"], found["before"], found["after"], found["kept"]) == ("stored", 3, 2, 2)
    assert [(each["before_at"], each["delay_s"]) for each in found["later"]["items"]] == [
        (shown(START + timedelta(seconds=200)), 20.0),
        (shown(START + timedelta(seconds=400)), 20.0),
    ]
    assert [each["from"] for each in found["vanished"]["items"]] == [shown(START + timedelta(seconds=60))]
    assert found["new"]["count"] == 0
    assert found["active_before_s"] == 100
    assert found["active_after_s"] == 50
    (advice,) = found["advice"]
    assert (advice["level"], advice["limit"], advice["consequence"], advice["worst_rate_per_s"]) == ("hi", 7, 10, 0.3)
    # 3 bar at 0.3 bar/s are 10 s; needed are 20 s x 1.5 and the delay.
    assert (advice["time_left_s"], advice["time_needed_s"], advice["is_enough"]) == (10.0, 50.0, False)


async def test_a_lower_limit_makes_new_alarms(api: Api):
    await store(api)
    lower = BODY | {"condition": {"kind": "limit", "hi": {"limit": 5.0}}}
    (found,) = (await run(api, definitions=[lower]))["definitions"]
    assert (found["before"], found["after"]) == (3, 1)
    assert found["vanished"]["count"] == 2


async def test_an_expression_is_replayed_too(api: Api):
    expression = BODY | {
        "name": "both",
        "condition": {"kind": "expression", "expression": "p > 7", "inputs": {"p": PATH}},
    }
    (found,) = (await run(api, definitions=[expression]))["definitions"]
    assert (found["against"], found["before"], found["after"]) == ("nothing", 0, 3)


async def test_what_is_stored_is_held_against_the_journal(api: Api):
    await store(api)
    ((definition,),) = await api.fill.run("select id from alarm_definition")
    await api.fill.run(
        "insert into alarm_journal (alarm_id, alarm_version, definition_id, definition_version, path, condition, event,"
        " at, recorded_at, who, from_state, to_state, priority, status, message_en, message_zh, is_late)"
        " select gen_random_uuid(), 1, %s, 1, %s, 'limit', event, %s + s * interval '1 second', now(), 'system',"
        " 'normal', 'unacknowledged', 'high', 0, '', '', false"
        " from (values ('raise', 195), ('clear', 230), ('raise', 300), ('clear', 310)) t (event, s)",
        definition,
        PATH,
        START,
    )
    (found,) = (await run(api, names=["pump pressure"]))["definitions"]
    assert (found["against"], found["before"], found["after"], found["kept"]) == ("journal", 2, 3, 1)
    assert found["later"]["items"][0]["delay_s"] == 5.0
    assert found["vanished"]["count"] == 1
    assert found["new"]["count"] == 2


async def test_what_cannot_be_replayed_is_refused(postgres_url: str):
    async with serve_api(postgres_url) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
        await api.fill.samples(await api.fill.series(PATH), rows())
        window = {"from": shown(START), "to": shown(START + timedelta(seconds=600))}
        for body, field in (
            ({}, "definitions"),
            ({"names": ["nobody"]}, "names"),
            ({"definitions": [{"name": "x"}]}, "x: target"),
            ({"definitions": [BODY], "from": window["to"]}, "from"),
        ):
            problem = await api.refused("POST", "/alarm-definitions/replay", json=window | body)
            assert problem["status"] == 422
            assert problem["field"].startswith(field)
        problem = await api.refused(
            "POST", "/alarm-definitions/replay", json=window | {"definitions": [BODY], "max_samples": 100}
        )
        assert problem["type"].endswith("query-too-large")
        problem = await api.refused("GET", "/alarm-definitions/replay/00000000-0000-4000-8000-000000000001")
        assert problem["status"] == 404
