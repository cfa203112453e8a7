"""POST /query with the aggregates beyond average, minimum, maximum and count: bounds from outside, statuses, texts."""

import re
from typing import Any

import pytest

from cloud_api.query.aggregates.names import Aggregate
from schemas.status import BAD_NO_DATA
from tests.integration.api.service import BAD, GOOD, UNCERTAIN, Api, Row, at, serve_api, shown

SUB = 0x40A40000
CALCULATED, INTERPOLATED, PARTIAL = 0x401, 0x402, 0x404
MINUTE = {"from": shown(at(0)), "to": shown(at(60))}


async def rows_of(api: Api, name: int | str, **body: Any) -> list[list[Any]]:
    answer = await api.query(series=[name], **{"interval": "1m", **MINUTE, **body})
    return answer["series"][0]["rows"]


async def test_bounds_come_from_outside_the_window(api: Api):
    series_id = await api.fill.series("a/line")
    rows: list[Row] = [
        (at(-90), -90.0, None, GOOD),
        (at(-30), -30.0, None, GOOD),
        (at(-10), None, None, BAD),
        (at(70), None, None, BAD),
        (at(90), 90.0, None, GOOD),
    ]
    await api.fill.samples(series_id, rows)
    answer = await api.query(
        series=["a/line"], interval="30s", aggregate=["time_average", "percent_bad", "interpolative"], **MINUTE
    )
    (series,) = answer["series"]
    assert series["columns"] == [
        *("time", "time_average", "percent_bad", "interpolative", "status"),
        *("time_average_status", "percent_bad_status", "interpolative_status"),
    ]
    codes = [SUB, SUB | CALCULATED, CALCULATED, SUB | INTERPOLATED]
    assert series["rows"] == [
        [shown(at(0)), pytest.approx(15.0), 100.0, pytest.approx(0.0, abs=1e-9), *codes],
        [shown(at(30)), pytest.approx(45.0), 100.0, pytest.approx(30.0), *codes],
    ]


async def test_the_four_of_the_database_stand_beside_the_others(api: Api):
    series_id = await api.fill.series("a/big", "u64")
    huge = 2**64 - 1
    rows: list[Row] = [
        (at(0), 2.0**64, str(huge - 1), GOOD),
        (at(30), 2.0**64, str(huge), GOOD),
        (at(61), 1.0, None, GOOD),
    ]
    await api.fill.samples(series_id, rows)
    found = await rows_of(api, series_id, aggregate=["start", "maximum", "end", "count"])
    assert found == [[shown(at(0)), huge - 1, huge, huge, 2, GOOD, GOOD, CALCULATED, GOOD, CALCULATED]]
    as_text = await rows_of(api, series_id, aggregate=["start", "maximum"], int64="string")
    assert as_text[0][1:3] == [str(huge - 1), str(huge)]


async def test_empty_buckets_have_rows_where_a_value_reaches_into_them(api: Api):
    series_id = await api.fill.series("a/rare")
    await api.fill.samples(series_id, [(at(-3600), 1.0, None, GOOD), (at(3600), 1.0, None, GOOD)])
    assert await rows_of(api, series_id, aggregate=["time_average2", "count"]) == [
        [shown(at(0)), 1.0, 0, BAD_NO_DATA, CALCULATED, BAD_NO_DATA]
    ]
    assert await rows_of(api, series_id, aggregate=["range"]) == []
    assert await rows_of(api, series_id, aggregate=["range"], fill="null") == [
        [shown(at(0)), None, BAD_NO_DATA, BAD_NO_DATA]
    ]


async def test_states_of_a_bool_hold_and_texts_have_first_and_last(api: Api):
    running = await api.fill.series("a/running", "bool")
    rows: list[Row] = [(at(-5), 0.0, None, GOOD), (at(15), 1.0, None, GOOD), (at(60), 0.0, None, GOOD)]
    await api.fill.samples(running, rows)
    found = await rows_of(api, running, aggregate=["duration_in_state_non_zero", "number_of_transitions", "start"])
    assert found[0][1:4] == [45_000.0, 1, True]
    recipe = await api.fill.series("a/recipe", "str")
    await api.fill.samples(recipe, [(at(1), None, "x", GOOD), (at(2), None, "y", UNCERTAIN), (at(99), None, "z", GOOD)])
    found = await rows_of(api, recipe, aggregate=["start", "end", "time_average", "worst_quality"])
    assert found[0][1:5] == ["x", "y", None, UNCERTAIN]
    assert found[0][8] == 0x80D50000  # BadAggregateNotSupported


async def test_counters_and_the_time_of_an_extreme(api: Api):
    series_id = await api.fill.series("a/counter")
    rows: list[Row] = [
        (at(-1), 65530.0, None, GOOD),
        (at(20), 4.0, None, GOOD),
        (at(40), 34.0, None, GOOD),
        (at(70), 40.0, None, GOOD),
    ]
    await api.fill.samples(series_id, rows)
    found = await rows_of(api, series_id, aggregate=["increase", "rate", "maximum_actual_time"], counter_rollover=65536)
    assert found[0][1:4] == [40.0, pytest.approx(40 / 60), shown(at(40))]


async def test_every_aggregate_at_once(api: Api):
    series_id = await api.fill.series("a/all")
    await api.fill.samples(series_id, [(at(n), float(n % 7), None, BAD if n % 5 == 0 else GOOD) for n in range(-3, 63)])
    every = [aggregate.value for aggregate in Aggregate]
    answer = await api.query(series=[series_id], points=7, aggregate=every, fill="null", **MINUTE)
    (series,) = answer["series"]
    assert len(series["columns"]) == 2 * len(every) + 2
    assert len(series["rows"]) == 7
    assert all(re.fullmatch(r"\w+", column) for column in series["columns"])
    for aggregate in set(every) - {"start", "end", "start_bound", "end_bound", "delta_bounds", "interpolative"}:
        place = series["columns"].index(aggregate)
        assert all(row[place] is not None for row in series["rows"]), aggregate


async def test_percentages_must_meet(postgres_api: Api):
    await postgres_api.fill.series("a/p")
    body = {"series": ["a/p"], "interval": "1m", "percent_data_good": 40, "percent_data_bad": 50, **MINUTE}
    problem = await postgres_api.refused("POST", "/query", json=body)
    assert (problem["status"], problem["field"]) == (422, "percent_data_good")
    assert "BadAggregateInvalidInputs" in problem["detail"]


async def test_percentages_rule_the_four_too(postgres_api: Api):
    series_id = await postgres_api.fill.series("a/q")
    await postgres_api.fill.samples(series_id, [(at(1), 2.0, None, GOOD), (at(2), None, None, BAD)])
    good = await rows_of(postgres_api, series_id, aggregate=["average"], percent_data_good=50)
    assert good == [[shown(at(0)), 2.0, GOOD]]
    bad = await rows_of(postgres_api, series_id, aggregate=["average", "count"], percent_data_bad=50)
    assert bad == [[shown(at(0)), None, 1, BAD]]


async def test_samples_that_scan_periods_did_not_promise_are_refused(postgres_url: str):
    async with serve_api(postgres_url, query_max_samples=50) as api:
        series_id = await api.fill.series("a/many", scan_period_s=3600.0)
        await api.fill.samples(series_id, [(at(n), 1.0, None, GOOD) for n in range(51)])
        body = {"series": [series_id], "interval": "1m", "aggregate": ["total"], **MINUTE}
        problem = await api.refused("POST", "/query", json=body)
        assert (problem["what"], problem["estimate"]) == ("samples", 51)
        too_fine = body | {"interval": "1ms"}
        assert (await api.refused("POST", "/query", json=too_fine | {"points": None}))["status"] == 422


async def test_texts_say_that_they_have_no_numbers(api: Api):
    series_id = await api.fill.series("agg/text", kind="str")
    await api.fill.samples(series_id, [(at(0), None, "a", GOOD), (at(30), None, "b", GOOD)])
    for more in (["count"], ["count", "start"]):
        answer = await api.query(
            series=["agg/text"],
            interval="1m",
            aggregate=["average", "minimum", "maximum", *more],
            fill="previous",
            **{"from": shown(at()), "to": shown(at(60))},
        )
        (series,) = answer["series"]
        row = dict(zip(series["columns"], series["rows"][0], strict=True))
        assert [row[name] for name in ("average", "minimum", "maximum", "count")] == [None, None, None, 2]
        assert {row[f"{name}_status"] for name in ("average", "minimum", "maximum")} == {0x80D50000}
        assert row["count_status"] == 0x401
