"""Corrections: the new value stands, the old one can be read, who and why is kept, and rollups are told."""

import httpx
import pytest

from tests.integration.api.service import BAD, GOOD, Api, at, shown

OVERRIDE = 0x00960000


@pytest.fixture
async def engineer(api: Api) -> httpx.AsyncClient:
    """The same client with an engineer's key."""
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    return api.client


def stretch(first: float, last: float) -> dict[str, str]:
    """A half-open stretch in seconds."""
    return {"from": shown(at(first)), "to": shown(at(last))}


async def test_a_corrected_value_stands_and_the_old_one_can_be_read(api: Api, engineer: httpx.AsyncClient):
    series_id = await api.fill.series("press/pressure")
    await api.fill.samples(series_id, [(at(second), float(second), None, GOOD) for second in range(5)])
    await api.fill.run("update rollup_progress set closed_until = %s, marked_until = %s returning 1", at(600), at(600))
    body = stretch(2, 4) | {"value": 7.5, "reason": " gauge was read wrongly "}
    made = await engineer.post(f"/api/v1/series/{series_id}/corrections", json=body)
    assert made.status_code == 200, made.text
    correction = made.json()
    assert (correction["sample_count"], correction["status"]) == (2, OVERRIDE)
    assert (correction["reason"], correction["principal"]) == ("gauge was read wrongly", "test-engineer")
    samples = (await api.get(f"/series/{series_id}/samples"))["items"]
    assert [(each["value"], each["status"]) for each in samples] == [
        (0.0, GOOD),
        (1.0, GOOD),
        (7.5, OVERRIDE),
        (7.5, OVERRIDE),
        (4.0, GOOD),
    ]
    old = await api.get(f"/series/{series_id}/corrections/{correction['id']}", limit=1)
    rest = await api.get(f"/series/{series_id}/corrections/{correction['id']}", cursor=old["next"])
    assert [(each["value"], each["status"]) for each in old["items"] + rest["items"]] == [(2.0, GOOD), (3.0, GOOD)]
    assert (await api.get(f"/series/{series_id}/corrections"))["items"] == [correction]
    marks = await api.fill.run("select from_at, to_at, series_ids::text from rollup_dirty")
    assert marks == [(at(0), at(60), f"{{[{series_id},{series_id + 1})}}")]
    audit = await api.fill.run("select principal, action, object from audit where action = 'series.correct'")
    assert audit == [("test-engineer", "series.correct", str(series_id))]


async def test_a_status_alone_leaves_the_values(api: Api, engineer: httpx.AsyncClient):
    series_id = await api.fill.series("press/recipe", "str")
    await api.fill.samples(series_id, [(at(0), None, "A", GOOD), (at(1), None, "B", GOOD)])
    body = stretch(1, 2) | {"status": BAD, "reason": "sensor was unplugged"}
    assert (await engineer.post(f"/api/v1/series/{series_id}/corrections", json=body)).status_code == 200
    (latest,) = (await api.get("/latest"))["items"]
    assert (latest["value"], latest["status"]) == ("B", BAD)


async def test_what_cannot_be_corrected_is_refused_with_what_is_allowed(api: Api, engineer: httpx.AsyncClient):
    series_id = await api.fill.series("press/count", "i64")
    await api.fill.samples(series_id, [(at(0), 1.0, None, GOOD)])
    address = f"/series/{series_id}/corrections"
    wrong = [
        (stretch(0, 1) | {"reason": "x"}, "value"),
        (stretch(0, 1) | {"value": 1.5, "reason": "x"}, "value"),
        (stretch(0, 1) | {"value": 1, "reason": "  "}, "reason"),
        (stretch(1, 0) | {"value": 1, "reason": "x"}, "to"),
        (stretch(5, 9) | {"value": 1, "reason": "x"}, "to"),
        (stretch(0, 1) | {"value": 1, "reason": "x", "force": True}, "force"),
    ]
    for body, field in wrong:
        problem = await api.refused("POST", address, json=body)
        assert (problem["status"], problem["field"]) == (422, field)
    await api.fill.run("update rollup_progress set raw_kept_from = %s returning 1", at(1))
    problem = await api.refused("POST", address, json=stretch(0, 1) | {"value": 1, "reason": "x"})
    assert (problem["field"], problem["allowed"]) == ("from", f"an instant from {shown(at(1))} on")
    assert (await api.refused("GET", "/series/99/corrections"))["status"] == 404
    assert (await api.get(f"/series/{series_id}/samples"))["items"][0]["value"] == 1


async def test_only_engineers_correct(api: Api):
    series_id = await api.fill.series("press/pressure")
    body = stretch(0, 1) | {"value": 1, "reason": "x"}
    assert (await api.refused("POST", f"/series/{series_id}/corrections", json=body))["status"] == 403


async def test_large_integers_keep_every_digit(api: Api, engineer: httpx.AsyncClient):
    series_id = await api.fill.series("press/serial", "u64")
    await api.fill.samples(series_id, [(at(0), 1.0, None, GOOD)])
    body = stretch(0, 1) | {"value": 2**64 - 1, "status": GOOD, "reason": "overflow"}
    made = await engineer.post(f"/api/v1/series/{series_id}/corrections", json=body)
    assert made.json()["value"] == 2**64 - 1
    (sample,) = (await api.get(f"/series/{series_id}/samples"))["items"]
    assert (sample["value"], sample["status"]) == (2**64 - 1, GOOD)
