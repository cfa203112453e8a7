"""Purge takes a series away for good, by an administrator who repeats its path, and nothing of any other."""

import asyncio

import psycopg
import pytest

from cloud_api.purge import service
from cloud_api.storage.instants import us_of
from tests.integration.api.rolled import roll_everything
from tests.integration.api.service import GOOD, Api, at

TABLES = (
    *("sample", "latest", "rollup_1m", "rollup_15m", "rollup_1m_revision", "rollup_15m_revision"),
    *("correction", "corrected_sample"),
)


async def counts(api: Api, series_id: int) -> dict[str, int]:
    found = {}
    for table in TABLES:
        found[table] = (await api.fill.run(f"select count(*) from {table} where series_id = %s", series_id))[0][0]
    return found


async def test_purge_deletes_one_series_and_only_that(api: Api, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service, "STEP", 400)
    rows = [(at(second * 10), 1.0, None, GOOD) for second in range(1_000)]
    gone, stays = [await api.fill.series(f"purge/{name}/值") for name in ("gone", "stays")]
    for series_id in (gone, stays):
        await api.fill.samples(series_id, rows)
    await roll_everything(api.fill, us_of(at(9_000)))
    before = await counts(api, stays)
    body = {"path": "purge/gone/值"}
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    correction = {"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T08:05:00Z", "value": 2.0, "reason": "test"}
    assert (await api.client.post(f"/api/v1/series/{gone}/corrections", json=correction)).status_code == 200
    assert (await api.refused("POST", f"/series/{gone}/purge", json=body))["status"] == 403
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('admin')}"
    in_use = await api.refused("POST", f"/series/{gone}/purge", json=body)
    assert "retire it first" in in_use["detail"]
    await api.client.delete(f"/api/v1/series/{gone}")
    wrong = await api.refused("POST", f"/series/{gone}/purge", json={"path": "purge/gone"})
    assert (wrong["field"], wrong["allowed"]) == ("path", "purge/gone/值")
    done = (await api.client.post(f"/api/v1/series/{gone}/purge", json=body)).json()
    assert (done["state"], done["samples"], done["steps"]) == ("done", 1_000, 3)
    assert done["rollups"] > 0
    assert set((await counts(api, gone)).values()) == {0}
    assert await counts(api, stays) == before
    assert (await api.refused("GET", f"/series/{gone}"))["status"] == 404
    assert (await api.refused("POST", f"/series/{gone}/purge", json=body))["status"] == 404
    # The stretch is marked: a roller that was at work on it does not bring anything back.
    marked = await api.fill.run("select count(*) from rollup_dirty where series_ids @> %s::int4", gone)
    assert marked[0][0] > 0
    actions = await api.fill.run(
        "select action, detail->>'samples' from audit where object = %s order by id", str(gone)
    )
    assert actions[-2:] == [("series.purge_begin", None), ("series.purge", "1000")]


async def test_a_roller_at_work_leaves_no_revisions_of_what_is_purged(postgres_api: Api):
    api = postgres_api
    gone = await api.fill.series("purge/rolled")
    await api.fill.samples(gone, [(at(second * 10), 1.0, None, GOOD) for second in range(100)])
    await roll_everything(api.fill, us_of(at(9_000)))
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('admin')}"
    await api.client.delete(f"/api/v1/series/{gone}")
    async with await psycopg.AsyncConnection.connect(api.fill.url) as roller:
        await roller.execute("select from lease where name = 'rollups' for key share")
        await roller.execute(
            "insert into rollup_1m_revision select r.*, now() from rollup_1m r where series_id = %s", (gone,)
        )
        purge = asyncio.create_task(api.client.post(f"/api/v1/series/{gone}/purge", json={"path": "purge/rolled"}))
        waiting = [(False,)]
        while not purge.done() and not waiting[0][0]:
            waiting = await api.fill.run("select exists (select from pg_locks where not granted)")
    assert (await purge).json()["state"] == "done"
    assert set((await counts(api, gone)).values()) == {0}


async def test_a_purge_in_several_requests_is_noted_whole(postgres_api: Api, monkeypatch: pytest.MonkeyPatch):
    api = postgres_api
    monkeypatch.setattr(service, "STEP", 40)
    gone = await api.fill.series("purge/long")
    await api.fill.samples(gone, [(at(second * 10), 1.0, None, GOOD) for second in range(1_000)])
    await roll_everything(api.fill, us_of(at(10_000)))
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('admin')}"
    await api.client.delete(f"/api/v1/series/{gone}")
    body = {"path": "purge/long"}
    # The clock of the budget passes by itself: each request has time for a few steps.
    ticks = iter(range(10**6))
    monkeypatch.setattr(service, "monotonic", lambda: next(ticks))
    answers = [(await api.client.post(f"/api/v1/series/{gone}/purge", json=body)).json()]
    while answers[-1]["state"] != "done":
        answers.append((await api.client.post(f"/api/v1/series/{gone}/purge", json=body)).json())
    assert len(answers) > 2
    assert sum(answer["samples"] for answer in answers) == 1_000
    noted = await api.fill.run(
        "select detail->'samples', detail->>'state' from audit where action = 'series.purge' order by id"
    )
    assert [row[0] for row in noted] == [answer["samples"] for answer in answers]
    assert [row[1] for row in noted] == [answer["state"] for answer in answers]
