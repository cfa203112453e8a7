"""What answers leave in the audit: refusals and exports, from where and by whom, and no flood of rows."""

import asyncio
from typing import Any

import pytest

from tests.integration.api.service import Api, at, serve_api, shown

HERE = "192.0.2.1"


async def rows(api: Api, action: str) -> list[tuple[Any, ...]]:
    query = "select principal, address, via, object, outcome, detail from audit where action like %s order by id"
    return await api.fill.run(query, action)


@pytest.fixture
async def api(postgres_url: str):
    async with serve_api(postgres_url) as served:
        yield served


async def test_refusals_say_who_from_where_what_and_why(api: Api):
    client = api.client
    viewer = client.headers["Authorization"].split()[1]
    prefix = viewer.split("_")[1]
    assert (await client.get("/api/v1/users")).status_code == 403
    assert (await client.get("/api/v1/users")).status_code == 403
    await api.fill.run("update api_key set revoked_at = now() where prefix = %s", prefix)
    assert (await client.get("/api/v1/series")).status_code == 401
    del client.headers["Authorization"]
    assert (await client.delete("/api/v1/series/7")).status_code == 401
    wrong = {"Authorization": f"Bearer ms_{prefix}_{'0' * 64}"}
    assert (await client.get("/api/v1/series", headers=wrong)).status_code == 401
    found = [(who, address, via, what, out, detail["why"]) for who, address, via, what, out, detail in
             await rows(api, "access.refuse")]  # fmt: skip
    assert found == [
        ("test-viewer", HERE, f"key:{prefix}", "GET /users", "refused", "role-insufficient"),
        ("test-viewer", HERE, f"key:{prefix}", "GET /series", "refused", "key-invalid"),
        # Nobody knows what is at an address before the caller is known.
        ("unknown", HERE, None, "DELETE none", "refused", "key-missing"),
    ]


async def test_a_limited_caller_who_goes_outside_is_written_down(api: Api):
    key = await api.fill.key("engineer", reach=["a/**"])
    headers = {"Authorization": f"Bearer {key}"}
    assert (await api.client.post("/api/v1/samples", json=[], headers=headers)).status_code == 403
    ((who, _, _, what, out, detail),) = await rows(api, "access.refuse")
    assert (who, what, out, detail["why"]) == ("test-engineer", "POST /samples", "refused", "outside-reach")
    # Whoever is limited sees nothing of the audit, with the auditor's role either.
    auditor = {"Authorization": f"Bearer {await api.fill.key('auditor', reach=['a/**'])}"}
    answer = await api.client.get("/api/v1/audit", headers=auditor)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:millstream:problem:outside-reach")


async def test_a_flood_of_refusals_is_a_few_rows_that_count_all(postgres_url: str):
    async with serve_api(postgres_url) as api:
        answers = await asyncio.gather(*(api.client.get("/api/v1/users") for _ in range(300)))
        assert {answer.status_code for answer in answers} == {403}
        assert len(await rows(api, "access.refuse")) == 1
    # At its end the service writes down what it has counted.
    async with serve_api(postgres_url) as api:
        counts = [detail.get("count", 1) for *_, detail in await rows(api, "access.refuse")]
        assert counts == [1, 299]


async def test_what_leaves_as_a_file_is_written_down_before_it_leaves(api: Api):
    series = await api.fill.series("a/b")
    await api.fill.samples(series, [(at(0), 1.0, None, 0)])
    window = {"from": shown(at(-1)), "to": shown(at(9))}
    for accept in ("text/csv", "application/vnd.apache.arrow.stream", "application/json", "text/csv"):
        answer = await api.client.get(f"/api/v1/series/{series}/samples", params=window, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, accept)
    body = {"series": ["a/**"], "interval": "1s", **window}
    sheet = await api.client.post("/api/v1/query", json=body, headers={"Accept": "text/csv"})
    assert sheet.status_code == 200, sheet.text
    definitions = await api.client.get("/api/v1/alarm-definitions/export")
    assert definitions.status_code == 200
    found = [(who, out, detail["format"], detail) for who, _, _, _, out, detail in await rows(api, "data.export")]
    assert [each[:3] for each in found] == [
        ("test-viewer", "done", "text/csv"),
        ("test-viewer", "done", "application/vnd.apache.arrow.stream"),
        ("test-viewer", "done", "text/csv"),
        ("test-viewer", "done", "application/toml"),
    ]
    assert found[0][3]["query"] == window
    assert found[2][3]["series"] == ["a/**"]


async def test_nothing_leaves_that_cannot_be_written_down(api: Api):
    await api.fill.run(
        "create function full_disk() returns trigger language plpgsql as "
        "$$ begin raise exception 'no space left' using errcode = 'disk_full'; end $$"
    )
    await api.fill.run("create trigger full_disk before insert on audit for each row execute function full_disk()")
    answer = await api.client.get("/api/v1/alarm-definitions/export")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:millstream:problem:database-unavailable")
    # A refusal is no reason to let anybody in, or to fail.
    assert (await api.client.get("/api/v1/users")).status_code == 403
    await api.fill.run("drop trigger full_disk on audit")
    async with asyncio.timeout(30):
        while not await rows(api, "access.refuse"):
            await asyncio.sleep(0.05)
