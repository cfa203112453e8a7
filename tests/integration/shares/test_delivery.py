"""Reads in parts: what ends one, what is counted, what is given back; and intervals with too few samples."""

from typing import Any

import pytest

from cloud_api.problems import Problem
from cloud_api.settings import Role, read_settings
from cloud_api.shares.guests.guest import find_guest
from cloud_api.shares.guests.models import DataParameters
from cloud_api.shares.guests.service import Desk
from cloud_api.storage.pool import open_pool
from tests.integration.shares.plant import Plant, terms_of


async def spent(plant: Plant) -> tuple[int, int]:
    """Rows that are gone from the budget, and rows that are listed as read."""
    ((rows, listed),) = await plant.api.fill.run(
        "select spent_rows, (select sum(row_count) from share_read) from share"
    )
    return int(rows), int(listed)


async def test_a_read_ends_where_the_share_does_and_gives_back_the_rest(plant: Plant):
    owner = await plant.caller("steward")
    grant = await plant.share(owner, terms_of(floor="1m"))
    key = (await plant.key(owner, grant["id"]))["key"]
    settings = read_settings({"MILLSTREAM_DATABASE_URL": plant.api.fill.url}, frozenset({Role.API}))
    parameters = DataParameters.model_validate(plant.hours(0, 70, series="*/running", aggregate=["count"]))
    pool = await open_pool(plant.api.fill.url, 2)
    try:
        for verb, kind in (("pause", "share-ended"), ("resume", None)):
            async with pool.connection() as connection:
                guest = await find_guest(connection, key, "192.0.2.7", "test")
            answer = await Desk(pool, guest, settings).read_data(parameters)
            assert answer.rows == 2 * 70 * 60
            first = await anext(answer.tables)
            assert first.size == 70 * 60
            before = await spent(plant)
            if verb == "resume":
                # Nobody reads on.
                await answer.tables.aclose()
                assert await spent(plant) == (before[1], before[1])
                break
            await plant.ask("POST", f"/grants/{grant['id']}/{verb}", owner)
            with pytest.raises(Problem) as refused:
                await anext(answer.tables)
            assert refused.value.kind.name == kind
            assert await spent(plant) == (70 * 60, 70 * 60)
            await plant.ask("POST", f"/grants/{grant['id']}/resume", owner)
    finally:
        await pool.close()
    reads = (await plant.ask("GET", f"/grants/{grant['id']}/reads", owner)).json()["items"]
    assert [(read["rows"], read["outcome"]) for read in reads] == [(4200, "cut"), (4200, "share-ended")]


async def test_too_few_samples_are_not_told_in_longer_intervals_either(plant: Plant):
    owner = await plant.caller("steward")
    # One hour has four samples in place of two.
    more = [(plant.at(hours=5, minutes=minute), 1.0, None, 0) for minute in (50, 55)]
    await plant.api.fill.samples(plant.ids["running-1"], more)
    grant = await plant.share(owner, terms_of(least_samples=3))
    guest = {"Authorization": f"Bearer {(await plant.key(owner, grant['id']))['key']}"}

    async def rows(**parameters: Any) -> list[list[Any]]:
        asked = parameters | {"series": "press-1/running", "aggregate": "duration_in_state_non_zero"}
        answer = await plant.ask("GET", "/shared/data", guest, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["rows"]

    found = await rows(**plant.hours(4, 7))
    assert [(row[2] is None, row[3]) for row in found] == [(True, 0x801F0000), (False, 0), (True, 0x801F0000)]
    # Four hours have eleven samples, but three of the hours have two each, and a difference would tell of them.
    (found,) = await rows(**plant.hours(4, 8, interval="4h"))
    assert found[2] is None
    classes = await plant.ask("GET", "/shared/classes", guest, params=plant.hours(1, 2, series="press-1/load"))
    assert [row[5] for row in classes.json()["rows"]] == [1200.0, 1800.0, 600.0, 0.0, 0.0]


async def test_machines_keep_their_names_and_new_ones_wait(plant: Plant):
    owner = await plant.caller("steward")
    grant = await plant.share(owner, terms_of())
    await plant.api.fill.run(
        "insert into asset (path, kind) values (%s, 'asset')", "hangzhou/secret-shop/line-1/press-01"
    )
    await plant.api.fill.series("hangzhou/secret-shop/line-1/press-01/motor/running", "bool")
    assert len((await plant.ask("GET", f"/grants/{grant['id']}", owner)).json()["content"]["assets"]) == 2
    body = {"name": "insurance", "terms": terms_of(), "version": 1}
    asked = {"name": "insurance", "terms": terms_of()}
    of_new = (await plant.ask("POST", "/grants/preview", owner, json=asked)).json()
    of_this = (await plant.ask("POST", f"/grants/preview?grant={grant['id']}", owner, json=asked)).json()
    nowhere = await plant.ask("POST", f"/grants/preview?grant={grant['id'] + 1}", owner, json=asked)
    assert (nowhere.status_code, nowhere.json()["field"]) == (404, "grant")
    changed = (await plant.ask("PUT", f"/grants/{grant['id']}", owner, json=body)).json()
    for kind in ("assets", "series"):
        now, meant, of_another = (
            {each["path"]: each["alias"] for each in found[kind]} for found in (changed["content"], of_this, of_new)
        )
        assert now == meant != of_another
    names = {each["path"][-8:]: each["alias"] for each in changed["content"]["assets"]}
    assert names == {"press-03": "press-1", "press-04": "press-2", "press-01": "press-3"}
    assert "press-3/running" in [each["alias"] for each in changed["content"]["series"]]


async def test_who_may_share_and_who_may_look(plant: Plant):
    made = await plant.share(await plant.caller("admin"), terms_of())
    for role, allowed in (("auditor", (200, 403)), ("engineer", (403, 403)), ("viewer", (403, 403))):
        caller = await plant.caller(role)
        statuses = (
            (await plant.ask("GET", f"/grants/{made['id']}/reads", caller)).status_code,
            (await plant.ask("POST", f"/grants/{made['id']}/pause", caller)).status_code,
        )
        assert statuses == allowed
    for key in (await plant.caller("admin"), {"Authorization": f"Bearer msh_{'0' * 10}_{'1' * 64}"}):
        assert (await plant.ask("GET", "/shared", key)).status_code == 401
    refused = await plant.ask(
        "POST",
        "/grants",
        await plant.caller("steward"),
        json={"name": "x", "terms": terms_of(assets=[{"path": "nowhere/*", "alias": "a-{n}"}])},
    )
    assert refused.status_code == 422
    assert refused.json()["field"] == "terms.assets.0"
