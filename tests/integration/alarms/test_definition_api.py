"""/alarm-definitions: every problem named, versions kept, changes audited, sets applied as a whole."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.api.service import Api, Fill, at, serve_api

HOT: dict[str, Any] = {
    "name": "oil hot",
    "target": {"path": "hall/*/oil"},
    "condition": {"kind": "limit", "hi": {"limit": "$hot"}, "deadband": "2%"},
    "variables": {"hot": 60},
    "overrides": [{"path": "hall/press-2/*", "change": {"variables": {"hot": 70}, "priority": "critical"}}],
}


@dataclass
class Caller:
    """Calls the API with keys of several roles."""

    served: Api
    keys: dict[str, str]

    @property
    def fill(self) -> Fill:
        return self.served.fill

    async def __call__(self, method: str, path: str, body: Any = None, key: str = "viewer") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[key]}"}
        return await self.served.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def get(self, path: str, key: str = "viewer") -> httpx.Response:
        return await self("GET", path, None, key)

    async def post(self, path: str, body: Any, key: str = "engineer") -> httpx.Response:
        return await self("POST", path, body, key)

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self("PUT", path, body, "engineer")

    async def delete(self, path: str) -> httpx.Response:
        return await self("DELETE", path, None, "engineer")


@pytest.fixture
async def api(engine_url: str) -> AsyncGenerator[Caller]:
    async with serve_api(engine_url) as served:
        for press in (1, 2):
            oil = await served.fill.series(f"hall/press-{press}/oil", low=0, high=100, device="press")
            await served.fill.samples(oil, [(at(0), 65.0, None, 0)])
        await served.fill.series("hall/press-3/oil", agent="gw-2")
        yield Caller(served, {role: await served.fill.key(role) for role in ("viewer", "operator", "engineer")})


async def test_a_definition_stands_at_every_place_with_its_own_numbers(api: Caller) -> None:
    made = await api.post("/alarm-definitions", HOT)
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["version"], body["watched"], body["unfit"]) == (1, 2, 1)
    places = (await api.get(f"/alarm-definitions/{body['id']}/places")).json()["items"]
    assert [(place["path"], [level["limit"] for level in place["levels"]]) for place in places] == [
        ("hall/press-1/oil", [60.0]),
        ("hall/press-2/oil", [70.0]),
        ("hall/press-3/oil", []),
    ]
    assert places[0]["levels"][0]["deadband"] == 2.0
    assert places[1]["levels"][0]["priority"] == "critical"
    assert places[2]["problem"] == "the deadband is 2% of a span that hall/press-3/oil does not have"
    assert await api.fill.run("select instance, is_active from alarm order by 1") == [
        ("hall/press-1/oil", True),
        ("hall/press-2/oil", False),
    ]


async def test_every_problem_is_named_at_once(api: Caller) -> None:
    wrong = HOT | {
        "name": " ",
        "condition": {"kind": "limit", "hi": {"limit": "hot"}, "deadband": -2},
        "priority": "urgent",
        "on_delay_s": -1,
        "colour": "red",
    }
    refused = await api.post("/alarm-definitions", wrong)
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    named = {each["field"] for each in refused.json()["errors"]}
    assert {"name", "priority", "on_delay_s", "colour"} <= named
    assert len(named) == 6
    joint = HOT | {
        "condition": {"kind": "expression", "expression": "oil >"},
        "target": {"path": "hall//oil"},
        "suppression": {"when": "not"},
    }
    refused = await api.post("/alarm-definitions", joint)
    assert {each["field"] for each in refused.json()["errors"]} == {
        "target.path",
        "condition.expression",
        "suppression.when",
    }


async def test_old_versions_stay_readable_and_changes_are_audited(api: Caller) -> None:
    made = (await api.post("/alarm-definitions", HOT)).json()
    place = f"/alarm-definitions/{made['id']}"
    changed = await api.put(f"{place}?version=1", HOT | {"variables": {"hot": 66}})
    assert changed.json()["version"] == 2
    stale = await api.put(f"{place}?version=1", HOT)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:millstream:problem:conflict")
    same = await api.put(f"{place}?version=2", HOT | {"variables": {"hot": 66}})
    assert same.json()["version"] == 2, "what changes nothing is no version"
    assert (await api.delete(f"{place}?version=2")).status_code == 204
    assert (await api.get(place)).status_code == 404
    versions = (await api.get(f"{place}/versions")).json()["items"]
    assert [(each["version"], each["change"]) for each in versions] == [(3, "deleted"), (2, "changed"), (1, "created")]
    first = (await api.get(f"{place}/versions/1")).json()
    assert first["definition"]["variables"] == {"hot": 60}
    audited = await api.fill.run("select action, detail from audit where action like 'alarm_definition%%' order by id")
    assert [row[0] for row in audited] == [f"alarm_definition.{verb}" for verb in ("create", "change", "delete")]
    assert audited[1][1]["changes"] == {"variables.hot": [60, 66]}
    assert await api.fill.run("select count(*) from alarm where retired_at is null") == [(0,)]


async def test_a_set_is_applied_as_a_whole_or_not_at_all(api: Caller) -> None:
    cold = HOT | {"name": "oil cold", "condition": {"kind": "limit", "lo": {"limit": 5}}}
    both = {"definitions": [HOT, cold]}
    dry = await api.post("/alarm-definitions/apply", both | {"dry_run": True})
    assert dry.json() == {"created": ["oil hot", "oil cold"], "changed": {}, "deleted": [], "unchanged": 0}
    assert (await api.get("/alarm-definitions")).json()["items"] == []
    broken = await api.post("/alarm-definitions/apply", {"definitions": [HOT, cold | {"name": ""}]})
    assert broken.status_code == 422
    assert (await api.get("/alarm-definitions")).json()["items"] == []
    await api.post("/alarm-definitions/apply", both)
    again = await api.post("/alarm-definitions/apply", {"definitions": [cold], "prune": True})
    assert again.json() == {"created": [], "changed": {}, "deleted": ["oil hot"], "unchanged": 1}


async def test_lists_are_filtered_and_paged(api: Caller) -> None:
    for name, priority in (("a", "high"), ("b", "low"), ("c", "high")):
        await api.post("/alarm-definitions", HOT | {"name": name, "priority": priority})
    first = (await api.get("/alarm-definitions?limit=2")).json()
    assert [each["definition"]["name"] for each in first["items"]] == ["a", "b"]
    second = (await api.get(f"/alarm-definitions?limit=2&cursor={first['next']}")).json()
    assert [each["definition"]["name"] for each in second["items"]] == ["c"]
    high = (await api.get("/alarm-definitions?priority=high&path=hall/press-1/*")).json()
    assert [each["definition"]["name"] for each in high["items"]] == ["a", "c"]
    assert (await api.get("/alarm-definitions?path=elsewhere/**")).json()["items"] == []


async def test_two_that_change_at_once_do_not_lose_each_other(api: Caller) -> None:
    made = (await api.post("/alarm-definitions", HOT)).json()
    place = f"/alarm-definitions/{made['id']}?version=1"
    bodies = [HOT | {"variables": {"hot": hot}} for hot in (61, 62, 63)]
    answers = await asyncio.gather(*(api.put(place, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_reading_needs_a_viewer_and_writing_an_engineer(api: Caller) -> None:
    assert (await api.post("/alarm-definitions", HOT, key="viewer")).status_code == 403
    assert (await api.post("/alarm-definitions/apply", {"definitions": []}, key="operator")).status_code == 403
    assert (await api.get("/alarm-definitions/export", key="viewer")).status_code == 200


async def test_a_template_places_it_at_every_asset_with_the_assets_own_values(api: Caller) -> None:
    await api.fill.run("insert into asset_template (name, tags) values ('press', '[]')")
    await api.fill.run(
        "insert into asset (path, kind, template_id, attributes) select path, 'asset', t.id, attributes::jsonb"
        " from asset_template t, (values ('hall/press-1', '{\"hot\": 64}'), ('hall/press-2', '{}'))"
        " a (path, attributes) on conflict (path) do update"
        " set template_id = excluded.template_id, attributes = excluded.attributes"
    )
    rule = {"group": {"name": "press {asset}"}}
    wanted = HOT | {"target": {"template": "press", "tag": "oil"}, "suppression": rule, "overrides": []}
    made = (await api.post("/alarm-definitions", wanted)).json()
    assert (made["watched"], made["unfit"]) == (2, 0)
    places = (await api.get(f"/alarm-definitions/{made['id']}/places")).json()["items"]
    assert [(place["path"], place["levels"][0]["limit"]) for place in places] == [
        ("hall/press-1/oil", 64.0),
        ("hall/press-2/oil", 60.0),
    ]
    groups = await api.fill.run("select plan -> 'suppression' ->> 'group' from alarm_instance order by instance")
    assert groups == [("press hall/press-1",), ("press hall/press-2",)]


async def test_a_check_says_what_would_become_of_a_definition_and_keeps_nothing(api: Caller) -> None:
    wrong = HOT | {"priority": "urgent", "on_delay_s": -1}
    refused = await api.post("/alarm-definitions/check", {"definition": wrong})
    assert {each["field"] for each in refused.json()["errors"]} == {"priority", "on_delay_s"}
    checked = (await api.post("/alarm-definitions/check", {"definition": HOT})).json()
    assert (checked["watched"], checked["unfit"], len(checked["places"])) == (2, 1, 3)
    assert checked["changes"]["name"] == [None, "oil hot"]
    assert (await api.get("/alarm-definitions")).json()["items"] == []
    assert await api.fill.run("select count(*) from alarm") == [(0,)]

    made = (await api.post("/alarm-definitions", HOT)).json()
    hotter = HOT | {"name": "oil very hot", "variables": {"hot": 80}, "target": {"path": "hall/press-1/oil"}}
    checked = (await api.post("/alarm-definitions/check", {"definition": hotter, "id": made["id"]})).json()
    assert checked["changes"] == {
        "name": ["oil hot", "oil very hot"],
        "target.path": ["hall/*/oil", "hall/press-1/oil"],
        "variables.hot": [60, 80],
    }
    assert checked["watched"] == 1
    stored = (await api.get(f"/alarm-definitions/{made['id']}")).json()
    assert (stored["version"], stored["definition"]["name"], stored["watched"]) == (1, "oil hot", 2)
    refused = await api("POST", "/alarm-definitions/check", {"definition": HOT}, "operator")
    assert refused.status_code == 403


@pytest.mark.parametrize("form", ["toml", "csv"])
async def test_an_exported_file_is_imported_as_it_was(form: str, api: Caller) -> None:
    made = (await api.post("/alarm-definitions", HOT)).json()
    content = (await api.get(f"/alarm-definitions/export?format={form}")).text
    wanted = {"format": form, "content": content}
    same = (await api.post("/alarm-definitions/import", wanted)).json()
    assert same == {"created": [], "changed": {}, "deleted": [], "unchanged": 1}
    await api.delete(f"/alarm-definitions/{made['id']}?version=1")
    tried = (await api.post("/alarm-definitions/import", wanted | {"dry_run": True})).json()
    assert tried["created"] == ["oil hot"]
    assert (await api.get("/alarm-definitions")).json()["items"] == []
    assert (await api.post("/alarm-definitions/import", wanted)).json()["created"] == ["oil hot"]
    broken = {"toml": '[["definition', "csv": "name,name\nx,y\n"}[form]
    refused = await api.post("/alarm-definitions/import", {"format": form, "content": broken})
    assert refused.status_code == 422
    assert refused.json()["field"] == "content"


async def test_each_version_says_what_it_changed(api: Caller) -> None:
    made = (await api.post("/alarm-definitions", HOT)).json()
    await api.put(f"/alarm-definitions/{made['id']}?version=1", HOT | {"priority": "low"})
    newest, first = (await api.get(f"/alarm-definitions/{made['id']}/versions")).json()["items"]
    assert newest["changes"] == {"priority": [None, "low"]}
    assert first["changes"]["name"] == [None, "oil hot"]
