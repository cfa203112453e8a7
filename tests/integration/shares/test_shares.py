"""A share: made by its owner, read by its recipient under the names that were chosen, and nothing beside it."""

from cloud_api.storage.instants import us_of
from tests.integration.api.rolled import roll_everything
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
