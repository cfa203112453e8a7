"""Latest, series and raw samples: exact values, exact bounds, pages that stay true while series are added."""

import math
from datetime import timedelta
from typing import Any

from tests.integration.api.service import BAD, GOOD, UNCERTAIN, Api, Row, at, shown

EXACT: list[tuple[str, float | None, str | None, int, Any]] = [
    ("f64", 0.1 + 0.2, None, GOOD, 0.1 + 0.2),
    ("f64", None, "NaN", GOOD, "NaN"),
    ("f64", None, "-Infinity", GOOD, "-Infinity"),
    ("f64", None, None, BAD, None),
    ("f64", 5e-324, None, UNCERTAIN, 5e-324),
    ("i64", float(2**63), str(2**63 - 1), GOOD, 2**63 - 1),
    ("i64", float(-(2**63)), str(-(2**63)), GOOD, -(2**63)),
    ("i64", 42.0, None, GOOD, 42),
    ("u64", float(2**64), str(2**64 - 1), GOOD, 2**64 - 1),
    ("bool", 1.0, None, GOOD, True),
    ("bool", 0.0, None, GOOD, False),
    ("str", None, "配方 'A'; drop table sample; --", GOOD, "配方 'A'; drop table sample; --"),
    ("json", None, '{"a":[1,2.5,null]}', GOOD, {"a": [1, 2.5, None]}),
]


async def test_values_come_back_exactly_as_they_were_read(api: Api):
    ids = []
    for index, (kind, value, text, status, _) in enumerate(EXACT):
        ids.append(await api.fill.series(f"exact/{index:02d}", kind))
        await api.fill.samples(ids[-1], [(at(0, 123_456), value, text, status)])
    latest = (await api.get("/latest", path="exact/*"))["items"]
    assert [item["value"] for item in latest] == [expected for *_, expected in EXACT]
    assert [type(item["value"]) for item in latest] == [type(expected) for *_, expected in EXACT]
    assert [item["status"] for item in latest] == [status for *_, status, _ in EXACT]
    assert latest[3]["quality"] == "bad"
    assert {item["time"] for item in latest} == {"2026-01-31T08:00:00.123456Z"}
    for series_id, (*_, expected) in zip(ids, EXACT, strict=True):
        (sample,) = (await api.get(f"/series/{series_id}/samples"))["items"]
        assert sample["value"] == expected
        assert type(sample["value"]) is type(expected)


async def test_javascript_may_ask_for_strings(postgres_api: Api):
    series_id = await postgres_api.fill.series("counter", "u64")
    await postgres_api.fill.samples(series_id, [(at(), 1.0, None, GOOD), (at(1), 2.0**64, str(2**64 - 1), GOOD)])
    page = await postgres_api.get(f"/series/{series_id}/samples", int64="string")
    assert [item["value"] for item in page["items"]] == ["1", "18446744073709551615"]
    (latest,) = (await postgres_api.get("/latest", int64="string"))["items"]
    assert latest["value"] == "18446744073709551615"


async def test_from_is_included_and_to_is_not_to_the_microsecond(api: Api):
    series_id = await api.fill.series("edge")
    await api.fill.samples(series_id, [(at(0, offset), float(offset), None, GOOD) for offset in (-1, 0, 1, 999_999)])
    page = await api.get(f"/series/{series_id}/samples", **{"from": shown(at()), "to": shown(at(0, 999_999))})
    assert [item["value"] for item in page["items"]] == [0.0, 1.0]
    assert page["items"][1]["time"] == "2026-01-31T08:00:00.000001Z"
    offset = {"from": "2026-01-31T16:00:00.000001+08:00", "to": "2026-01-31T16:00:00.000002+08:00"}
    assert [item["value"] for item in (await api.get(f"/series/{series_id}/samples", **offset))["items"]] == [1.0]


async def test_pages_of_samples_join_without_hole_or_double_across_days(api: Api):
    series_id = await api.fill.series("long")
    rows: list[Row] = [(at(hours * 3600), float(hours), None, GOOD) for hours in range(-30, 30)]
    await api.fill.samples(series_id, rows)
    seen: list[float] = []
    async for items in api.pages(f"/series/{series_id}/samples", limit=7):
        assert len(items) <= 7
        seen += [item["value"] for item in items]
        # What arrives behind the cursor moves nothing.
        await api.fill.samples(series_id, [(at(-40 * 3600 - len(seen)), -1.0, None, GOOD)])
    assert seen == [float(hours) for hours in range(-30, 30)]


async def test_pages_of_series_are_stable_while_series_are_added(api: Api):
    for name in "bdfhjln":
        await api.fill.series(f"p/{name}")
    seen: list[str] = []
    async for items in api.pages("/series", limit=2, path="p/*"):
        seen += [item["path"] for item in items]
        await api.fill.series(f"p/a{len(seen)}")  # behind the cursor
    assert seen == [f"p/{name}" for name in "bdfhjln"]


async def test_pages_of_latest(api: Api):
    for name in ("x", "y", "z", "工"):
        await api.fill.samples(await api.fill.series(f"l/{name}"), [(at(), 1.0, None, GOOD)])
    seen = [item["path"] async for items in api.pages("/latest", limit=3, path="l/*") for item in items]
    assert seen == ["l/x", "l/y", "l/z", "l/工"]


PATHS = ["a/b/c", "a/b", "a", "a/x_y", "a/xzy", "a/50%", "a/50x", "a/[b]", "a/.*", "a/b\\d", "a/b1", "杭州/冲压/温度"]


GLOBS: dict[str, list[str]] = {
    "a/*": ["a/.*", "a/50%", "a/50x", "a/[b]", "a/b", "a/b1", "a/b\\d", "a/x_y", "a/xzy"],
    "a/**": ["a", "a/.*", "a/50%", "a/50x", "a/[b]", "a/b", "a/b/c", "a/b1", "a/b\\d", "a/x_y", "a/xzy"],
    "a/x_y": ["a/x_y"],
    "a/50%": ["a/50%"],
    "a/[b]": ["a/[b]"],
    "a/.*": ["a/.*"],
    "a/b\\d": ["a/b\\d"],
    "**/c": ["a/b/c"],
    "*/冲压/**": ["杭州/冲压/温度"],
    "杭州/**": ["杭州/冲压/温度"],
    "A/*": [],
    "a/x*y": ["a/x_y", "a/xzy"],
    "nothing": [],
}


async def test_globs_mean_the_same_in_sql_as_in_words(api: Api):
    for path in PATHS:
        await api.fill.series(path)
    found = {glob: [item["path"] for item in (await api.get("/series", path=glob))["items"]] for glob in GLOBS}
    assert found == {glob: sorted(paths, key=str.encode) for glob, paths in GLOBS.items()}


async def test_words_are_found_in_path_and_description_with_no_wildcards(postgres_api: Api):
    await postgres_api.fill.series("a/motor", description="Main drive 100%")
    await postgres_api.fill.series("a/pump_1", description="cooling")
    await postgres_api.fill.series("a/pumpX1")

    async def find(words: str) -> list[str]:
        return [item["path"] for item in (await postgres_api.get("/series", q=words))["items"]]

    assert await find("MAIN") == ["a/motor"]
    assert await find("100%") == ["a/motor"]
    assert await find("pump_1") == ["a/pump_1"]
    assert await find("%") == ["a/motor"]
    assert await find("\\") == []


async def test_chinese_is_found_by_its_sound(api: Api):
    await api.fill.series("a/1", description="主轴电流")
    await api.fill.series("杭州/温度")
    await api.fill.series("press/motor")

    async def find(words: str) -> list[str]:
        return [item["path"] for item in (await api.get("/series", q=words))["items"]]

    for words in ("电流", "dianliu", "DianLiu", "dian liu", "dl", "dianl", "zzdl"):
        assert await find(words) == ["a/1"], words
    assert await find("hangzhou") == await find("wd") == ["杭州/温度"]
    assert await find("motor") == ["press/motor"]
    assert await find("dianlv") == []


async def test_series_are_found_by_the_names_of_their_asset(postgres_api: Api):
    await postgres_api.fill.run(
        "insert into asset (path, kind, name_en, name_zh) values ('w/m1', 'asset', 'Press 3', '三号压机')"
    )
    await postgres_api.fill.series("w/m1/x")
    for words in ("press 3", "压机", "yaji", "shyj"):
        found = await postgres_api.get("/series", q=words)
        assert [item["path"] for item in found["items"]] == ["w/m1/x"], words
        assert [each["path"] for each in (await postgres_api.get("/assets", q=words))["items"]] == ["w/m1"]


async def test_a_series_is_described(postgres_api: Api):
    series_id = await postgres_api.fill.series(
        "a/b", "f32", unit="°C", description="barrel", low=0.0, high=300.0, device="press", scan_period_s=0.5
    )
    series = await postgres_api.get(f"/series/{series_id}")
    assert series["id"] == series_id
    assert (series["unit"], series["low"], series["high"], series["scan_period_s"]) == ("°C", 0.0, 300.0, 0.5)
    assert (series["agent"], series["source_path"], series["retired_at"]) == ("gw-1", "a/b", None)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/latest", {"path": "a//b"}, "path"),
    ("/latest", {"limit": 0}, "limit"),
    ("/latest", {"limit": 10_001}, "limit"),
    ("/latest", {"form": "csv"}, "form"),
    ("/series", {"path": "a**"}, "path"),
    ("/series", {"q": ""}, "q"),
    ("/series/0", {}, "series_id"),
    ("/series/x", {}, "series_id"),
    ("/series/1/samples", {"from": "2026-01-31T08:00:00"}, "from"),
    ("/series/1/samples", {"from": "2026-01-31T08:00:00 08:00"}, "from"),
    ("/series/1/samples", {"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "to"),
    ("/series/1/samples", {"from": "2026-02-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, "to"),
    ("/series/1/samples", {"limit": 100_001}, "limit"),
    ("/series/1/samples", {"int64": "hex"}, "int64"),
    ("/gaps", {"from": "yesterday"}, "from"),
    ("/agents", {"page": 2}, "page"),
    ("/rejects", {"replayed": "maybe"}, "replayed"),
]


async def test_wrong_parameters_are_named(postgres_api: Api):
    for path, parameters, field in WRONG:
        problem = await postgres_api.refused("GET", path, params=parameters)
        assert problem["type"] == "urn:millstream:problem:parameter-invalid", (path, parameters)
        assert (problem["status"], problem["field"]) == (400, field)
        assert problem["detail"]


async def test_cursors_are_not_interchangeable_and_show_damage(postgres_api: Api):
    for name in "abc":
        await postgres_api.fill.series(f"c/{name}")
    cursor = (await postgres_api.get("/series", path="c/*", limit=1))["next"]
    for parameters in (
        {"path": "**", "cursor": cursor},
        {"path": "c/*", "cursor": cursor[:-2] + "AA"},
        {"path": "c/*", "cursor": "rubbish"},
    ):
        problem = await postgres_api.refused("GET", "/series", params=parameters)
        assert problem["type"] == "urn:millstream:problem:cursor-invalid"
        assert problem["status"] == 400
    assert (await postgres_api.refused("GET", "/latest", params={"path": "c/*", "cursor": cursor}))["status"] == 400


async def test_unknown_series_are_not_found(postgres_api: Api):
    for path in ("/series/77", "/series/77/samples"):
        problem = await postgres_api.refused("GET", path)
        assert (problem["status"], problem["field"], problem["value"]) == (404, "series_id", 77)


async def test_long_pages_keep_every_value(postgres_api: Api):
    series_id = await postgres_api.fill.series("many")
    rows: list[Row] = [(at() + timedelta(milliseconds=n), math.sin(n), None, GOOD) for n in range(5_000)]
    await postgres_api.fill.samples(series_id, rows)
    page = await postgres_api.get(f"/series/{series_id}/samples", limit=5_000)
    assert page["next"] is None
    assert [item["value"] for item in page["items"]] == [math.sin(n) for n in range(5_000)]
