"""POST /query over many series: filled, side by side, as few points, and with arithmetic between them."""

from typing import Any

from cloud_api.query.fills import BETWEEN, HELD
from schemas.status import BAD_INVALID_ARGUMENT, BAD_NO_DATA, BAD_TYPE_MISMATCH
from tests.integration.api.service import BAD, GOOD, UNCERTAIN, Api, at, shown

MINUTES = {"from": shown(at()), "to": shown(at(300)), "interval": "1m"}
RAW = {"from": shown(at()), "to": shown(at(300)), "resolution": "raw"}


async def two_series(api: Api) -> tuple[int, int]:
    first = await api.fill.series("m/a", unit="A")
    second = await api.fill.series("m/b", unit="A")
    await api.fill.samples(first, [(at(0), 1.0, None, GOOD), (at(60), 2.0, None, GOOD), (at(240), 8.0, None, GOOD)])
    await api.fill.samples(
        second,
        [(at(0), 0.5, None, GOOD), (at(90), 0.0, None, GOOD), (at(120), None, None, BAD), (at(240), 4.0, None, GOOD)],
    )
    return first, second


def rows_of(answer: dict[str, Any], place: int = 0) -> list[list[Any]]:
    return [row[1:] for row in answer["series"][place]["rows"]]


async def test_empty_buckets_are_filled_and_say_so(api: Api):
    await two_series(api)
    held = await api.query(series=["m/a"], aggregate=["average", "count"], fill="previous", **MINUTES)
    assert held["series"][0]["columns"] == ["time", "average", "count", "status", "average_status", "count_status"]
    assert [row[0] for row in rows_of(held)] == [1.0, 2.0, 2.0, 2.0, 8.0]
    assert [row[3] for row in rows_of(held)] == [1025, 1025, HELD, HELD, 1025]
    assert [row[1] for row in rows_of(held)] == [1, 1, 0, 0, 1]
    line = await api.query(series=["m/a"], aggregate=["average"], fill="linear", **MINUTES)
    assert [row[0] for row in rows_of(line)] == [1.0, 2.0, 4.0, 6.0, 8.0]
    assert [row[2] for row in rows_of(line)] == [1025, 1025, BETWEEN, BETWEEN, 1025]


async def test_a_bucket_of_bad_samples_is_not_filled(api: Api):
    await two_series(api)
    answer = await api.query(series=["m/b"], aggregate=["average"], fill="previous", **MINUTES)
    assert [row[0] for row in rows_of(answer)] == [0.5, 0.0, None, 0.0, 4.0]


async def test_arithmetic_between_series_over_buckets(api: Api):
    first, second = await two_series(api)
    answer = await api.query(
        expressions=[
            {"name": "difference", "expression": "a - b"},
            {"name": "ratio", "expression": "a / b"},
            {"name": "span", "expression": "maximum(a) - minimum('m/b')", "unit": "kA"},
            {"name": "growth", "expression": "rate(average(a))"},
        ],
        variables={"a": first, "b": "m/b"},
        aggregate=["average"],
        **MINUTES,
    )
    difference, ratio, span, growth = answer["series"]
    assert difference["rows"] == [
        [shown(at(0)), 0.5, GOOD],
        [shown(at(60)), 2.0, GOOD],
        [shown(at(120)), None, BAD_NO_DATA],
        [shown(at(240)), 4.0, GOOD],
    ]
    assert (difference["id"], difference["path"], difference["unit"]) == (None, None, "A")
    assert (difference["name"], difference["expression"]) == ("difference", "a - b")
    assert ratio["unit"] is None
    assert [row[1:] for row in ratio["rows"]][1] == [None, BAD_INVALID_ARGUMENT]
    assert (span["unit"], span["rows"][0][1]) == ("kA", 0.5)
    assert growth["unit"] == "A/s"
    assert [row[1] for row in growth["rows"]] == [None, 1 / 60, 6 / 180]
    assert second


async def test_arithmetic_between_samples(api: Api):
    await two_series(api)
    question = {"expressions": [{"name": "d", "expression": "'m/a' - 'm/b'"}], **RAW}
    assert rows_of(await api.query(**question)) == [[0.5, GOOD], [4.0, GOOD]]
    held = await api.query(fill="previous", **question)
    assert [row[0] for row in held["series"][0]["rows"]] == [shown(at(each)) for each in (0, 60, 90, 120, 240)]
    assert [row[0] for row in rows_of(held)] == [0.5, 1.5, 2.0, None, 4.0]
    assert [row[1] for row in rows_of(held)][1] == HELD & 0xFFFF0000
    line = await api.query(fill="linear", **question)
    assert [row[0] for row in rows_of(line)] == [0.5, 2.0 - 0.5 / 3, 3.0, None, 4.0]
    assert rows_of(await api.query(fill="null", **question))[1] == [None, BAD_NO_DATA]


async def test_texts_are_no_numbers_but_can_be_counted(api: Api):
    await api.fill.samples(await api.fill.series("m/t", "str"), [(at(0), None, "x", GOOD)])
    question = {"variables": {"t": "m/t"}, **MINUTES}
    answer = await api.query(
        expressions=[{"name": "c", "expression": "count(t) * 2"}, {"name": "s", "expression": "start(t)"}], **question
    )
    assert rows_of(answer, 0)[0] == [2.0, GOOD]
    assert rows_of(answer, 1)[0] == [None, BAD_TYPE_MISMATCH]


async def test_series_side_by_side(api: Api):
    await two_series(api)
    answer = await api.query(
        series=["m/*"],
        expressions=[{"name": "d", "expression": "'m/a' - 'm/b'"}],
        layout="wide",
        aggregate=["maximum"],
        **MINUTES,
    )
    assert answer["columns"] == ["time", "m/a", "m/a:status", "m/b", "m/b:status", "d", "d:status"]
    assert [each["path"] for each in answer["series"]] == ["m/a", "m/b", None]
    assert [each["rows"] for each in answer["series"]] == [None] * 3
    assert answer["rows"][:2] == [
        [shown(at(0)), 1.0, GOOD, 0.5, GOOD, 0.5, GOOD],
        [shown(at(60)), 2.0, GOOD, 0.0, GOOD, 2.0, GOOD],
    ]
    assert answer["rows"][2] == [shown(at(120)), None, BAD_NO_DATA, None, BAD_NO_DATA, None, BAD_NO_DATA]
    raw = await api.query(series=["m/*"], layout="wide", fill="linear", **RAW)
    assert raw["columns"] == ["time", "m/a", "m/a:status", "m/b", "m/b:status"]
    assert raw["rows"][2] == [shown(at(90)), 3.0, BETWEEN, 0.0, GOOD]
    assert raw["rows"][3] == [shown(at(120)), 4.0, BETWEEN, None, BAD]


async def test_few_points_are_stored_samples_with_every_spike(postgres_api: Api):
    rows = [(at(index), float(index % 7), None, UNCERTAIN if index == 5 else GOOD) for index in range(3_000)]
    rows[1234] = (at(1234), 99.0, None, GOOD)
    rows[2000] = (at(2000), None, None, BAD)
    await postgres_api.fill.samples(await postgres_api.fill.series("m/spike"), rows)
    for by in ("min_max", "min_max_lttb"):
        answer = await postgres_api.query(
            series=["m/spike"], points=100, points_by=by, **{"from": shown(at()), "to": shown(at(3_000))}
        )
        (series,) = answer["series"]
        assert series["columns"] == ["time", "value", "status"]
        assert len(series["rows"]) <= 100
        assert [shown(at(1234)), 99.0, GOOD] in series["rows"]
        assert [shown(at(2000)), None, BAD] in series["rows"]


async def test_points_of_a_minute_and_more_lie_on_the_clock(api: Api):
    await two_series(api)
    window = {"from": shown(at(7)), "to": shown(at(7 + 86_400))}
    answer = await api.query(series=["m/a"], points=100, fill="null", **window)
    assert (answer["interval"], answer["align"]) == ("15m", "clock")
    assert len(answer["series"][0]["rows"]) <= 100
    assert answer["partial"][0] == shown(at(0))
    exact = await api.query(series=["m/a"], points=100, align="from", fill="null", **window)
    assert (exact["align"], exact["partial"]) == ("from", [])
    assert len(exact["series"][0]["rows"]) == 100


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"expressions": [{"name": "d", "expression": "a -"}]}, "expressions.0.expression", "comes too early"),
    (
        {"expressions": [{"name": "d", "expression": "a - 'm/a'"}]},
        "expressions.0.expression",
        "not a declared variable",
    ),
    ({"expressions": [{"name": "d", "expression": "'m/nothing'"}]}, "expressions", "there is no series"),
    ({"series": ["m/a"], "variables": {"x": "m/*"}}, "variables.x", "is a glob"),
    ({}, "series", "is empty"),
    ({"series": ["m/a"], "points": 5, "interval": None, "points_by": "min_max"}, "points", "too small"),
]


async def test_what_is_wrong_is_named(postgres_api: Api):
    await two_series(postgres_api)
    for change, field, says in WRONG:
        problem = await postgres_api.refused("POST", "/query", json={**MINUTES, **change})
        assert (problem["field"], says in problem["detail"]) == (field, True), problem
    problem = await postgres_api.refused(
        "POST", "/query", json={**RAW, "expressions": [{"name": "d", "expression": "maximum('m/a') - 1"}]}
    )
    assert problem["position"] == 0
    assert "is not a function" in problem["detail"]
