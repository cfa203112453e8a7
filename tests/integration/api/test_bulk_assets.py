"""Bulk edit of assets by CSV: tried without a trace, all problems at once, applied whole or not at all."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.integration.api.service import Api
from tests.integration.api.test_assets import PRESS, TEMPLATE, asset, grow, paths

HEAD = "path,new_path,kind,name_en,name_zh,description,location,template,attributes,documents\n"


@pytest.fixture
async def hall(api: Api) -> Api:
    """The API with two presses, a template, and an engineer's key."""
    await grow(api, "gw-1", f"{PRESS}/motor/current", "hangzhou/press-shop/line-1/press-04/current")
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    await api.client.post("/api/v1/asset-templates", json=TEMPLATE)
    return api


async def send(api: Api, content: str | bytes, mode: str, media: str = "text/csv") -> httpx.Response:
    data = content if isinstance(content, bytes) else content.encode()
    headers = {"Content-Type": media}
    return await api.client.post("/api/v1/assets/bulk", content=data, headers=headers, params={"mode": mode})


async def everything(api: Api) -> list[Any]:
    tree = [{k: v for k, v in item.items() if k != "updated_at"} for item in (await api.get("/assets"))["items"]]
    return [tree, (await api.get("/series"))["items"], await api.fill.run("select count(*) from audit")]


async def test_a_sheet_makes_changes_and_moves_assets_at_once(hall: Api):
    sheet = (
        f'{HEAD}{PRESS},hangzhou/press-shop/line-9/3号压机,unit,Press 3,3号压机,,B7,Press,"{{""maker"": ""ACME""}}",\n'
        "hangzhou/press-shop/line-1,hangzhou/press-shop/line-9,,,九号线,,,,,\n"
        '杭州/新厂,,site,New,新厂,,,,,"[{""title"": ""图"", ""url"": ""https://x.example/1""}]"\n'
        "hangzhou,,,,,,,,,\n"
    )
    before = await everything(hall)
    tried = (await send(hall, sheet, "dry_run")).json()
    assert await everything(hall) == before
    done = await send(hall, sheet, "apply")
    assert done.status_code == 200, done.text
    assert done.json() == tried | {"mode": "apply"}
    assert (tried["created"], tried["unchanged"], tried["problems"]) == (["杭州/新厂"], 1, [])
    assert {move["to_path"] for move in tried["moved"]} == {
        "hangzhou/press-shop/line-9",
        "hangzhou/press-shop/line-9/3号压机",
    }
    press = await asset(hall, "hangzhou/press-shop/line-9/3号压机")
    assert (press["kind"], press["name"]["zh"], press["template"], press["attributes"]) == (
        "unit",
        "3号压机",
        "Press",
        {"maker": "ACME"},
    )
    assert (await asset(hall, "hangzhou/press-shop/line-9"))["name"] == {"en": None, "zh": "九号线"}
    assert [item["path"] for item in (await hall.get("/series"))["items"]] == [
        "hangzhou/press-shop/line-9/3号压机/motor/current",
        "hangzhou/press-shop/line-9/press-04/current",
    ]
    # What is exported goes in again and changes nothing.
    exported = await hall.client.get("/api/v1/assets", headers={"Accept": "text/csv"}, params={"csv": "excel"})
    again = (await send(hall, exported.content, "apply")).json()
    assert (again["created"], again["changed"], again["moved"]) == ([], [], [])
    assert again["unchanged"] == len(list(csv.DictReader(io.StringIO(exported.text))))


async def test_every_problem_is_told_and_nothing_is_applied(hall: Api):
    sheet = (
        f"{HEAD}{PRESS},,planet,,,,,,,\n"
        "hangzhou/press-shop,hangzhou/press-shop/line-1/x,,,,,,,,\n"
        'hangzhou/press-shop/line-1,,,,,,,Unknown,"{broken",\n'
        "a//b,,,,,,,,,\n"
        "new/place,hangzhou,,,,,,,,\n"
        "hangzhou,,,,,,,Nobody,,\n"
        "hangzhou,,,,,,,,,\n"
    )
    before = await everything(hall)
    tried = (await send(hall, sheet, "dry_run")).json()
    assert [(each["line"], each["column"]) for each in tried["problems"]] == [
        (2, "kind"),
        (3, "new_path"),
        (4, "attributes"),
        (5, "path"),
        (6, "new_path"),
        (7, "template"),
        (8, "path"),
    ]
    refused = (await send(hall, sheet, "apply")).json()
    assert refused["status"] == 422
    assert "line 2, kind" in {error["field"] for error in refused["errors"]}
    assert await everything(hall) == before


@pytest.mark.parametrize("separator", [";", "\t"])
async def test_cells_may_be_parted_as_a_spreadsheet_of_another_country_does(postgres_api: Api, separator: str):
    api = postgres_api
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    lines = [["path", "kind", "name_zh", "description"], ["厂", "site", "一厂", f'"a, b{separator} c"']]
    text = "\ufeff" + "\r\n".join(separator.join(cells) for cells in lines) + "\r\n"
    done = await send(api, text, "apply")
    assert done.status_code == 200, done.text
    (made,) = (await api.get("/assets", path="厂"))["items"]
    assert (made["kind"], made["name"]["zh"]) == ("site", "一厂")
    assert made["description"] == f"a, b{separator} c"


async def test_sheets_of_other_spreadsheets_are_read_or_explained(hall: Api):
    text = "path,name_zh\n杭州/一号线,一号线\n"
    assert (await send(hall, text.encode("gb18030"), "apply", "text/csv; charset=gb18030")).status_code == 200
    assert (await asset(hall, "杭州/一号线"))["name"]["zh"] == "一号线"
    unread = (await send(hall, text.encode("gb18030"), "apply")).json()
    assert "charset=gb18030" in unread["detail"]
    assert (await send(hall, "\ufeff" + text, "apply")).json()["unchanged"] == 1
    assert "no column" in (await send(hall, "path,colour\nx,red\n", "apply")).json()["detail"]
    assert (await send(hall, "", "apply")).status_code == 422
    assert (await send(hall, text, "apply", "application/json")).status_code == 415
    assert await paths(hall, path="x") == []
