"""Maintenance: quiet about what the work causes, loud about everything else, and loud again afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cloud_api.alarms.maintenance.following import follow_maintenance
from cloud_api.alarms.transitions import AlarmRules
from cloud_api.storage.pool import open_pool, transaction
from tests.integration.alarms.desk import Desk
from tests.integration.alarms.plant import CLEAR, RAISE, SUPPRESS, UNSUPPRESS, transition

STALE, BAD = AlarmRules(condition="stale"), AlarmRules(condition="bad_quality")


async def call(desk: Desk, method: str, address: str = "", body: Any = None, **headers: str) -> Any:
    sent = {**desk.engineer, **headers}
    return await desk.api.client.request(method, f"/api/v1/maintenance{address}", json=body, headers=sent)


async def begin(desk: Desk, **body: Any) -> dict[str, Any]:
    response = await call(desk, "POST", body={"duration": "4h", "reason": "new bearings"} | body)
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


async def follow(desk: Desk, now: datetime) -> None:
    """What the one on duty does all the time."""
    pool = await open_pool(desk.url, 1)
    async with transaction(pool) as connection:
        await follow_maintenance(connection, now)
    await pool.close()


async def states(desk: Desk) -> dict[str, str]:
    return {item["path"]: item["state"] for item in (await desk.api.get("/alarms", state="all"))["items"]}


async def test_a_device_in_maintenance_is_quiet_about_what_the_work_causes(any_desk: Desk):
    fill = any_desk.api.fill
    press = await fill.series("hall/press/p", device="press")
    other = await fill.series("hall/pump/p", device="pump")
    await any_desk.happen(transition(RAISE, path="hall/press/p", series_id=press, rules=STALE))
    made = await begin(any_desk, device="press")
    assert (made["state"], made["alarms"], made["series"], made["who"]) == ("active", 1, 1, "eva")
    # Before its time as well as during it; what the work does not cause annunciates as ever.
    await any_desk.happen(
        transition(RAISE, path="hall/press/q", series_id=press, rules=BAD),
        transition(RAISE, path="hall/press/limit", series_id=press),
        transition(RAISE, path="hall/pump/p", series_id=other, rules=STALE),
    )
    assert await states(any_desk) == {
        "hall/press/p": "suppressed",
        "hall/press/q": "suppressed",
        "hall/press/limit": "unacknowledged",
        "hall/pump/p": "unacknowledged",
    }
    (item, _) = (await any_desk.api.get("/alarms", state="suppressed", sort="path"))["items"]
    assert item["suppression"]["maintenance_id"] == made["id"]
    notes = await fill.run(
        "select event, to_state, who, note from alarm_journal where path = 'hall/press/q' order by id"
    )
    assert notes == [
        ("suppress", "suppressed", "eva", "maintenance: new bearings"),
        ("raise", "suppressed", "system", None),
    ]
    ended = await call(any_desk, "DELETE", f"/{made['id']}")
    assert (ended.json()["state"], ended.json()["ended_by"], ended.json()["alarms"]) == ("ended", "eva", 0)
    assert set((await states(any_desk)).values()) == {"unacknowledged"}
    actions = await fill.run("select action, principal from audit order by id")
    assert actions == [("maintenance.create", "eva"), ("maintenance.end", "eva")]


async def test_maintenance_begins_and_ends_by_the_clock(desk: Desk):
    fill = desk.api.fill
    await fill.run("insert into asset (path, kind) values ('hall', 'area')")
    series = await fill.series("hall/pump/p")
    await desk.happen(transition(RAISE, series_id=series, rules=STALE, path="hall/pump/p"))
    now = datetime.now(UTC)
    begins = (now + timedelta(hours=1)).isoformat()
    made = await begin(desk, asset="hall", **{"from": begins})
    assert (made["state"], made["asset"]) == ("planned", "hall")
    assert await states(desk) == {"hall/pump/p": "unacknowledged"}
    await follow(desk, now + timedelta(hours=1, minutes=1))
    assert await states(desk) == {"hall/pump/p": "suppressed"}
    # A rule of the design that also holds goes on when the maintenance is over.
    await desk.happen(transition(SUPPRESS, series_id=series, rules=STALE, path="hall/pump/p", note="line stopped"))
    await follow(desk, now + timedelta(hours=6))
    assert await states(desk) == {"hall/pump/p": "suppressed"}
    await desk.happen(transition(UNSUPPRESS, series_id=series, rules=STALE, path="hall/pump/p"))
    assert await states(desk) == {"hall/pump/p": "unacknowledged"}
    await desk.happen(transition(CLEAR, series_id=series, rules=STALE, path="hall/pump/p"))
    versions = (
        "select a.version = count(j.id) from alarm a join alarm_journal j on j.alarm_id = a.id group by a.version"
    )
    assert await fill.run(versions) == [(True,)]


async def test_maintenance_is_listed_changed_and_guarded_by_its_version(desk: Desk):
    await desk.api.fill.series("hall/pump/p")
    made = [await begin(desk, path="hall/**", reason=f"job {number}") for number in range(3)]
    pages = [items async for items in desk.api.pages("/maintenance", limit=2)]
    assert [item["reason"] for items in pages for item in items] == ["job 2", "job 1", "job 0"]
    address = f"/{made[0]['id']}"
    until = (datetime.now(UTC) + timedelta(hours=9)).isoformat()
    changed = await call(desk, "PATCH", address, {"until": until, "reason": "longer"}, **{"If-Match": '"1"'})
    assert (changed.json()["version"], changed.json()["reason"], changed.headers["etag"]) == (2, "longer", '"2"')
    assert (await call(desk, "PATCH", address, {"reason": "x", "version": 1})).status_code == 409
    assert (await call(desk, "DELETE", address, **{"If-Match": '"1"'})).status_code == 409
    assert (await call(desk, "DELETE", address)).status_code == 200
    assert (await call(desk, "DELETE", address)).status_code == 409, "it is over"
    assert (await call(desk, "PATCH", address, {"reason": "x"})).status_code == 409
    assert [item["state"] for item in (await desk.api.get("/maintenance", state="ended"))["items"]] == ["ended"]
    assert (await desk.api.get(f"/maintenance{address}"))["ended_by"] == "eva"


async def test_maintenance_that_is_refused(desk: Desk):
    await desk.api.fill.series("hall/pump/p", device="pump")
    usual = {"device": "pump", "duration": "1h", "reason": "r"}
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"device": None}, 422),
        ({"path": "hall/**"}, 422),
        ({"device": "nothing"}, 422),
        ({"device": None, "path": "a//b"}, 422),
        ({"device": None, "path": "elsewhere/**"}, 422),
        ({"device": None, "asset": "nowhere"}, 404),
        ({"device": None, "path": "hall/**", "agent": "gw-1"}, 422),
        ({"reason": " "}, 422),
        ({"duration": "0h"}, 422),
        ({"duration": "400d"}, 422),
        ({"until": "2020-01-01T00:00:00Z", "duration": None}, 422),
        ({"until": "2099-01-01T00:00:00Z"}, 422),
    ]
    for change, status in wrong:
        response = await call(desk, "POST", body=usual | change)
        assert (response.status_code, change) == (status, change)
    refused = await desk.api.client.post("/api/v1/maintenance", json=usual, headers=dict(desk.operator))
    assert refused.status_code == 403
    assert (await call(desk, "GET", "/00000000-0000-4000-8000-000000000000")).status_code == 404
    assert await desk.api.fill.run("select count(*) from maintenance") == [(0,)]
