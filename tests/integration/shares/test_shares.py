"""A share: made by its owner, read by its recipient under the names that were chosen, and nothing beside it."""

from typing import Any

import pytest
from psycopg import errors

from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import open_pool
from cloud_api.storage.share_reads import shared_transaction
from tests.integration.api.rolled import roll_everything
from tests.integration.api.service import shown
from tests.integration.shares.plant import Plant, terms_of


async def test_what_is_shared_is_read_and_nothing_else(any_plant: Plant):
    plant = any_plant
    owner = await plant.caller("steward")
    grant = await plant.share(owner, terms_of())
    assert [each["alias"] for each in grant["content"]["series"]] == [
        "press-1/load",
        "press-1/running",
        "press-2/load",
        "press-2/running",
    ]
    key = await plant.key(owner, grant["id"])
    guest = {"Authorization": f"Bearer {key['key']}"}
    described = (await plant.ask("GET", "/shared", guest)).json()
    assert described["purpose_zh"] == "按使用情况计算保费"
    assert described["series_count"] == 4
    listed = await plant.ask("GET", "/shared/series", guest)
    assert listed.json()["assets"] == ["press-1", "press-2"]
    data = await plant.ask("GET", "/shared/data", guest, params=plant.hours(0, 3, series="*/running"))
    assert data.status_code == 200, data.text
    rows = data.json()["rows"]
    assert data.json()["columns"] == ["series", "time", "duration_in_state_non_zero", "count", "status"]
    assert [(row[0], row[2], row[3], row[4]) for row in rows] == [
        *[("press-1/running", 900_000.0, 2, 0)] * 3,
        *[("press-2/running", 1_800_000.0, 2, 0)] * 3,
    ]
    classes = (await plant.ask("GET", "/shared/classes", guest, params=plant.hours(1, 2))).json()
    assert [(row[0], row[2], row[5]) for row in classes["rows"]][:5] == [
        ("press-1/load", "1", 1200.0),
        ("press-1/load", "2", 1800.0),
        ("press-1/load", "3", 600.0),
        ("press-1/load", "4", 0.0),
        ("press-1/load", "unknown", 0.0),
    ]
    await roll_everything(plant.api.fill, us_of(plant.at(hours=72)))
    for path, parameters, before in (
        ("/shared/data", plant.hours(0, 3, series="*/running"), data.json()),
        ("/shared/classes", plant.hours(1, 2), classes),
    ):
        rolled = await plant.ask("GET", path, guest, params=parameters)
        assert rolled.json() == before
    alarms = (await plant.ask("GET", "/shared/alarms", guest, params=plant.hours(1, 3))).json()
    counted = {(row[0], row[1][11:13], row[2]): row[3] for row in alarms["rows"]}
    assert counted["press-1", "01", "high"] == 2
    assert counted["press-1", "01", "critical"] == 0
    assert len(counted) == 8
    for answer in (listed, data):
        assert "secret" not in answer.text
    reads = (await plant.ask("GET", f"/grants/{grant['id']}/reads", owner)).json()["items"]
    assert [(read["what"], read["rows"], read["outcome"]) for read in reads] == [
        ("alarms", 8, "done"),
        ("classes", 10, "done"),
        ("data", 6, "done"),
        ("classes", 10, "done"),
        ("data", 6, "done"),
        ("series", 0, "done"),
        ("describe", 0, "done"),
    ]


async def test_what_a_mistake_in_a_route_could_show(any_plant: Plant):
    """The role of shares finds what the share holds under its names, and has no right to anything beside."""
    plant = any_plant
    owner = await plant.caller("steward")
    since = plant.at(hours=48)
    grant = await plant.share(owner, terms_of(window={"from": shown(since), "to": shown(plant.at(hours=60))}))
    pool = await open_pool(plant.api.fill.url, 1)

    async def found(query: str) -> list[tuple[Any, ...]]:
        async with shared_transaction(pool, grant["id"]) as connection:
            cursor = await connection.execute(query.encode())
            return await cursor.fetchall()

    try:
        series = await found("select * from series order by path")
        assert [row[1] for row in series] == ["press-1/load", "press-1/running", "press-2/load", "press-2/running"]
        assert "secret" not in str(series)
        ((first, last, ids),) = await found("select min(time), max(time), array_agg(distinct series_id) from sample")
        # A day before the window as well: what held when it began.
        assert plant.at(hours=24) <= first < since < last < plant.at(hours=60)
        assert sorted(ids) == sorted(row[0] for row in series)
        assert await found("select distinct alias from alarm_raise") == []
        for table in ("series", "sample", "latest", "share", "share_key", "audit", "principal", "alarm_journal"):
            with pytest.raises(errors.InsufficientPrivilege):
                await found(f"select * from public.{table}")
        with pytest.raises(errors.InsufficientPrivilege):
            await found("delete from sample returning 1")
        await plant.ask("POST", f"/grants/{grant['id']}/revoke", owner)
        for view in ("series", "sample", "rollup_1m", "alarm_raise", "asset_alias", "this_share", "rollup_progress"):
            assert await found(f"select * from {view}") == [], view
    finally:
        await pool.close()
