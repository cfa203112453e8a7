"""Agents, take-over, gaps, rejects, and changes of series: shown truly, changed with a trace."""

import json
from typing import Any

from tests.integration.api.service import Api, at, shown

HEALTH: dict[str, Any] = {
    "boot_id": "b1",
    "sent_at": "2026-01-31T08:00:00Z",
    "backlog_batches": 7,
    "backlog_bytes": 1234,
    "oldest_at": "2026-01-31T07:59:00Z",
    "certificates": [
        {"use": "mqtt_client", "not_after": "2099-01-31T08:00:00Z"},
        {"use": "opcua_client", "not_after": "2026-01-31T08:00:00Z", "devices": ["press"]},
    ],
    "devices": [{"name": "press", "state": "running", "configured_tags": 5, "delivering_tags": 4, "overruns": 3}],
}
CONFIG: dict[str, Any] = {
    "digest": "ab" * 32,
    "files": 2,
    "devices": 1,
    "tags": 5,
    "kinds": {"modbus": 1},
    "written_at": "2026-01-31T07:00:00Z",
}


async def engineer(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {await api.fill.key('engineer', name='eva')}"}


async def test_agents_are_listed_with_backlog_and_devices(api: Api):
    fill = api.fill
    await fill.run(
        "insert into agent (id, state, version, boot_id, boot_at, last_seen_at, health, health_at, config)"
        " values ('gw-1', 'online', '0.1.0', 'b1', %s, %s, %s::jsonb, %s, %s::jsonb)",
        at(-60),
        at(5),
        json.dumps(HEALTH),
        at(4),
        json.dumps(CONFIG),
    )
    await fill.run("insert into agent (id, state, last_seen_at) values ('gw-2', 'offline', %s)", at(-3600))
    await fill.run("insert into agent_until values ('gw-1', 'press', %s), ('gw-1', 'pump', %s)", at(3), at(2))
    pages = [items async for items in api.pages("/agents", limit=1)]
    assert [item["id"] for items in pages for item in items] == ["gw-1", "gw-2"]
    first, second = pages[0][0], pages[1][0]
    assert (first["status"], first["last_seen_at"]) == ("online", shown(at(5)))
    assert first["backlog"] == {"batches": 7, "bytes": 1234, "oldest_at": "2026-01-31T07:59:00.000000Z"}
    assert [(device["name"], device["state"], device["until_at"]) for device in first["devices"]] == [
        ("press", "running", shown(at(3))),
        ("pump", None, shown(at(2))),
    ]
    assert [device["overruns"] for device in first["devices"]] == [3, None]
    assert [(each["use"], each["standing"], each["devices"]) for each in first["certificates"]] == [
        ("opcua_client", "ended", ["press"]),
        ("mqtt_client", "valid", []),
    ]
    assert first["certificates"][0]["not_after"] == "2026-01-31T08:00:00.000000Z"
    assert first["configuration"] == {**CONFIG, "written_at": "2026-01-31T07:00:00.000000Z"}
    assert (second["certificates"], second["configuration"]) == ([], None)
    assert (first["cpu_percent"], second["rss_bytes"]) == (0.0, None)
    assert (second["status"], second["backlog"], second["devices"]) == ("offline", None, [])


async def test_a_replacement_takes_over_with_a_trace(api: Api):
    fill = api.fill
    await fill.run("insert into agent (id, state) values ('old', 'offline'), ('new', 'online')")
    for path in ("a", "b"):
        await fill.series(path, agent="old")
    ((before,),) = await fill.run("select series_generation from lease where name = 'ingest'")
    headers = await engineer(api)
    response = await api.client.post("/api/v1/agents/new/take-over", json={"from": "old"}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.json() == {"agent": "new", "from": "old", "moved": 2, "left": []}
    assert {item["agent"] for item in (await api.get("/series"))["items"]} == {"new"}
    ((after,),) = await fill.run("select series_generation from lease where name = 'ingest'")
    assert after > before
    ((principal, action, subject, detail),) = await fill.run("select principal, action, object, detail from audit")
    assert (principal, action, subject) == ("eva", "agent.take_over", "new")
    assert detail == {"from": "old", "moved": 2, "left": []}
    (old,) = [item for item in (await api.get("/agents"))["items"] if item["id"] == "old"]
    assert old["replaced_by"] == "new"


async def test_refused_take_overs_change_nothing(postgres_api: Api):
    fill, headers = postgres_api.fill, await engineer(postgres_api)
    await fill.run("insert into agent (id, state) values ('old', 'online'), ('new', 'online')")
    await fill.series("a", agent="old")

    async def refused(new: str, body: object) -> dict[str, Any]:
        return await postgres_api.refused("POST", f"/agents/{new}/take-over", json=body, headers=headers)

    assert (await refused("new", {"from": "old"}))["status"] == 409
    assert (await refused("new", {"from": "new"}))["field"] == "from"
    assert (await refused("new", {"from": "nobody"}))["status"] == 404
    assert (await refused("a%20b", {"from": "old"}))["field"] == "new"
    assert (await refused("new", {"from": "old", "force": True}))["field"] == "force"
    assert (await refused("new", {}))["field"] == "from"
    assert await fill.run("select count(*) from audit") == [(0,)]
    body = {"from": "old", "while_online": "allow"}
    allowed = await postgres_api.client.post("/api/v1/agents/new/take-over", json=body, headers=headers)
    assert allowed.json()["moved"] == 1


async def test_gaps_are_listed_newest_first_and_filtered(api: Api):
    for number in range(5):
        await api.fill.run(
            "insert into gap (agent, device, paths, from_at, to_at, reason, epoch, batches, digest)"
            " values (%s, 'press', %s, %s, %s, %s, gen_random_uuid(), int8range(3, 6), %s)",
            f"gw-{number % 2}",
            ["a/b"] if number else None,
            at(number * 10),
            at(number * 10 + 5),
            "agent_stopped" if number % 2 else "outbox_full",
            bytes([number]),
        )
    pages = [items async for items in api.pages("/gaps", limit=2)]
    assert [item["from_at"] for items in pages for item in items] == [shown(at(n * 10)) for n in (4, 3, 2, 1, 0)]
    newest = pages[0][0]
    assert (newest["first_batch"], newest["last_batch"], newest["paths"]) == (3, 5, ["a/b"])
    assert len(newest["epoch"]) == 32

    async def count(**filters: str) -> int:
        return len((await api.get("/gaps", **filters))["items"])

    assert await count(agent="gw-0") == 3
    assert await count(reason="agent_stopped") == 2
    assert await count(device="pump") == 0
    # A gap that ends where the window begins, or begins where it ends, does not touch it.
    assert await count(**{"from": shown(at(15)), "to": shown(at(30))}) == 1
    assert await count(**{"from": shown(at(14, 999_999)), "to": shown(at(30, 1))}) == 3


async def test_rejects_are_listed(api: Api):
    for number in range(3):
        await api.fill.run(
            "insert into reject (received_at, last_received_at, agent, seq, path, reason, form, sample_count, digest,"
            " payload_bytes, payload, replayed_at)"
            " values (%s, %s, 'gw-1', %s, 'a', %s, 'samples', 2, %s, 3, 'abc', %s)",
            at(number),
            at(number),
            2**63 - 2,
            "foreign_series" if number else "time_in_future",
            bytes([number]),
            at() if number == 1 else None,
        )
    pages = [items async for items in api.pages("/rejects", limit=2)]
    assert [item["received_at"] for items in pages for item in items] == [shown(at(n)) for n in (2, 1, 0)]
    assert pages[0][0]["seq"] == 2**63 - 2
    assert "payload" not in pages[0][0]
    assert len((await api.get("/rejects", reason="foreign_series", replayed="exclude"))["items"]) == 1


async def test_a_series_is_renamed_with_its_history(api: Api):
    headers = await engineer(api)
    series_id = await api.fill.series("old/name", unit="A")
    await api.fill.samples(series_id, [(at(), 1.0, None, 0)])
    await api.fill.series("taken")
    change = {"path": "new/name", "description": "motor"}
    response = await api.client.patch(f"/api/v1/series/{series_id}", json=change, headers=headers)
    assert response.status_code == 200, response.text
    series = response.json()
    assert (series["path"], series["source_path"], series["unit"]) == ("new/name", "old/name", "A")
    (latest,) = (await api.get("/latest", path="new/*"))["items"]
    assert latest["id"] == series_id
    for body, status, field in (
        ({"path": "taken"}, 409, None),
        ({"path": "a//b"}, 422, "path"),
        ({"path": None}, 422, "path"),
        ({}, 422, "path"),
        ({"kind": "f64"}, 422, "kind"),
    ):
        problem = await api.refused("PATCH", f"/series/{series_id}", json=body, headers=headers)
        assert (problem["status"], problem.get("field")) == (status, field), body
    assert (await api.refused("PATCH", "/series/999", json={"unit": "V"}, headers=headers))["status"] == 404
    assert await api.fill.run("select action, object from audit") == [("series.change", str(series_id))]


async def test_a_retired_series_leaves_listings_and_keeps_its_history(api: Api):
    headers = await engineer(api)
    series_id = await api.fill.series("gone")
    await api.fill.samples(series_id, [(at(), 1.0, None, 0)])
    response = await api.client.delete(f"/api/v1/series/{series_id}", headers=headers)
    assert response.json()["retired_at"] is not None
    assert (await api.get("/series"))["items"] == []
    assert (await api.get("/latest"))["items"] == []
    assert len((await api.get("/series", retired="include"))["items"]) == 1
    assert len((await api.get(f"/series/{series_id}/samples"))["items"]) == 1
    again = await api.client.delete(f"/api/v1/series/{series_id}", headers=headers)
    assert again.json() == response.json()
    assert await api.fill.run("select count(*) from audit") == [(1,)]
