"""A caller of limited reach: what is outside does not exist for it, whatever it asks and whatever its role is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.halls import INSIDE, OUTSIDE, QUESTIONS, SECRET, Plant, addressed, two_halls
from tests.integration.api.service import GOOD, Api, at, shown
from tests.integration.api.test_verdicts import application


@pytest.fixture
async def plant(api: Api) -> Plant:
    """Two halls on each engine."""
    return await two_halls(api)


async def test_no_listing_and_no_question_shows_what_is_outside(plant: Plant):
    document = (await plant.api.client.get("/openapi.json")).json()
    limited = await plant.caller("engineer", "plant/hall-1/**")
    asked = 0
    for path, item in document["paths"].items():
        if not path.startswith("/api/v1") or "get" not in item or path.endswith("/stream"):
            continue
        taken = {parameter["name"] for parameter in item["get"].get("parameters", []) if parameter["in"] == "query"}
        for left_out in ({"q", "asset", "agent"}, {"asset", "agent"}, {"path", "q", "agent"}, {"q", "asset", "path"}):
            questions = {name: value for name, value in QUESTIONS.items() if name in taken - left_out}
            answer = await plant.ask("GET", addressed(path, plant.ids), limited, params=questions)
            text = answer.text
            for asked_for in {OUTSIDE, *map(str, plant.ids.values()), *questions.values()}:
                # A refusal may say back what was asked.
                text = text if answer.status_code < 400 else text.replace(asked_for, "")
            told = [word for word in (f"{SECRET}-", f"-{SECRET}") if word in text]
            assert not told, (path, questions, answer.status_code, answer.text[:500])
            asked += 1
    assert asked > 80


async def test_what_is_inside_is_there(plant: Plant):
    limited = await plant.caller("operator", "plant/hall-1/**", "other/**")
    listed = (await plant.ask("GET", "/series", limited)).json()["items"]
    assert [item["path"] for item in listed] == [f"{INSIDE}/speed", f"{INSIDE}/viscosity"]
    (entered,) = (await plant.ask("GET", "/entry-series", limited)).json()["items"]
    assert entered["last"]["comment"] == "by gw-open"
    latest = (await plant.ask("GET", "/latest?path=**", limited)).json()["items"]
    assert [item["value"] for item in latest] == [2.0]
    series = plant.inside["series_id"]
    span = {"from": shown(at(0)), "to": shown(at(60))}
    samples = (await plant.ask("GET", f"/series/{series}/samples", limited, params=span)).json()["items"]
    assert [item["value"] for item in samples] == [1.0, 2.0]
    body = span | {"series": [f"{INSIDE}/speed"], "interval": "1m", "aggregate": ["average"]}
    answer = (await plant.ask("POST", "/query", limited, json=body)).json()
    assert answer["series"][0]["rows"][0][1] == 1.5
    past = await plant.ask("POST", "/query", limited, json=body | {"as_of": shown(at(3600))})
    assert past.status_code == 200, past.text
    (alarm,) = (await plant.ask("GET", "/alarms", limited)).json()["items"]
    assert alarm["id"] == str(plant.inside["alarm_id"])
    acknowledged = await plant.ask("POST", f"/alarms/{alarm['id']}/acknowledge", limited, json={"comment": "seen"})
    assert acknowledged.json()["state"] == "acknowledged"
    ((count,),) = await plant.api.fill.run("select count(*) from alarm_journal where event = 'acknowledge'")
    assert count == 1
    (gap,) = (await plant.ask("GET", "/gaps", limited)).json()["items"]
    assert gap["agent"] == "gw-open"


async def test_a_query_that_names_what_is_outside_finds_nothing_there(plant: Plant):
    limited = await plant.caller("viewer", "plant/hall-1/**")
    span = {"from": shown(at(0)), "to": shown(at(60)), "interval": "1m", "aggregate": ["count"]}
    for named in (f"{OUTSIDE}/speed", plant.ids["series_id"]):
        refused = await plant.ask("POST", "/query", limited, json=span | {"series": [named]})
        assert refused.status_code == 404
    found = (await plant.ask("POST", "/query", limited, json=span | {"series": ["**"]})).json()
    assert [series["path"] for series in found["series"]] == [f"{INSIDE}/speed", f"{INSIDE}/viscosity"]


async def test_acknowledging_many_reaches_no_further(plant: Plant):
    limited = await plant.caller("operator", "plant/hall-1/**")
    body = {"ids": [str(plant.ids["alarm_id"]), str(plant.inside["alarm_id"])], "comment": "all"}
    await plant.ask("POST", "/alarms/acknowledge", limited, json=body)
    states = dict(await plant.api.fill.run("select id, state from alarm"))
    assert states == {plant.ids["alarm_id"]: "unacknowledged", plant.inside["alarm_id"]: "acknowledged"}


async def test_an_engineer_moves_nothing_across_the_border(plant: Plant):
    limited = await plant.caller("engineer", "plant/hall-1/**")
    address = f"/series/{plant.inside['series_id']}"
    changed = await plant.ask("PATCH", address, limited, json={"unit": "1/min"})
    assert changed.json().get("unit") == "1/min", changed.text
    for path in (f"{OUTSIDE}/stolen", f"{OUTSIDE}/speed", "plant/hall-1/press/rpm"):
        # Paths make assets, which belong to the whole plant.
        refused = await plant.ask("PATCH", address, limited, json={"path": path})
        assert refused.json()["type"] == "urn:millstream:problem:outside-reach"
    sample = [{"path": f"{OUTSIDE}/speed", "time": shown(at(5)), "value": 1.0}]
    refused = await plant.ask("POST", "/samples", limited, json=sample)
    assert refused.json()["type"] == "urn:millstream:problem:outside-reach"
    refused = await plant.ask("GET", "/agents", limited)
    assert refused.json()["type"] == "urn:millstream:problem:outside-reach"


async def test_who_reaches_everything_is_not_concerned(plant: Plant):
    whole = await plant.caller("engineer", "**")
    paths = [item["path"] for item in (await plant.ask("GET", "/series", whole)).json()["items"]]
    assert paths == [f"{hall}/{name}" for hall in (INSIDE, OUTSIDE) for name in ("speed", "viscosity")]
    assert len((await plant.ask("GET", "/agents", whole)).json()["items"]) == 2


@pytest.mark.parametrize(
    ("role", "globs", "said"),
    [
        ("admin", ["a/**"], "which the role admin cannot be"),
        ("auditor", ["a/**"], "which the role auditor cannot be"),
        ("viewer", [], "has 0 globs"),
        ("viewer", ["a//b"], "has an empty level"),
        ("viewer", ["a/**"] * 33, "has 33 globs"),
    ],
)
async def test_a_reach_that_cannot_be_given(postgres_api: Api, role: str, globs: list[str], said: str):
    admin = {"Authorization": f"Bearer {await postgres_api.fill.key('admin')}"}
    for path in ("/users", "/api-keys"):
        body = {"name": "someone", "role": role, "reach": globs}
        refused = await postgres_api.client.post(f"/api/v1{path}", json=body, headers=admin)
        assert refused.status_code == 422
        assert said in refused.json()["detail"]


async def listen(api: Api, path: str, headers: dict[str, str], word: str) -> str:
    """What a stream tells until it has said a word."""
    heard: list[bytes] = []
    has_heard = asyncio.Event()

    async def receive() -> dict[str, str]:
        await has_heard.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200
        heard.append(message.get("body", b""))
        if word.encode() in b"".join(heard):
            has_heard.set()

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"/api/v1{path}",
        "query_string": b"path=**",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 4000),
    }
    async with asyncio.timeout(60):
        await application(api)(scope, receive, send)
    return b"".join(heard).decode()


async def test_streams_tell_of_what_is_inside_alone(postgres_api: Api):
    plant = await two_halls(postgres_api)
    limited = await plant.caller("viewer", "plant/hall-1/**")
    alarms = await listen(postgres_api, "/alarms/stream", limited, f"{INSIDE}/speed")
    assert SECRET not in alarms
    listening = asyncio.create_task(listen(postgres_api, "/stream", limited, "424242"))
    now = datetime.now(UTC).replace(microsecond=0)
    number = 0
    while not listening.done():
        # What is outside comes first, so that it would have been told.
        for ids, value in ((plant.ids, 434343.0), (plant.inside, 424242.0)):
            row = (now + timedelta(milliseconds=number), value, None, GOOD)
            await postgres_api.fill.samples(ids["series_id"], [row])
        number += 1
        await asyncio.wait([listening], timeout=0.2)
    samples = await listening
    assert SECRET not in samples
    assert "434343" not in samples
