"""A caller of limited reach: what is outside does not exist for it, whatever it asks and whatever its role is."""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from cloud_api.openapi import METHODS
from tests.integration.api.service import GOOD, Api, at, shown

SECRET = "secret"
INSIDE, OUTSIDE = "plant/hall-1/press", f"plant/{SECRET}-hall/{SECRET}-press"
# Asked with what would find something outside, if it could be found.
QUESTIONS = {
    "path": "**",
    "asset": OUTSIDE,
    "q": SECRET,
    "from": shown(at(-3600)),
    "to": shown(at(3600)),
    "agent": f"gw-{SECRET}",
    "limit": "50",
}


@dataclass
class Plant:
    """An API with one hall inside and one outside of the reach, and the ids of what is outside."""

    api: Api
    ids: dict[str, Any]
    inside: dict[str, Any]

    async def caller(self, role: str, *globs: str) -> dict[str, str]:
        """The header of a key with that role and reach."""
        return {"Authorization": f"Bearer {await self.api.fill.key(role, reach=list(globs))}"}

    async def ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response:
        """Ask and expect an answer that is none of the service's own faults."""
        answer = await self.api.client.request(method, f"/api/v1{path}", headers=headers, **more)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer


async def one_hall(api: Api, place: str, agent: str) -> dict[str, Any]:
    """Fill every table that a caller can read with a row about this hall; returns their ids."""
    run = api.fill.run
    series_id = await api.fill.series(f"{place}/speed", agent=agent, device=f"device-of-{agent}", unit="rpm")
    await api.fill.samples(series_id, [(at(0), 1.0, None, GOOD), (at(1), 2.0, None, GOOD)])
    ((asset_id,),) = await run("insert into asset (path, kind) values (%s, 'asset') returning id", place)
    await run("insert into agent (id, state) values (%s, 'online')", agent)
    await run(
        "insert into agent_until (agent, device, until_at) values (%s, %s, %s)", agent, f"device-of-{agent}", at(10)
    )
    await run(
        "insert into gap (agent, device, from_at, to_at, reason, digest) values (%s, %s, %s, %s, 'device_down', %s)",
        *(agent, f"device-of-{agent}", at(1), at(2), agent.encode()),
    )
    ((reject_id,),) = await run(
        "insert into reject (received_at, last_received_at, agent, path, reason, form, digest, payload_bytes, payload)"
        " values (now(), now(), %s, %s, 'kind_changed', 'samples', %s, 1, 'x') returning id",
        *(agent, f"{place}/speed", agent.encode()),
    )
    definition_id = uuid4()
    condition = {"kind": "limit", "hi": {"limit": 90}}
    definition = json.dumps({"name": f"{place} high", "target": {"path": f"{place}/speed"}, "condition": condition})
    await run(
        "insert into alarm_definition (id, name, version, is_enabled, kind, priority, alarm_class, position, body,"
        " updated_by) values (%s, %s, 1, true, 'limit', 'high', 'process', 'default', %s::jsonb, 'test')",
        *(definition_id, f"{place} high", definition),
    )
    await run(
        "insert into alarm_instance (definition_id, instance, definition_version, series_id, owner, generation)"
        " values (%s, %s, 1, %s, 'ingest', 1)",
        *(definition_id, f"{place}/speed", series_id),
    )
    ((alarm_id,),) = await run(
        "insert into alarm (definition_id, definition_version, instance, series_id, priority, is_active,"
        " is_acknowledged, state, raised_at, message_en, message_zh)"
        " values (%s, 1, %s, %s, 'high', true, false, 'unacknowledged', now(), %s, %s) returning id",
        *(definition_id, f"{place}/speed", series_id, f"{place} is fast", f"{place} 过快"),
    )
    await run(
        "insert into correction (series_id, from_at, to_at, status, reason, principal, at)"
        " values (%s, %s, %s, 0, %s, 'test', now())",
        *(series_id, at(0), at(1), f"reason of {place}"),
    )
    await run(
        "insert into maintenance (asset, from_at, until_at, reason, who) values (%s, now(), now() + '1 hour', %s, 'x')",
        *(place, f"work at {place}"),
    )
    return {"series": series_id, "asset": asset_id, "reject": reject_id, "alarm": alarm_id, "definition": definition_id}


@pytest.fixture
async def plant(api: Api) -> Plant:
    """Two halls on each engine."""
    inside = await one_hall(api, INSIDE, "gw-open")
    return Plant(api, await one_hall(api, OUTSIDE, f"gw-{SECRET}"), inside)


def addressed(path: str, ids: dict[str, Any]) -> str:
    """An address of the document with these ids in its places."""
    by_name = {
        "series_id": ids["series"],
        "asset_id": ids["asset"],
        "reject_id": ids["reject"],
        "alarm_id": ids["alarm"],
        "definition_id": ids["definition"],
    }

    def place(match: re.Match[str]) -> str:
        name = match[1]
        return str(by_name.get(name, f"gw-{SECRET}" if name in {"agent", "new"} else 1))

    return re.sub(r"\{(\w+)\}", place, path.removeprefix("/api/v1"))


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
            shown_back = {str(value) for value in answer.json().values()} if answer.status_code >= 400 else set()
            text = answer.text
            for back in shown_back:
                # A refusal may say back what was asked.
                text = text.replace(back, "") if SECRET in str(questions) else text
            assert SECRET not in text, (path, questions, answer.status_code, answer.text[:500])
            asked += 1
    assert asked > 80


async def test_what_is_outside_answers_like_what_was_never_there(plant: Plant):
    document = (await plant.api.client.get("/openapi.json")).json()
    never = {"series": 2**31 - 9, "asset": 10**9, "reject": 10**9, "alarm": UUID(int=7), "definition": UUID(int=8)}
    limited = await plant.caller("engineer", "plant/hall-1/**")
    body = {"comment": "x", "reason": "x", "duration": "10m", "version": 1, "order_number": "1", "unit": "A"}
    compared = 0
    for path, item in document["paths"].items():
        for method in METHODS.intersection(item):
            if not re.search(r"\{(series|asset|reject|alarm|definition)_id\}", path):
                continue
            answers = [
                await plant.ask(
                    method,
                    addressed(path, ids),
                    limited,
                    json=None if method == "get" else body,
                    params=window(item[method]),
                )
                for ids in (plant.ids, never)
            ]
            statuses = [answer.status_code for answer in answers]
            assert statuses[0] == statuses[1], (method, path, [answer.text for answer in answers])
            assert statuses[0] in {400, 403, 404, 422}, (method, path, answers[0].text)
            compared += 1
    assert compared > 20


def window(operation: dict[str, Any]) -> dict[str, str]:
    """The parameters without which an operation does not begin."""
    names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query" and each.get("required")]
    return {name: QUESTIONS.get(name, "1") for name in names}


async def test_what_is_inside_is_there(plant: Plant):
    limited = await plant.caller("operator", "plant/hall-1/**", "other/**")
    listed = (await plant.ask("GET", "/series", limited)).json()["items"]
    assert [item["path"] for item in listed] == [f"{INSIDE}/speed"]
    latest = (await plant.ask("GET", "/latest?path=**", limited)).json()["items"]
    assert [item["value"] for item in latest] == [2.0]
    series = plant.inside["series"]
    span = {"from": shown(at(0)), "to": shown(at(60))}
    samples = (await plant.ask("GET", f"/series/{series}/samples", limited, params=span)).json()["items"]
    assert [item["value"] for item in samples] == [1.0, 2.0]
    body = span | {"series": [f"{INSIDE}/speed"], "interval": "1m", "aggregate": ["average"]}
    answer = (await plant.ask("POST", "/query", limited, json=body)).json()
    assert answer["series"][0]["rows"][0][1] == 1.5
    past = await plant.ask("POST", "/query", limited, json=body | {"as_of": shown(at(3600))})
    assert past.status_code == 200, past.text
    (alarm,) = (await plant.ask("GET", "/alarms", limited)).json()["items"]
    assert alarm["id"] == str(plant.inside["alarm"])
    acknowledged = await plant.ask("POST", f"/alarms/{alarm['id']}/acknowledge", limited, json={"comment": "seen"})
    assert acknowledged.json()["state"] == "acknowledged"
    ((count,),) = await plant.api.fill.run("select count(*) from alarm_journal where event = 'acknowledge'")
    assert count == 1
    (gap,) = (await plant.ask("GET", "/gaps", limited)).json()["items"]
    assert gap["agent"] == "gw-open"


async def test_a_query_that_names_what_is_outside_finds_nothing_there(plant: Plant):
    limited = await plant.caller("viewer", "plant/hall-1/**")
    span = {"from": shown(at(0)), "to": shown(at(60)), "interval": "1m", "aggregate": ["count"]}
    for named in (f"{OUTSIDE}/speed", plant.ids["series"]):
        refused = await plant.ask("POST", "/query", limited, json=span | {"series": [named]})
        assert refused.status_code == 404
    found = (await plant.ask("POST", "/query", limited, json=span | {"series": ["**"]})).json()
    assert [series["path"] for series in found["series"]] == [f"{INSIDE}/speed"]


async def test_acknowledging_many_reaches_no_further(plant: Plant):
    limited = await plant.caller("operator", "plant/hall-1/**")
    body = {"ids": [str(plant.ids["alarm"]), str(plant.inside["alarm"])], "comment": "all"}
    await plant.ask("POST", "/alarms/acknowledge", limited, json=body)
    states = dict(await plant.api.fill.run("select id, state from alarm"))
    assert states == {plant.ids["alarm"]: "unacknowledged", plant.inside["alarm"]: "acknowledged"}


async def test_an_engineer_moves_nothing_across_the_border(plant: Plant):
    limited = await plant.caller("engineer", "plant/hall-1/**")
    address = f"/series/{plant.inside['series']}"
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
    assert paths == [f"{INSIDE}/speed", f"{OUTSIDE}/speed"]
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
