"""The plant as its people call it: named by administrators, read by everybody, and obeyed by retention."""

from typing import Any

import pytest

from tests.integration.api.service import Api

CHANGE: dict[str, Any] = {"name": "杭州一厂", "shifts": ["22:00", "06:00", "14:00"], "retention": {"raw": "30d"}}


async def put(api: Api, body: Any, role: str = "admin") -> Any:
    headers = {"Authorization": f"Bearer {await api.fill.key(role)}"}
    return await api.client.put("/api/v1/site", json=body, headers=headers)


async def test_a_site_is_named_once_and_read_by_everybody(api: Api):
    before = await api.get("/site")
    assert (before["name"], before["set_up_at"]) == ("", None)
    assert before["retention_used"] == {"raw": "forever", "minutes": "forever", "quarters": "forever"}
    assert (await put(api, CHANGE)).status_code == 200
    found = await api.get("/site")
    assert (found["name"], found["shifts"]) == ("杭州一厂", ["06:00", "14:00", "22:00"])
    assert found["retention"] == {"raw": "30d", "minutes": None, "quarters": None}
    assert found["retention_used"]["raw"] == "30d"
    assert found["set_up_at"] is not None


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer", "auditor"])
async def test_administrators_alone_change_it(role: str, postgres_api: Api):
    assert (await put(postgres_api, CHANGE, role)).status_code == 403


@pytest.mark.parametrize(
    ("retention", "field"),
    [
        ({"raw": "1d"}, "retention.raw"),
        ({"raw": "soon"}, "retention.raw"),
        ({"raw": "5y", "minutes": "2y"}, "retention.minutes"),
        ({"raw": "5y", "minutes": "6y", "quarters": "1y"}, "retention.quarters"),
    ],
)
async def test_retention_that_makes_no_sense_is_refused(retention: Any, field: str, postgres_api: Api):
    answer = await put(postgres_api, CHANGE | {"retention": retention})
    assert answer.status_code == 422
    assert field in answer.text


async def test_shifts_are_times_of_day(postgres_api: Api):
    assert (await put(postgres_api, CHANGE | {"shifts": ["25:00"]})).status_code == 422
    assert (await put(postgres_api, CHANGE | {"shifts": []})).status_code == 422
