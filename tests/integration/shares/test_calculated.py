"""What is calculated on the fly is shared like the rest, as its owner looked at it, and never what it is made of."""

from typing import Any

import httpx

from tests.integration.api.service import GOOD
from tests.integration.shares.plant import PRESSES, Plant, terms_of

POWER = f"{PRESSES[0]}/motor/power"
TERMS: dict[str, Any] = {
    "tags": [{"path": "motor/power", "alias": "power", "aggregates": ["average", "count"], "classes": [50, 150]}],
    "assets": [{"path": PRESSES[0], "alias": "press-1"}],
    "floor": "1h",
}


class Sharing:
    """A share of one calculation, and the guest that reads it."""

    def __init__(self, plant: Plant, owner: dict[str, str], engineer: dict[str, str]) -> None:
        self.plant = plant
        self.owner = owner
        self.engineer = engineer
        self.grant: dict[str, Any] = {}
        self.calculation: dict[str, Any] = {}
        self.guest: dict[str, str] = {}

    async def begin(self, expression: str, **terms: Any) -> None:
        """Make calculation, share and key."""
        names = {name: each for name, each in self.names().items() if name in expression}
        body = {"path": POWER, "expression": expression, "variables": names}
        made = await self.plant.ask("POST", "/calculations", self.engineer, json=body)
        assert made.status_code == 201, made.text
        self.calculation = made.json()
        self.grant = await self.plant.share(self.owner, terms_of(**TERMS | terms))
        key = await self.plant.key(self.owner, self.grant["id"])
        self.guest = {"Authorization": f"Bearer {key['key']}"}

    def names(self) -> dict[str, int]:
        """The series that are shared by the calculation alone."""
        return {"load": self.plant.ids["load-1"], "current": self.plant.ids["current-1"]}

    async def change(self, expression: str) -> None:
        """Give the calculation another formula."""
        version = self.calculation["version"]
        names = {name: each for name, each in self.names().items() if name in expression}
        body = {"expression": expression, "variables": names, "mode": "on_the_fly"}
        address = f"/calculations/{self.calculation['id']}?version={version}"
        changed = await self.plant.ask("PUT", address, self.engineer, json=body)
        assert changed.status_code == 200, changed.text
        self.calculation = changed.json()

    async def read(self, what: str = "data", first: int = 0, last: int = 4, **more: Any) -> httpx.Response:
        """What the guest is told of some hours."""
        return await self.plant.ask(
            "GET", f"/shared/{what}", self.guest, params=self.plant.hours(first, last, interval="1h", **more)
        )

    async def averages(self, **more: Any) -> list[Any]:
        """Values by hour."""
        answer = await self.read(aggregate="average", **more)
        assert answer.status_code == 200, answer.text
        return [row[2] for row in answer.json()["rows"]]


async def sharing(plant: Plant) -> Sharing:
    return Sharing(plant, await plant.caller("steward"), await plant.caller("engineer"))


async def test_a_guest_reads_what_is_calculated_and_nothing_of_its_inputs(any_plant: Plant):
    plant = any_plant
    shared = await sharing(plant)
    await shared.begin("load * 2")
    offered = (await plant.ask("GET", "/shared/series", shared.guest)).json()["items"]
    assert [each["series"] for each in offered] == ["press-1/power"]
    # Of each hour 95, 60 and 20.
    assert await shared.averages() == [350 / 3] * 4
    classes = (await shared.read("classes")).json()["rows"]
    assert [row[5] for row in classes[:4]] == [1200.0, 1800.0, 600.0, 0.0]
    for name in ("load", "secret-current", str(plant.ids["load-1"]), str(plant.ids["current-1"])):
        answer = await shared.read(series=name)
        assert answer.status_code in {400, 404}, answer.text
    everything = "".join([(await shared.read()).text, (await shared.read("classes")).text, str(offered)])
    assert "secret" not in everything
    assert "load" not in everything


async def test_another_formula_is_held_back_until_the_owner_has_looked(plant: Plant):
    shared = await sharing(plant)
    # Of limited reach, which holds all the inputs.
    shared.owner = await plant.caller("steward", reach=[f"{PRESSES[0]}/**"])
    await shared.begin("load * 2")
    await shared.averages()
    await shared.change("load * 2 + current")
    assert (await plant.ask("GET", "/shared/series", shared.guest)).json()["items"] == []
    assert (await shared.read(aggregate="average")).status_code in {400, 404}
    address = f"/grants/{shared.grant['id']}"
    grant = (await plant.ask("GET", address, shared.owner)).json()
    assert [each["is_held_back"] for each in grant["content"]["series"]] == [True]
    body = {"name": grant["name"], "version": grant["version"], "terms": grant["terms"]}
    saved = await plant.ask("PUT", address, shared.owner, json=body)
    assert saved.status_code == 200, saved.text
    assert [each["is_held_back"] for each in saved.json()["content"]["series"]] == [False]
    assert len(await shared.averages()) == 4


async def test_what_it_is_made_of_by_another_calculation_is_held_back_too(plant: Plant):
    shared = await sharing(plant)
    inner = await plant.ask(
        "POST",
        "/calculations",
        shared.engineer,
        json={"path": "lab/inner", "expression": "load", "variables": {"load": plant.ids["load-1"]}},
    )
    assert inner.status_code == 201, inner.text
    await shared.begin('load + "lab/inner"')
    assert await shared.averages() == [350 / 3] * 4
    body = {"expression": "load * 3", "variables": {"load": plant.ids["load-1"]}, "mode": "on_the_fly"}
    changed = await plant.ask("PUT", f"/calculations/{inner.json()['id']}?version=1", shared.engineer, json=body)
    assert changed.status_code == 200, changed.text
    assert (await plant.ask("GET", "/shared/series", shared.guest)).json()["items"] == []


async def test_an_input_with_too_few_samples_hides_the_interval(plant: Plant):
    shared = await sharing(plant)
    # Three samples an hour of the load; of the current, which the guest must not learn, one in each of two hours.
    await shared.begin("load * 0 + current", least_samples=2)
    assert await shared.averages() == [None, None, None, None]
    more = [(plant.at(hours=3, minutes=minute), 20.0, None, GOOD) for minute in (5, 25, 45)]
    await plant.api.fill.samples(plant.ids["current-1"], more)
    assert (await shared.averages())[3] is not None
    assert (await shared.averages())[:3] == [None, None, None]
