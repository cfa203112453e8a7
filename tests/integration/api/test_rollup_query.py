"""POST /query over rollups: the same rows as from raw, said where they come from; past views; a series' own ways."""

import json
import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from cloud_api.instants import to_us
from cloud_api.query import together
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.query.sources import block_of
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, EngineKind, Partitions, detect_engine
from cloud_api.storage.history import select_samples
from cloud_api.storage.pool import open_pool
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollups import Scope, replace_rollups
from tests.integration.api.service import BAD, GOOD, START, UNCERTAIN, Api, Row, at, shown

HOURS = 4
DAY = timedelta(days=1)
WINDOW = {"from": shown(START), "to": shown(at(HOURS * 3600))}
ALL = [each.value for each in Aggregate]


async def roll(api: Api, series_id: int, *, is_text: bool = False, after: float = 86_400) -> None:
    """What the rollups role does, in one go: every sample before the watermark, as known `after` START."""
    pool = await open_pool(api.fill.url, 1)
    async with pool.connection() as connection:
        columns = await select_samples(connection, series_id, START - DAY, START + DAY, 10**6)
        if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
            for table in (ROLLUP_1M, ROLLUP_15M):
                await Partitions(table).ensure(connection, [to_us(START) // 86_400_000_000])
        minutes = roll_minutes(np.full(len(columns), series_id, np.int32), block_of(columns, is_text=is_text))
        scope = Scope([series_id], START - DAY, START + DAY)
        for resolution, rows in ((Resolution.MINUTE, minutes), (Resolution.QUARTER, merge_quarters(minutes))):
            await replace_rollups(connection, resolution, scope, rows, at(after))
    await pool.close()
    await api.fill.run("update rollup_progress set closed_until = %s, marked_until = %s", *[at(HOURS * 3600)] * 2)


def troubled(count: int = HOURS * 360) -> list[Row]:
    """Every ten seconds a value, with Bad, Uncertain and unmeasured ones among them, and half an hour without any."""
    rows: list[Row] = []
    for index in range(count):
        status = BAD if index % 97 == 5 else UNCERTAIN if index % 89 == 7 else GOOD
        is_nan = index % 211 == 11
        value = None if status == BAD or is_nan else 50 + 10 * math.sin(index / 20) + index % 3
        if not 5_400 <= index * 10 < 7_200:
            rows.append((at(index * 10 + 3.25), value, "NaN" if is_nan else None, status))
    return rows


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right


def agree(one: dict[str, Any], other: dict[str, Any]) -> None:
    for left, right in zip(one["series"], other["series"], strict=True):
        assert left["columns"] == right["columns"]
        assert len(left["rows"]) == len(right["rows"])
        for row, expected in zip(left["rows"], right["rows"], strict=True):
            wrong = [
                (name, found, wanted)
                for name, found, wanted in zip(left["columns"], row, expected, strict=True)
                if not same(found, wanted)
            ]
            assert not wrong


async def test_rollups_answer_as_raw_does(postgres_api: Api):
    api = postgres_api
    numbers = await api.fill.series("a/line", scan_period_s=1)
    await api.fill.samples(numbers, troubled())
    digits = await api.fill.series("a/digits", "i64", scan_period_s=1)
    whole: list[Row] = [(at(index * 10), float(2**60), str(2**60 + index % 77), GOOD) for index in range(HOURS * 360)]
    await api.fill.samples(digits, whole)
    texts = await api.fill.series("a/recipe", "str", scan_period_s=1)
    words: list[Row] = [
        (at(index * 10), None, f"回火 {index}", GOOD if index % 7 else BAD) for index in range(HOURS * 360)
    ]
    await api.fill.samples(texts, words)
    for series_id in (numbers, digits, texts):
        await roll(api, series_id, is_text=series_id == texts)
    for more in (
        {"interval": "1h", "aggregate": ALL},
        {"interval": "1h", "aggregate": ALL, "treat_uncertain_as_bad": False, "stepped": True},
        {"interval": "70m", "aggregate": ALL, "fill": "null", "from": shown(at(77.5))},
        {"points": 8},
        {"interval": "2h", "aggregate": ["rate", "increase"], "counter_rollover": 61.5},
    ):
        body = {"series": ["a/*"], **WINDOW, **more}
        raw, rolled = await api.query(**body, resolution="raw"), await api.query(**body)
        assert (raw["resolution"], rolled["resolution"]) == ("raw", "15m")
        assert rolled["aligned"] is None
        assert rolled["rows_scanned"] == sum(rolled["scanned"].values())
        assert rolled["rows_scanned"] < raw["rows_scanned"]
        agree(rolled, raw)


async def test_few_points_of_a_long_window_are_stored_samples_found_by_rollups(postgres_api: Api):
    api = postgres_api
    numbers = await api.fill.series("a/line", scan_period_s=1)
    spike = (at(8_003.5), 4_711.0, None, UNCERTAIN)
    await api.fill.samples(numbers, [*troubled(), spike])
    digits = await api.fill.series("a/digits", "i64", scan_period_s=1)
    whole: list[Row] = [(at(index * 10), float(2**60), str(2**60 + index % 77), GOOD) for index in range(HOURS * 360)]
    await api.fill.samples(digits, whole)
    for series_id in (numbers, digits):
        await roll(api, series_id)
    for points, resolution in ((26, "15m"), (120, "1m")):
        body = {"series": ["a/line", "a/digits"], **WINDOW, "points": points, "points_by": "min_max"}
        raw, rolled = await api.query(**body, resolution="raw"), await api.query(**body)
        assert (raw["resolution"], rolled["resolution"]) == ("raw", resolution)
        assert rolled["rows_scanned"] == sum(rolled["scanned"].values()) < raw["rows_scanned"]
        assert raw["rows_scanned"] == raw["estimate"]
        for one in (raw, rolled):
            # Of so many holes some are shown, not the same ones.
            one["series"][0]["rows"] = [row for row in one["series"][0]["rows"] if isinstance(row[1], float)]
        agree(rolled, raw)
        lines = rolled["series"][0]["rows"]
        assert [shown(spike[0]), 4_711.0, UNCERTAIN] in lines
        assert len(lines) <= points
    linked = await api.get("/query", series=numbers, points=120, points_by="min_max", **WINDOW)
    assert linked["resolution"] == "1m"


async def test_the_answer_says_what_it_cost_and_a_dear_one_is_refused_with_its_estimate(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("a/line", scan_period_s=10)
    await api.fill.samples(series_id, troubled())
    await roll(api, series_id)
    answer = await api.query(series=["a/line"], interval="1h", **WINDOW)
    assert answer["scanned"] == {"15m": 14}
    assert answer["estimate"] == 16
    body = {"series": ["a/line"], "interval": "365d", "from": "1900-01-01T00:00:00Z", "to": "2261-01-01T00:00:00Z"}
    await api.fill.run("update rollup_progress set marked_until = '2261-01-01'")
    response = await api.client.post("/api/v1/query", json=body)
    assert response.status_code == 422
    problem = response.json()
    assert problem["what"] == "rows of rollups"
    assert problem["estimate"] > problem["budget"]


async def test_past_views_and_windows_without_raw(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("a/line", scan_period_s=10)
    await api.fill.samples(series_id, troubled())
    await roll(api, series_id)
    body = {"series": ["a/line"], "interval": "2h", "aggregate": ["maximum", "time_average"], **WINDOW}
    first = await api.query(**body)
    await api.fill.run("update sample set value = 1000 where series_id = %s and time = %s", series_id, at(13.25))
    await roll(api, series_id, after=2 * 86_400)
    changed = await api.query(**body)
    assert changed["series"][0]["rows"][0][1] == 1000
    past = await api.query(**body, as_of=shown(at(86_401)))
    assert past["as_of"] == shown(at(86_401))
    agree(past, first)
    unknown = await api.query(**body, as_of=shown(at(0)))
    assert unknown["series"][0]["rows"] == []
    await api.fill.run("delete from sample where time < %s", at(HOURS * 3600))
    await api.fill.run("update rollup_progress set raw_kept_from = %s, raw_drop_until = %s", *[at(HOURS * 3600)] * 2)
    moved = await api.query(**body | {"from": shown(at(7)), "to": shown(at(3 * 3600 + 61))}, fill="null")
    first, last = shown(at(7)), shown(at(3 * 3600 + 61))
    edges = {"first": first, "last": last, "bucket": "1m", "edges": 3}
    assert moved["aligned"] == {"from": shown(START), "to": shown(at(3 * 3600 + 60)), "moved": [edges]}
    assert moved["series"][0]["rows"][0][1] == 1000
    raw = await api.query(**body, resolution="raw")
    assert raw["aligned"] == {"from": WINDOW["to"], "to": WINDOW["to"], "moved": []}
    both = await api.client.post("/api/v1/query", json=body | {"resolution": "raw", "as_of": shown(START)})
    assert (both.status_code, both.json()["field"]) == (422, "as_of")
    refused = await api.client.post("/api/v1/query", json=body | {"interval": "10s"})
    assert refused.status_code == 422
    assert (refused.json()["field"], refused.json()["allowed"]) == ("interval", "buckets of 1m or longer")


async def test_samples_that_are_not_kept_any_more_and_still_there_are_no_answer(postgres_api: Api):
    series_id = await postgres_api.fill.series("rollups/leaving")
    rows = [(at(hour * 3600), float(hour), None, GOOD) for hour in range(6)]
    await postgres_api.fill.samples(series_id, rows)
    # As between the decision and the drop of the day, which TimescaleDB's job takes an hour for.
    gone = "update rollup_progress set raw_kept_from = %s, raw_drop_until = %s returning 1"
    await postgres_api.fill.run(gone, *[at(2 * 3600)] * 2)
    body = {"series": [series_id], "from": shown(at(0)), "to": shown(at(6 * 3600)), "resolution": "raw"}
    answer = await postgres_api.query(**body)
    assert answer["aligned"] == {"from": shown(at(2 * 3600)), "to": body["to"], "moved": []}
    assert [row[1] for row in answer["series"][0]["rows"]] == [2.0, 3.0, 4.0, 5.0]
    assert answer["rows_scanned"] == 4
    before = await postgres_api.query(**body | {"to": shown(at(3600))})
    assert (before["aligned"]["from"], before["series"][0]["rows"]) == (shown(at(3600)), [])


async def test_edges_inside_are_exact_where_raw_is_kept_and_said_where_they_were_moved(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("a/line", scan_period_s=10)
    await api.fill.samples(series_id, troubled())
    await roll(api, series_id)
    body = {"series": ["a/line"], "interval": "450s", "aggregate": ["maximum", "time_average", "count"], **WINDOW}
    exact = await api.query(**body, resolution="raw")
    gone = at(2 * 3600)
    await api.fill.run("delete from sample where time < %s returning 1", gone)
    await api.fill.run("update rollup_progress set raw_kept_from = %s, raw_drop_until = %s returning 1", gone, gone)
    answer = await api.query(**body)
    moved = {"first": shown(at(450)), "last": shown(at(15 * 450)), "bucket": "1m", "edges": 8}
    assert answer["aligned"] == {"from": WINDOW["from"], "to": WINDOW["to"], "moved": [moved]}
    rows, expected = ([row for row in each["series"][0]["rows"] if row[0] >= shown(gone)] for each in (answer, exact))
    assert len(rows) == 16
    for row, raw in zip(rows, expected, strict=True):
        assert all(same(*pair) for pair in zip(row, raw, strict=True)), (row, raw)
    # The bucket asked from 07:30 to 15:00 is that from 07:00 to 15:00, and keeps its name.
    second = await api.query(**body | {"interval": "8m", "from": shown(at(420)), "to": shown(at(900))})
    assert second["aligned"] is None
    assert answer["series"][0]["rows"][1][0] == shown(at(450))
    assert answer["series"][0]["rows"][1][1:] == second["series"][0]["rows"][0][1:]
    table = await api.client.post("/api/v1/query", json=body, headers={"Accept": "text/csv"})
    assert json.loads(table.headers["millstream-aligned"]) == answer["aligned"]
    kept = await api.client.post("/api/v1/query", json=body | {"from": shown(gone)}, headers={"Accept": "text/csv"})
    assert "millstream-aligned" not in kept.headers


async def test_a_series_says_how_it_is_aggregated_and_a_request_may_say_otherwise(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("a/level")
    await api.fill.samples(
        series_id, [(at(0), 0.0, None, GOOD), (at(30), 10.0, None, UNCERTAIN), (at(60), 10.0, None, GOOD)]
    )
    body = {
        "series": ["a/level"],
        "interval": "1m",
        "from": shown(START),
        "to": shown(at(60)),
        "aggregate": ["time_average2", "count"],
    }

    async def found(**more: Any) -> list[Any]:
        return (await api.query(**body, **more))["series"][0]["rows"][0][1:3]

    assert await found() == [None, 1]
    engineer = {"Authorization": f"Bearer {await api.fill.key('engineer')}"}

    async def patch(aggregation: Any) -> Any:
        return await api.client.patch(
            f"/api/v1/series/{series_id}", json={"aggregation": aggregation}, headers=engineer
        )

    response = await patch({"treat_uncertain_as_bad": False})
    assert response.json()["aggregation"]["treat_uncertain_as_bad"] is False
    assert await found() == [7.5, 2]
    assert await found(stepped=True) == [5.0, 2]
    assert await found(treat_uncertain_as_bad=True) == [None, 1]
    refused = await patch({"percent_data_good": 10, "percent_data_bad": 20})
    assert refused.status_code == 422
    assert refused.json()["field"] == "aggregation.percent_data_good"
    assert (await patch(None)).json()["aggregation"] is None
    assert await found() == [None, 1]
    changes = await api.fill.run("select detail from audit where action = 'series.change' order by id")
    assert changes[0][0]["to"]["treat_uncertain_as_bad"] is False


async def test_many_series_read_together_answer_as_each_alone(postgres_api: Api):
    """Kinds, configurations and holes in rollups that differ; `range` beside them lets each be read by itself."""
    api = postgres_api
    ids = [await api.fill.series(f"a/many-{n}", "f64", scan_period_s=1) for n in range(3)]
    ids.append(await api.fill.series("a/lenient", "f64", treat_uncertain_as_bad=False, percent_data_good=60))
    ids.append(await api.fill.series("a/whole", "i64", scan_period_s=1))
    ids.append(await api.fill.series("a/digits", "u64", scan_period_s=1))
    ids.append(await api.fill.series("a/silent", "f64", scan_period_s=1))
    for series_id in ids[:4]:
        await api.fill.samples(series_id, troubled())
        await roll(api, series_id)
    for series_id, base in ((ids[4], 1000), (ids[5], 2**60)):
        texts = [str(base + n % 77) if base > 2**53 else None for n in range(HOURS * 360)]
        whole: list[Row] = [(at(n * 10), float(base + n % 77), texts[n], GOOD) for n in range(HOURS * 360)]
        await api.fill.samples(series_id, whole)
        await roll(api, series_id)
    # One waits to be rolled again, in the middle, and all of them since a while.
    await api.fill.run(
        "insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids, due_at)"
        " values ('1m', %s, 15, %s, %s, int4multirange(int4range(%s, %s)), now())",
        at(3600),
        at(3600),
        at(4500),
        ids[1],
        ids[1] + 1,
    )
    await api.fill.run("update rollup_progress set closed_until = %s, marked_until = %s", *[at(12_600)] * 2)
    plain = ["minimum", "maximum", "average", "count"]
    window = {"from": shown(at(7.5)), "to": shown(at(HOURS * 3600 - 3))}
    for how in ({"points": 100}, {"interval": "15m", "align": "clock"}, {"interval": "90s"}, {"interval": "10s"}):
        for series in (ids, list(reversed(ids))):
            together = await api.query(series=series, aggregate=plain, **how, **window)
            alone = [await api.query(series=[each], aggregate=[*plain, "range"], **how, **window) for each in series]
            for found, other in zip(together["series"], alone, strict=True):
                expected = other["series"][0]
                places = [expected["columns"].index(name) for name in ("time", *plain)]
                rows = [[row[place] for place in places] for row in expected["rows"] if row[places[-1]] is not None]
                mine = [row[:-1] for row in found["rows"]]
                assert len(mine) == len(rows) > 0 or found["path"] == "a/silent"
                for row, wanted in zip(mine, rows, strict=True):
                    assert all(same(cell, other_cell) for cell, other_cell in zip(row, wanted, strict=True)), found[
                        "path"
                    ]
    raw = await api.query(series=ids, aggregate=plain, points=100, resolution="raw", **window)
    agree(await api.query(series=ids, aggregate=plain, points=100, **window), raw)


async def test_a_series_beyond_what_memory_is_meant_for_is_merged_by_the_database(
    postgres_api: Api, monkeypatch: pytest.MonkeyPatch
):
    api = postgres_api
    series_id = await api.fill.series("a/line", scan_period_s=1)
    await api.fill.samples(series_id, troubled())
    for how in ({"points": 50}, {"interval": "90s"}, {"interval": "1h", "time_zone": "Asia/Kolkata", "align": "clock"}):
        body = {"series": [series_id], "aggregate": ["minimum", "maximum", "average", "count"], **how, **WINDOW}
        expected = await api.query(**body)
        for most in (100, 1_000, 20_000):
            # Known beforehand, found out while reading, and not at all.
            monkeypatch.setattr(together, "MANY_SAMPLES", most)
            found = await api.query(**body)
            assert found["scanned"] == expected["scanned"]
            agree(found, expected)
        monkeypatch.undo()


async def test_the_past_is_told_from_minutes_where_their_quarter_was_not_rolled_yet(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("a/line", scan_period_s=10)
    await api.fill.samples(series_id, troubled())
    await roll(api, series_id)
    body = {"series": ["a/line"], "interval": "2h", **WINDOW, "as_of": shown(at(86_401))}
    asked = [body | {"aggregate": ["average", "count"]}, body | {"aggregate": ["time_average", "percent_good"]}]
    before = [await api.query(**each) for each in asked]
    assert [each["resolution"] for each in before] == ["15m", "15m"]
    # The quarters of the last hour and a half were known an hour later than their minutes.
    young = at((HOURS - 1.5) * 3600)
    await api.fill.run("update rollup_15m set valid_from = valid_from + interval '1 hour' where bucket >= %s", young)
    for each, known in zip(asked, before, strict=True):
        now = await api.query(**each)
        agree(now, known)
        assert now["scanned"]["1m"] > 0
        assert now["scanned"]["15m"] > 0
