"""What people keep for themselves: their own alone, small, and at most so much."""

from typing import Any

import pytest

from cloud_api.views import router
from tests.integration.api.service import Api
from tests.integration.api.test_users import People, kind


@pytest.fixture
async def people(api: Api) -> People:
    """People on each engine."""
    return People(api, {"Authorization": f"Bearer {await api.fill.key('admin')}"})


async def keep(people: People, session: dict[str, str], name: str, content: Any) -> Any:
    return await people.ask("PUT", f"/me/views/{name}", {"content": content}, session)


async def test_a_view_is_kept_replaced_and_forgotten(people: People):
    _, session = await people.settled("wang.li")
    filters = {"priority": ["high"], "path": "大厅/**"}
    assert (await keep(people, session, "alarms.filter", filters)).json()["content"] == filters
    assert (await keep(people, session, "alarms.filter", {"path": "x"})).status_code == 200
    assert (await keep(people, session, "trends.last", {"span": "8h"})).status_code == 200
    found = (await people.ask("GET", "/me/views?prefix=alarms", headers=session)).json()["items"]
    assert [(view["name"], view["content"]) for view in found] == [("alarms.filter", {"path": "x"})]
    assert (await people.ask("DELETE", "/me/views/alarms.filter", headers=session)).status_code == 204
    assert kind(await people.ask("DELETE", "/me/views/alarms.filter", headers=session)) == "not-found"
    assert len((await people.ask("GET", "/me/views", headers=session)).json()["items"]) == 1


async def test_nobody_sees_the_views_of_others(people: People):
    _, one = await people.settled("one")
    _, other = await people.settled("other")
    await keep(people, one, "mine", {"a": 1})
    assert (await people.ask("GET", "/me/views", headers=other)).json()["items"] == []
    assert kind(await people.ask("DELETE", "/me/views/mine", headers=other)) == "not-found"


@pytest.mark.parametrize("name", ["Upper", "a b", ".hidden", "x" * 65])
async def test_a_name_that_is_none_is_refused(name: str, people: People):
    _, session = await people.settled("wang.li")
    assert kind(await keep(people, session, name, {})) == "parameter-invalid"


async def test_what_is_too_large_or_too_much_is_refused(people: People, monkeypatch: pytest.MonkeyPatch):
    _, session = await people.settled("wang.li")
    assert kind(await keep(people, session, "large", {"text": "x" * 70_000})) == "body-invalid"
    monkeypatch.setattr(router, "MOST_VIEWS", 2)
    assert (await keep(people, session, "a", {})).status_code == 200
    assert (await keep(people, session, "b", {})).status_code == 200
    assert kind(await keep(people, session, "c", {})) == "conflict"
    assert (await keep(people, session, "b", {"again": 1})).status_code == 200


async def test_a_key_has_no_views(people: People):
    assert kind(await people.ask("GET", "/me/views", headers=people.admin)) == "conflict"
