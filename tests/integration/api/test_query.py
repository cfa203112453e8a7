"""POST /query: Part 13 aggregates of Good raw samples over half-open buckets, and refusals with a way out."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from cloud_api.query.exact import BAD_AGGREGATE_NOT_SUPPORTED
from cloud_api.query.resolution import UNCERTAIN_DATA_SUB_NORMAL
from schemas.status import BAD_NO_DATA
from tests.integration.api.service import BAD, GOOD, START, UNCERTAIN, Api, Row, at, serve_api, shown

HOUR = {"from": shown(at()), "to": shown(at(3600))}
ALL = ["average", "minimum", "maximum", "count"]


async def test_aggregates_of_good_samples_with_bounds_to_the_microsecond(api: Api):
    series_id = await api.fill.series("q/a", unit="A")
    await api.fill.samples(
        series_id,
        [
            (at(0, -1), 100.0, None, GOOD),  # one microsecond before `from`
            (at(0), 1.0, None, GOOD),
            (at(30), 3.0, None, UNCERTAIN),
            (at(59, 999_999), 5.0, None, GOOD),
            (at(60), 7.0, None, GOOD),
            (at(90), None, None, BAD),
            (at(91), None, "NaN", GOOD),
            (at(180), None, None, BAD),
            (at(240), 9.0, None, GOOD),  # exactly `to`
        ],
    )
    answer = await api.query(series=["q/a"], interval="1m", **{"from": shown(at()), "to": shown(at(240))})
    assert answer["resolution"] == "raw"
    assert (answer["interval"], answer["align"], answer["fill"], answer["partial"]) == ("1m", "from", "none", [])
    (series,) = answer["series"]
    assert (series["id"], series["path"], series["unit"]) == (series_id, "q/a", "A")
    assert series["columns"] == ["time", *ALL, "status"]
    assert series["rows"] == [
        [shown(at(0)), 3.0, 1.0, 5.0, 2, UNCERTAIN_DATA_SUB_NORMAL],
        [shown(at(60)), 7.0, 7.0, 7.0, 1, UNCERTAIN_DATA_SUB_NORMAL],
        [shown(at(180)), None, None, None, 0, BAD_NO_DATA],
    ]


async def test_uncertain_may_count_as_good(api: Api):
    await api.fill.samples(await api.fill.series("q/u"), [(at(0), 1.0, None, GOOD), (at(1), 3.0, None, UNCERTAIN)])
    answer = await api.query(series=["q/u"], interval="1h", treat_uncertain_as_bad=False, aggregate=["average"], **HOUR)
    assert answer["series"][0]["rows"] == [[shown(at()), 2.0, GOOD]]


async def test_fill_null_gives_every_bucket_and_invents_nothing(api: Api):
    await api.fill.samples(await api.fill.series("q/f"), [(at(90), 4.0, None, GOOD)])
    answer = await api.query(
        series=["q/f"],
        interval="1m",
        fill="null",
        aggregate=["count", "average"],
        **{"from": shown(at()), "to": shown(at(150))},
    )
    assert answer["series"][0]["rows"] == [
        [shown(at(0)), 0, None, BAD_NO_DATA],
        [shown(at(60)), 1, 4.0, GOOD],
        [shown(at(120)), 0, None, BAD_NO_DATA],
    ]
    assert answer["partial"] == [shown(at(120))]


async def test_integers_keep_every_digit_in_minimum_and_maximum(api: Api):
    signed = await api.fill.series("q/i", "i64")
    unsigned = await api.fill.series("q/u64", "u64")
    big, huge = 2**63 - 1, 2**64 - 1
    await api.fill.samples(
        signed,
        [
            (at(0), -(2.0**63), str(-big - 1), GOOD),
            (at(1), 5.0, None, GOOD),
            (at(2), 2.0**63, str(big), GOOD),
            (at(3), 2.0**63, str(big - 1), GOOD),
        ],
    )
    await api.fill.samples(unsigned, [(at(0), 2.0**64, str(huge - 1), GOOD), (at(1), 2.0**64, str(huge), GOOD)])
    body: dict[str, Any] = {"series": ["q/*"], "interval": "1h", "aggregate": ["minimum", "maximum"], **HOUR}
    rows = [series["rows"][0] for series in (await api.query(**body))["series"]]
    assert rows == [[shown(at()), -big - 1, big, GOOD], [shown(at()), huge - 1, huge, GOOD]]
    as_text = [series["rows"][0][1:3] for series in (await api.query(**body, int64="string"))["series"]]
    assert as_text == [[str(-big - 1), str(big)], [str(huge - 1), str(huge)]]


async def test_text_counts_and_has_no_average(api: Api):
    series_id = await api.fill.series("q/s", "str")
    await api.fill.samples(series_id, [(at(0), None, "NaN", GOOD), (at(1), None, "b", GOOD), (at(2), None, None, BAD)])
    (series,) = (await api.query(series=[series_id], interval="1h", **HOUR))["series"]
    assert series["rows"] == [[shown(at()), None, None, None, 2, BAD_AGGREGATE_NOT_SUPPORTED]]
    (counted,) = (await api.query(series=[series_id], interval="1h", aggregate=["count"], **HOUR))["series"]
    assert counted["rows"] == [[shown(at()), 2, UNCERTAIN_DATA_SUB_NORMAL]]


async def test_buckets_begin_at_from_or_on_the_clock(api: Api):
    await api.fill.samples(await api.fill.series("q/c"), [(at(n * 600), float(n), None, GOOD) for n in range(12)])
    window = {"from": shown(at(600)), "to": shown(at(6600))}
    body: dict[str, Any] = {"series": ["q/c"], "interval": "1h", "aggregate": ["count"], **window}
    by_from = await api.query(**body)
    assert by_from["series"][0]["rows"] == [[shown(at(600)), 6, GOOD], [shown(at(4200)), 4, GOOD]]
    assert by_from["partial"] == [shown(at(4200))]
    by_clock = await api.query(**body, align="clock")
    assert by_clock["series"][0]["rows"] == [[shown(at(0)), 5, GOOD], [shown(at(3600)), 5, GOOD]]
    assert by_clock["partial"] == [shown(at(0)), shown(at(3600))]


@pytest.mark.parametrize("year", [1970, 1999, 2000, 2026])
async def test_the_database_buckets_as_the_answer_says(postgres_api: Api, year: int):
    start = START.replace(year=year, month=1, day=5) + timedelta(microseconds=7)
    rows: list[Row] = [(start + timedelta(seconds=13 * n), float(n), None, GOOD) for n in range(50)]
    await postgres_api.fill.samples(await postgres_api.fill.series("q/d"), rows)
    window = {"from": shown(start), "to": shown(start + timedelta(seconds=700))}
    for align in ("from", "clock"):
        answer = await postgres_api.query(series=["q/d"], interval="37s", align=align, fill="null", **window)
        rows_of = answer["series"][0]["rows"]
        assert sum(row[4] for row in rows_of) == 50
        assert all(row[4] for row in rows_of[1:-2])


async def test_points_are_at_most_that_many(api: Api):
    await api.fill.samples(await api.fill.series("q/p"), [(at(n), float(n), None, GOOD) for n in range(100)])
    answer = await api.query(series=["q/p"], points=7, fill="null", **{"from": shown(at()), "to": shown(at(100))})
    rows = answer["series"][0]["rows"]
    assert len(rows) == 7
    assert sum(row[4] for row in rows) == 100


async def test_raw_samples_of_several_series(api: Api):
    first = await api.fill.series("q/1", "bool")
    second = await api.fill.series("q/2", "str")
    await api.fill.samples(first, [(at(0), 1.0, None, GOOD), (at(1), None, None, BAD)])
    await api.fill.samples(second, [(at(0), None, "x", GOOD)])
    answer = await api.query(series=[second, "q/1", first], resolution="raw", **HOUR)
    assert [series["id"] for series in answer["series"]] == [second, first]
    assert answer["series"][1]["columns"] == ["time", "value", "status"]
    assert answer["series"][1]["rows"] == [[shown(at(0)), True, GOOD], [shown(at(1)), None, BAD]]
    assert answer["interval"] is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"interval": "1x"}, "interval"),
    ({"interval": "1m", "points": 5}, "points"),
    ({}, "interval"),
    ({"points": 0}, "points"),
    ({"points": 5, "points_by": "min_max"}, "points"),
    ({"interval": "1m", "from": "2026-01-31T08:00:00"}, "from"),
    ({"interval": "1m", "to": shown(START)}, "to"),
    ({"interval": "1m", "aggregate": ["median"]}, "aggregate.0"),
    ({"interval": "1m", "aggregate": []}, "aggregate"),
    ({"interval": "1m", "fill": "nearest"}, "fill"),
    ({"interval": "1m", "series": []}, "series"),
    ({"interval": "1m", "series": ["a//b"]}, "series.0"),
    ({"interval": "1m", "intervall": "1m"}, "intervall"),
]


async def test_wrong_bodies_are_named(postgres_api: Api):
    await postgres_api.fill.series("q/w")
    for change, field in WRONG:
        body = {"series": ["q/w"], **HOUR, **change}
        problem = await postgres_api.refused("POST", "/query", json=body)
        assert (problem["status"], problem["field"]) == (422, field), (change, problem)
        assert problem["type"] == "urn:millstream:problem:body-invalid"


async def test_other_bodies_are_refused(postgres_api: Api):
    form = await postgres_api.refused("POST", "/query", data={"series": "q/w"})
    assert form["status"] == 415
    broken = await postgres_api.refused(
        "POST", "/query", content=b'{"series":', headers={"Content-Type": "application/json"}
    )
    assert broken["status"] == 422


async def test_series_that_do_not_exist(postgres_api: Api):
    for name in (4711, "no/such", "no/*"):
        body = {"series": [name], "interval": "1m", **HOUR}
        problem = await postgres_api.refused("POST", "/query", json=body)
        assert (problem["status"], problem["field"], problem["value"]) == (404, "series.0", name)


async def test_too_much_is_refused_with_estimate_and_a_way_out(postgres_url: str):
    async with serve_api(postgres_url, query_max_samples=100, query_max_rows=50) as api:
        await api.fill.samples(await api.fill.series("b/a"), [(at(n), 1.0, None, GOOD) for n in range(200)])
        await api.fill.samples(await api.fill.series("b/b"), [(at(n), 1.0, None, GOOD) for n in range(60)])
        too_many_samples = await api.refused("POST", "/query", json={"series": ["b/a"], "interval": "1h", **HOUR})
        assert too_many_samples["type"] == "urn:millstream:problem:query-too-large"
        assert (too_many_samples["status"], too_many_samples["what"]) == (422, "samples")
        assert too_many_samples["estimate"] > too_many_samples["budget"] == 100
        assert "shorter window" in too_many_samples["detail"]
        too_many_rows = await api.refused("POST", "/query", json={"series": ["b/b"], "resolution": "raw", **HOUR})
        assert (too_many_rows["what"], too_many_rows["estimate"]) == ("rows", 60)
        filled = {"series": ["b/b"], "interval": "1m", "fill": "null", **HOUR}
        assert (await api.refused("POST", "/query", json=filled))["what"] == "rows"
        # Few samples in many buckets are few rows.
        fits = await api.query(series=["b/b"], interval="1s", **HOUR | {"to": shown(at(49))})
        assert len(fits["series"][0]["rows"]) == 49


async def test_more_buckets_than_memory_holds_are_refused_before_they_are_made(postgres_api: Api):
    await postgres_api.fill.series("b/d")
    ages = {"from": "1900-01-01T00:00:00Z", "to": "2200-01-01T00:00:00Z", "interval": "1ms"}
    for more in ({}, {"fill": "null"}, {"aggregate": ["time_average"]}, {"resolution": "raw"}, {"align": "clock"}):
        problem = await postgres_api.refused("POST", "/query", json={"series": ["b/d"], **ages, **more})
        assert (problem["status"], problem["estimate"]) == (422, 9_467_107_200_000), more
        assert problem["what"] in {"buckets", "rows"}
        assert "longer interval" in problem["detail"]


async def test_raw_is_never_cut_in_silence(postgres_url: str):
    async with serve_api(postgres_url, query_max_rows=50) as api:
        series_id = await api.fill.series("b/c", scan_period_s=3600.0)  # promises less than it holds
        await api.fill.samples(series_id, [(at(n), 1.0, None, GOOD) for n in range(51)])
        problem = await api.refused("POST", "/query", json={"series": [series_id], "resolution": "raw", **HOUR})
        assert (problem["what"], problem["estimate"]) == ("rows", 51)


async def test_a_slow_query_is_cancelled_in_the_database(postgres_url: str):
    async with serve_api(postgres_url, query_timeout_s=0.05) as api:
        series_id = await api.fill.series("slow")
        await api.fill.run("create table slow partition of sample for values from ('2026-01-31') to ('2026-02-01')")
        await api.fill.run(
            "insert into sample (series_id, time, value, status) select %s, %s::timestamptz"
            " + n * interval '1 microsecond', n, 0 from generate_series(1, 1000000) n",
            series_id,
            START,
        )
        problem = await api.refused("POST", "/query", json={"series": [series_id], "interval": "1m", **HOUR})
        assert problem["type"] == "urn:millstream:problem:query-timeout"
        assert problem["status"] == 504
        (running,) = await api.fill.run(
            "select count(*) from pg_stat_activity where state = 'active' and query like '%%date_bin%%'"
            " and pid <> pg_backend_pid()"
        )
        assert running == (0,)
        assert (await api.client.get("/health/ready")).status_code == 200


async def test_more_queries_than_slots_are_asked_to_come_again(postgres_url: str):
    async with serve_api(postgres_url, query_slots=1, query_wait_s=0.3) as api:
        await api.fill.series("slot")
        body = {"series": ["slot"], "interval": "1m", **HOUR}
        async with await psycopg.AsyncConnection.connect(postgres_url) as holder:
            await holder.execute("lock table sample in access exclusive mode")
            first = asyncio.create_task(api.query(**body))
            async with asyncio.timeout(60):
                while await api.fill.run("select count(*) from pg_locks where not granted") == [(0,)]:
                    await asyncio.sleep(0.02)
            second = await api.refused("POST", "/query", json=body)
            assert second["type"] == "urn:millstream:problem:too-many-requests"
            assert second["status"] == 429
            assert not first.done()
            await holder.rollback()
        assert (await first)["series"][0]["rows"] == []
        assert (await api.query(**body))["series"][0]["rows"] == []
