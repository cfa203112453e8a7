"""The asset tree: it grows from tag paths, is edited, moves whole or not at all, and stands for its series."""

from typing import Any

import httpx
import pytest

from cloud_api.ingest.series_map import ensure_series
from cloud_api.storage.pool import open_pool
from tests.integration.api.service import GOOD, Api, at, shown

PRESS = "hangzhou/press-shop/line-1/press-03"
TAGS = (f"{PRESS}/motor/current", f"{PRESS}/pressure", "杭州/冲压车间/一号线/温度")


async def grow(api: Api, agent: str, *paths: str) -> None:
    """Make series as ingest does."""
    pool = await open_pool(api.fill.url, 1)
    try:
        async with pool.connection() as connection:
            await ensure_series(connection, agent, list(paths))
    finally:
        await pool.close()


@pytest.fixture
async def tree(api: Api) -> Api:
    """The API with series of one agent, and an engineer's key."""
    await grow(api, "gw-1", *TAGS)
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    return api


async def paths(api: Api, **parameters: Any) -> list[str]:
    return [item["path"] for item in (await api.get("/assets", **parameters))["items"]]


async def asset(api: Api, path: str) -> dict[str, Any]:
    (found,) = (await api.get("/assets", path=path))["items"]
    return found


async def patch(api: Api, asset_id: int, **change: Any) -> httpx.Response:
    return await api.client.patch(f"/api/v1/assets/{asset_id}", json=change)


async def generation(api: Api) -> int:
    return int((await api.fill.run("select series_generation from lease where name = 'ingest'"))[0][0])


async def test_the_tree_grows_from_tag_paths(tree: Api):
    await grow(tree, "gw-1", *TAGS)  # again changes nothing
    found = (await tree.get("/assets"))["items"]
    assert [(item["path"], item["kind"], item["children"], item["series"]) for item in found] == [
        ("hangzhou", "site", 1, 0),
        ("hangzhou/press-shop", "area", 1, 0),
        ("hangzhou/press-shop/line-1", "line", 1, 0),
        (PRESS, "asset", 1, 1),
        (f"{PRESS}/motor", "asset", 0, 1),
        ("杭州", "site", 1, 0),
        ("杭州/冲压车间", "area", 1, 0),
        ("杭州/冲压车间/一号线", "line", 0, 1),
    ]
    assert await paths(tree, depth=1) == ["hangzhou", "杭州"]
    assert await paths(tree, asset="hangzhou", depth=1) == ["hangzhou/press-shop"]
    assert await paths(tree, asset="hangzhou/press-shop", depth=2, kind="asset") == [PRESS]
    assert await paths(tree, q="一号线") == ["杭州/冲压车间/一号线"]
    seen = [item["path"] async for items in tree.pages("/assets", limit=3) for item in items]
    assert seen == [item["path"] for item in found]


async def test_under_an_enterprise_levels_count_from_it(api: Api):
    api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
    made = await api.client.post("/api/v1/assets", json={"path": "acme", "kind": "enterprise"})
    assert made.status_code == 200
    await grow(api, "gw-1", "acme/hangzhou/press-shop/line-1/press-03/t")
    kinds = [item["kind"] for item in (await api.get("/assets"))["items"]]
    assert kinds == ["enterprise", "site", "area", "line", "asset"]


async def test_an_asset_stands_for_all_series_below_it(tree: Api):
    line = await asset(tree, "hangzhou/press-shop/line-1")
    tags = (await tree.get(f"/assets/{line['id']}/series"))["items"]
    assert [item["tag"] for item in tags] == ["press-03/motor/current", "press-03/pressure"]
    assert (await tree.get(f"/assets/{line['id']}/series", limit=1))["next"]


async def test_everything_that_takes_a_glob_takes_an_asset(tree: Api):
    line = await asset(tree, "hangzhou/press-shop/line-1")
    ids = {item["path"]: item["id"] for item in (await tree.get("/series"))["items"]}
    for series_id in ids.values():
        await tree.fill.samples(series_id, [(at(), 1.0, None, GOOD)])
    press = sorted(path for path in ids if path.startswith("hangzhou/"))
    for name in (line["id"], line["path"]):
        for listing in ("/series", "/latest"):
            assert [item["path"] for item in (await tree.get(listing, asset=name))["items"]] == press
            assert [
                item["path"] for item in (await tree.get(listing, asset=name, path="**/current"))["items"]
            ] == press[:1]
    window = {"from": shown(at()), "to": shown(at(60)), "interval": "1m"}
    answer = await tree.query(series=["**"], asset=line["id"], **window)
    assert [series["path"] for series in answer["series"]] == press
    alone = await tree.query(asset=line["id"], **window)
    assert [series["path"] for series in alone["series"]] == press
    linked = await tree.get("/query", asset=line["path"], **window)
    assert [series["path"] for series in linked["series"]] == press
    assert (await tree.refused("POST", "/query", json={"asset": "no/where", **window}))["field"] == "asset"
    for listing in ("/latest", "/calculations", "/entry-series", "/alarm-definitions", "/query"):
        unknown = {"asset": "no/where", **(window if listing == "/query" else {})}
        assert (await tree.refused("GET", listing, params=unknown))["status"] == 404, listing
    gaps = "insert into gap (agent, device, paths, from_at, to_at, reason, digest) values (%s, %s, %s, %s, %s, 'r', %s)"
    for number, (agent, gap_paths) in enumerate((("gw-1", None), ("gw-1", [TAGS[2]]), ("gw-9", None))):
        await tree.fill.run(gaps, agent, None, gap_paths, at(), at(1), str(number).encode())
    assert [gap["paths"] for gap in (await tree.get("/gaps", asset=line["id"]))["items"]] == [None]
    assert len((await tree.get("/gaps", asset="杭州"))["items"]) == 2


async def test_an_asset_is_described_in_two_languages(tree: Api):
    press = await asset(tree, PRESS)
    change = {
        "kind": "unit",
        "name": {"en": "Press 3", "zh": "3号压机"},
        "location": "2号车间 B7",
        "attributes": {"maker": "ACME", "year": 2019},
        "documents": [{"title": "手册", "url": "https://docs.example/press-3"}],
    }
    answer = (await patch(tree, press["id"], **change)).json()
    assert {key: answer[key] for key in change} == change
    renamed = (await patch(tree, press["id"], name={"zh": "三号压机"}, location=None)).json()
    assert renamed["name"] == {"en": "Press 3", "zh": "三号压机"}
    assert renamed["location"] is None
    assert renamed["attributes"] == change["attributes"]
    assert await paths(tree, q="三号压机") == [PRESS]
    actions = await tree.fill.run("select action, detail->'to'->'name'->>'zh' from audit order by id")
    assert actions == [("asset.change", "3号压机"), ("asset.change", "三号压机")]


async def test_a_move_keeps_ids_and_takes_everything_along(tree: Api):
    before = {item["path"]: item["id"] for item in (await tree.get("/series"))["items"]}
    generation_before = await generation(tree)
    press = await asset(tree, PRESS)
    moved = await patch(tree, press["id"], path="hangzhou/press-shop/line-2/压机-03")
    assert moved.status_code == 200, moved.text
    assert moved.json()["id"] == press["id"]
    after = {item["path"]: item["id"] for item in (await tree.get("/series"))["items"]}
    there = "hangzhou/press-shop/line-2/压机-03"
    assert after == {path.replace(PRESS, there): series_id for path, series_id in before.items()}
    assert [item["asset"] for item in (await tree.get("/series", path=f"{there}/**"))["items"]] == [
        f"{there}/motor",
        there,
    ]
    assert await generation(tree) == generation_before + 1
    assert (await asset(tree, "hangzhou/press-shop/line-2"))["kind"] == "line"
    (detail,) = await tree.fill.run("select detail from audit where action = 'asset.move'")
    assert detail[0] == {"from": PRESS, "to": there, "assets": 2, "series": 2}


async def test_new_tags_of_a_moved_asset_show_where_it_is_now(tree: Api):
    press = await asset(tree, PRESS)
    await patch(tree, press["id"], path="hangzhou/a/b/c")
    await patch(tree, press["id"], path="hangzhou/press-shop/line-2/press-03")
    motor = await asset(tree, "hangzhou/press-shop/line-2/press-03/motor")
    await patch(tree, motor["id"], path="hangzhou/spare/motor")
    await grow(tree, "gw-1", f"{PRESS}/speed", f"{PRESS}/motor/torque", f"{PRESS}x/speed")
    # Another device that takes the old place is another one.
    await grow(tree, "gw-2", f"{PRESS}/speed")
    shown = {
        (item["agent"], item["source_path"]): item["path"] for item in (await tree.get("/series", limit=50))["items"]
    }
    assert shown["gw-1", f"{PRESS}/speed"] == "hangzhou/press-shop/line-2/press-03/speed"
    assert shown["gw-1", f"{PRESS}/motor/torque"] == "hangzhou/spare/motor/torque"
    assert shown["gw-1", f"{PRESS}x/speed"] == f"{PRESS}x/speed"
    assert shown["gw-2", f"{PRESS}/speed"] == f"{PRESS}/speed"


async def test_a_move_that_meets_anything_moves_nothing(tree: Api):
    await grow(tree, "gw-2", "hangzhou/press-shop/line-2/press-03/pressure")
    press = await asset(tree, PRESS)
    before = await paths(tree)
    body = {"path": "hangzhou/press-shop/line-2/press-03", "location": "nowhere"}
    problem = await tree.refused("PATCH", f"/assets/{press['id']}", json=body)
    assert problem["type"].endswith("conflict")
    assert {error["value"] for error in problem["errors"]} == {
        "hangzhou/press-shop/line-2/press-03",
        "hangzhou/press-shop/line-2/press-03/pressure",
    }
    assert await paths(tree) == before
    assert (await asset(tree, PRESS))["location"] is None
    assert not await tree.fill.run("select 1 from audit")


IMPOSSIBLE = (f"{PRESS}/inside", "a//b", "a/*", "", None, "/".join("abcdefghijkl"), "hangzhou", "hangzhou/press-shop")


async def test_impossible_moves_are_refused(tree: Api):
    press = await asset(tree, PRESS)
    for path in IMPOSSIBLE:
        problem = await tree.refused("PATCH", f"/assets/{press['id']}", json={"path": path})
        assert problem["field"] == "path"
        assert await asset(tree, PRESS) == press


async def test_an_asset_in_use_is_not_deleted(tree: Api):
    press = await asset(tree, PRESS)
    problem = await tree.refused("DELETE", f"/assets/{press['id']}")
    assert "2 series in use" in problem["detail"]
    for series in (await tree.get("/series", path=f"{PRESS}/**"))["items"]:
        await tree.client.delete(f"/api/v1/series/{series['id']}")
    answer = await tree.client.delete(f"/api/v1/assets/{press['id']}")
    assert answer.json() == {"deleted": [PRESS, f"{PRESS}/motor"]}
    assert (await tree.refused("GET", f"/assets/{press['id']}"))["type"].endswith("not-found")


async def test_a_viewer_changes_nothing(api: Api):
    await grow(api, "gw-1", *TAGS)
    press = await asset(api, PRESS)
    for method, path in (
        ("PATCH", f"/assets/{press['id']}"),
        ("DELETE", f"/assets/{press['id']}"),
        ("POST", "/assets"),
    ):
        assert (await api.refused(method, path, json={"path": "x"}))["status"] == 403


async def test_a_doubled_path_and_an_unknown_template_are_refused(tree: Api):
    assert (await tree.refused("POST", "/assets", json={"path": PRESS}))["status"] == 409
    assert (await tree.refused("POST", "/assets", json={"path": "x", "template_id": 7}))["field"] == "template_id"
    assert (await tree.refused("POST", "/assets", json={"path": "x", "kind": "planet"}))["field"] == "kind"
    assert (await tree.refused("GET", "/assets", params={"asset": "no/where"}))["status"] == 404


TEMPLATE = {
    "name": "Press",
    "tags": [
        {"tag": "motor/current", "unit": "A", "low": 0, "high": 40, "scan_period_s": 1},
        {"tag": "pressure", "unit": "bar"},
        {"tag": "speed"},
        {"tag": "注油", "presence": "optional"},
    ],
}


async def test_a_template_reports_what_is_missing_extra_or_different(tree: Api):
    made = await tree.client.post("/api/v1/asset-templates", json=TEMPLATE)
    assert made.status_code == 200, made.text
    template = made.json()
    press = await asset(tree, PRESS)
    assert (await patch(tree, press["id"], template_id=template["id"])).json()["template"] == "Press"
    await grow(tree, "gw-1", f"{PRESS}/oil")
    await tree.fill.run(
        "update series set unit = 'A', low = 0, high = 50, scan_period_s = 1 where path like '%%current'"
    )
    await tree.fill.run("update series set unit = 'bar' where path like '%%pressure'")
    report = await tree.get(f"/asset-templates/{template['id']}/report")
    assert report["items"] == [
        {
            "asset_id": press["id"],
            "path": PRESS,
            "verdict": "deviates",
            "missing": ["speed"],
            "extra": ["oil"],
            "differing": [{"tag": "motor/current", "field": "high", "expected": 40.0, "found": 50.0}],
        }
    ]
    sheet = await tree.client.get(
        f"/api/v1/asset-templates/{template['id']}/report", headers={"Accept": "text/csv"}, params={"csv": "excel"}
    )
    assert sheet.text.startswith("\ufeffasset_id,path,finding")
    assert f"{press['id']},{PRESS},missing,speed,,,\r\n" in sheet.text
    assert (await tree.refused("DELETE", f"/asset-templates/{template['id']}"))["status"] == 409
    # What hangs below an asset that has its own template is that one's.
    other = (await tree.client.post("/api/v1/asset-templates", json=TEMPLATE | {"name": "Motor"})).json()
    motor = await asset(tree, f"{PRESS}/motor")
    await patch(tree, motor["id"], template_id=other["id"])
    (item,) = (await tree.get(f"/asset-templates/{template['id']}/report"))["items"]
    assert item["missing"] == ["motor/current", "speed"]


async def test_templates_are_changed_and_refused(tree: Api):
    first = (await tree.client.post("/api/v1/asset-templates", json=TEMPLATE)).json()
    assert (await tree.refused("POST", "/asset-templates", json=TEMPLATE))["status"] == 409
    doubled = {"name": "x", "tags": [{"tag": "a"}, {"tag": "a"}]}
    assert "more than once" in (await tree.refused("POST", "/asset-templates", json=doubled))["detail"]
    change = {"tags": [{"tag": "only"}], "description": "冲压"}
    changed = (await tree.client.patch(f"/api/v1/asset-templates/{first['id']}", json=change)).json()
    assert ([tag["tag"] for tag in changed["tags"]], changed["description"], changed["name"]) == (
        ["only"],
        "冲压",
        "Press",
    )
    assert (await tree.client.delete(f"/api/v1/asset-templates/{first['id']}")).status_code == 200
    assert (await tree.get("/asset-templates"))["items"] == []
