"""The inbox of rejects through the real ingest: grouped, previewed, mapped, replayed at once, and by a rule."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud_api.settings import Role
from tests.fixtures.broker import Broker
from tests.integration.api.service import Api, serve_api
from tests.integration.api.test_doors import MqttSettings, shown

BEGAN = datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
async def inbox(engine_url: str, broker: Broker) -> AsyncGenerator[Api]:
    """API and ingest in one process, with an engineer's key, and two series of numbers that were sent texts."""
    settings = MqttSettings("127.0.0.1", broker.port, False, None, None, None, None, None)
    async with serve_api(engine_url, frozenset({Role.API, Role.INGEST}), mqtt=settings) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
        await post(api, *(sample(f"lab/{name}", 0, 1.0) for name in ("温度", "p")))
        for second in range(1, 5):
            await post(api, sample("lab/温度", second, str(20 + second)))
        await post(api, sample("lab/p", 1, "12"), sample("lab/p", 2, "much"))
        yield api


def sample(path: str, second: int, value: Any) -> dict[str, Any]:
    return {"path": path, "time": shown(BEGAN + timedelta(seconds=second)), "value": value}


async def post(api: Api, *samples: dict[str, Any]) -> None:
    response = await api.client.post("/api/v1/samples", content=json.dumps(samples).encode(), headers=JSON)
    assert response.status_code == 200, response.text


JSON = {"Content-Type": "application/json"}


async def ask(api: Api, path: str, **body: Any) -> dict[str, Any]:
    response = await api.client.post(f"/api/v1{path}", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def values(api: Api, path: str) -> list[Any]:
    (series,) = (await api.get("/series", path=path))["items"]
    return [item["value"] for item in (await api.get(f"/series/{series['id']}/samples"))["items"]]


async def test_rejects_are_grouped_mapped_and_replayed(inbox: Api):
    groups = (await inbox.get("/rejects/groups"))["items"]
    assert [(group["path"], group["reason"], group["rejects"], group["samples"]) for group in groups] == [
        ("lab/温度", "kind_contradiction", 4, 4),
        ("lab/p", "kind_contradiction", 1, 2),
    ]
    select = {"agent": "@api", "path": "lab/温度", "reason": "kind_contradiction"}
    mapping = {"kind": "f64", "scale": 2.0, "offset": 1.0}
    shown_first = await ask(inbox, "/rejects/preview", select=select, mapping=mapping, samples=2)
    assert (shown_first["rejects"], shown_first["samples"], shown_first["problems"]) == (4, 4, [])
    assert [(each["before"], each["after"]) for each in shown_first["shown"]] == [("21", 43.0), ("22", 45.0)]
    assert await values(inbox, "lab/温度") == [1.0]
    report = await ask(inbox, "/rejects/replay", select=select, mapping=mapping, limit=3)
    assert (report["rejects"], report["replayed"], report["stored"], report["left"]) == (3, 3, 3, 1)
    assert (await ask(inbox, "/rejects/replay", select=select, mapping=mapping))["left"] == 0
    assert await values(inbox, "lab/温度") == [1.0, 43.0, 45.0, 47.0, 49.0]
    # One value that is no number keeps its whole reject back, and says which.
    stuck = await ask(inbox, "/rejects/replay", select={"path": "lab/p"}, mapping={"kind": "f64"})
    assert (stuck["replayed"], stuck["failures"][0]["detail"]) == (0, "'much' is not a number")
    renamed = await ask(inbox, "/rejects/replay", select={"path": "lab/p"}, mapping={"path": "lab/备注"})
    assert (renamed["replayed"], renamed["stored"]) == (1, 2)
    assert await values(inbox, "lab/备注") == ["12", "much"]
    assert (await inbox.get("/rejects/groups"))["items"] == []
    (audited,) = await inbox.fill.run("select count(*) from audit where action = 'reject.replay_many'")
    assert audited == (4,)


async def test_a_rule_maps_what_is_put_aside_later(inbox: Api):
    select = {"agent": "@api", "path": "lab/温度", "reason": "kind_contradiction"}
    report = await ask(inbox, "/rejects/replay", select=select, mapping={"kind": "f64"}, remember="rule")
    assert (report["replayed"], report["rule_id"]) == (4, 1)
    await post(inbox, sample("lab/温度", 9, "99.5"))
    async with asyncio.timeout(60):
        while (await values(inbox, "lab/温度"))[-1] != 99.5:
            await asyncio.sleep(0.2)
        while (await inbox.get("/reject-rules"))["items"][0]["applied"] != 1:
            await asyncio.sleep(0.2)
    (rule,) = (await inbox.get("/reject-rules"))["items"]
    assert (rule["path"], rule["mapping"]["kind"], rule["created_by"]) == ("lab/温度", "f64", "test-engineer")
    assert (await inbox.client.delete("/api/v1/reject-rules/1")).status_code == 200
    assert (await inbox.refused("DELETE", "/reject-rules/1"))["status"] == 404
    vague = {"select": {"path": "lab/p"}, "mapping": {"kind": "f64"}, "remember": "rule"}
    assert (await inbox.refused("POST", "/rejects/replay", json=vague))["field"] == "remember"
