"""How assets stand: alarms, freshness and quality of everything below, counted by a reader of its own."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.api.service import GOOD, Api, at

BAD = -2147483648 + 0x8C0000
PRESS, MILL = "plant/hall/press", "plant/hall/mill"


async def alarm(api: Api, path: str, state: str, priority: str) -> None:
    is_active, is_acknowledged = state in {"unacknowledged", "acknowledged"}, state in {"acknowledged", "normal"}
    definition = (uuid4(), 1)
    columns = "definition_id, definition_version, instance, state, priority, is_active, is_acknowledged"
    await api.fill.run(
        f"insert into alarm ({columns}) values (%s, %s, %s, %s, %s, %s, %s)",
        *definition, path, state, priority, is_active, is_acknowledged,
    )  # fmt: skip


@pytest.fixture
async def plant(api: Api) -> Api:
    for path in ("plant", "plant/hall", PRESS, MILL, "elsewhere"):
        await api.fill.run("insert into asset (path, kind) values (%s, 'asset')", path)
    force = await api.fill.series(f"{PRESS}/force", device="press")
    await api.fill.samples(force, [(at(0), 1.0, None, GOOD)])
    heat = await api.fill.series(f"{PRESS}/heat", device="press")
    await api.fill.samples(heat, [(at(5), None, None, BAD)])
    speed = await api.fill.series(f"{MILL}/speed", device="mill")
    await api.fill.samples(speed, [(at(9), 1.0, None, GOOD)])
    await api.fill.series(f"{MILL}/never", device="mill")
    await api.fill.run("insert into agent_until (agent, device, until_at) values ('gw-1', 'press', %s)", at(20))
    await alarm(api, f"{PRESS}/force", "unacknowledged", "critical")
    await alarm(api, f"{PRESS}/heat", "acknowledged", "low")
    await alarm(api, MILL, "returned", "medium")
    await alarm(api, f"{MILL}/speed", "shelved", "high")
    await alarm(api, f"{MILL}/never", "normal", "high")
    return api


async def standing(api: Api, **parameters: Any) -> dict[str, dict[str, Any]]:
    return {each["path"]: each for each in (await api.get("/assets/standing", **parameters))["items"]}


async def test_alarms_roll_up_and_what_is_set_aside_does_not_count(plant: Api):
    found = await standing(plant)
    alarms = {path: {name: count for name, count in each["alarms"].items() if count} for path, each in found.items()}
    everything = {"critical": 1, "medium": 1, "low": 1, "active": 2, "unacknowledged": 2}
    assert alarms == {
        "plant": everything,
        "plant/hall": everything,
        PRESS: {"critical": 1, "low": 1, "active": 2, "unacknowledged": 1},
        MILL: {"medium": 1, "unacknowledged": 1},
        "elsewhere": {},
    }


async def test_freshness_is_that_of_the_series_furthest_back(plant: Api):
    found = await standing(plant)
    figures = {path: (each["series"], each["bad"], each["silent"]) for path, each in found.items()}
    assert figures["plant"] == figures["plant/hall"] == (4, 1, 1)
    assert (figures[PRESS], figures[MILL], figures["elsewhere"]) == ((2, 1, 0), (2, 0, 1), (0, 0, 0))
    # A device that has said that nothing changed is as fresh as its word.
    assert found[PRESS]["oldest_at"] == found[PRESS]["newest_at"] == found["plant"]["newest_at"]
    assert found["plant"]["oldest_at"] == found[MILL]["oldest_at"] < found[PRESS]["oldest_at"]
    assert found["elsewhere"]["oldest_at"] is None


async def test_narrowed_by_asset_depth_and_number(plant: Api):
    assert set(await standing(plant, asset=PRESS)) == {PRESS}
    assert set(await standing(plant, depth=2)) == {"plant", "plant/hall", "elsewhere"}
    page = await plant.get("/assets/standing", limit=2)
    assert (len(page["items"]), page["is_cut"]) == (2, True)
    refusal = await plant.refused("GET", "/assets/standing?asset=nowhere")
    assert refusal["type"].endswith("not-found")
