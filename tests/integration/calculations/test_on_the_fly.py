"""What is calculated on the fly is read like any other series, and says what a materialised one would."""

import random
from typing import Any

from tests.integration.api.service import BAD, GOOD, UNCERTAIN, at, shown
from tests.integration.calculations.bench import Bench

EXPRESSIONS = (
    "a + b * c",
    "rate(a) + b",
    "a if b > 50 else c",
    "coalesce(a, b)",
    "delta(c) > 0 or is_bad(a)",
    "increase(b) / (c - c)",
)


async def filled(bench: Bench, seed: int) -> dict[str, Any]:
    dice = random.Random(seed)
    names: dict[str, Any] = {}
    for name in "abc":
        names[name] = await bench.measured(f"in/{name}", unit="m3")
        second, values = 0.0, []
        for _ in range(200):
            second += dice.choice([0.5, 1, 1, 7, 60])
            status = dice.choice([GOOD, GOOD, GOOD, UNCERTAIN, BAD])
            values.append((second, None if status == BAD else round(dice.uniform(0, 100), 2), status))
        await bench.store(names[name], values)
    await bench.until(100_000)
    return names


def rounded(rows: list[list[Any]]) -> list[list[Any]]:
    """Numbers to twelve digits."""
    return [[float(f"{cell:.12g}") if isinstance(cell, float) else cell for cell in row] for row in rows]


async def test_it_says_what_a_materialised_one_says(bench: Bench):
    names = await filled(bench, 7)
    pairs = []
    for number, text in enumerate(EXPRESSIONS):
        fly = await bench.post("/calculations", path=f"fly/{number}", expression=text, variables=names)
        stored = await bench.post(
            "/calculations",
            path=f"stored/{number}",
            expression=text,
            variables=names,
            mode="materialised",
            backfill_from=shown(at(0)),
        )
        pairs.append((fly["series_id"], stored["series_id"]))
    await bench.step()
    latest = {each["path"]: each for each in (await bench.api.get("/latest", limit=10_000))["items"]}
    for number, (fly, stored) in enumerate(pairs):
        expected = await bench.samples(stored)
        assert len(expected) > 300
        assert await bench.samples(fly) == expected, EXPRESSIONS[number]
        paged = [each async for page in bench.api.pages(f"/series/{fly}/samples", limit=90) for each in page]
        assert [each["value"] for each in paged] == [value for _, value, _ in expected]
        window = {"from": shown(at(333.3)), "to": shown(at(1717))}
        aggregates = ["count", "average", "time_average", "minimum", "end_bound", "percent_good", "delta"]
        answers = [
            (await bench.api.query(series=[each], interval="1m", aggregate=aggregates, **window))["series"][0]["rows"]
            for each in (fly, stored)
        ]
        # A mean may differ in its last digit: one is the database's, the other ours.
        assert rounded(answers[0]) == rounded(answers[1]), EXPRESSIONS[number]
        ends = [{**latest[f"{kind}/{number}"], "arrived_at": 0, "path": 0, "id": 0} for kind in ("fly", "stored")]
        assert ends[0] == ends[1], EXPRESSIONS[number]


async def test_a_window_says_the_same_wherever_it_begins(postgres_bench: Bench):
    bench = postgres_bench
    names = await filled(bench, 11)
    made = await bench.post("/calculations", path="fly", expression="rate(a) + b", variables=names)
    whole = await bench.samples(made["series_id"])
    for begin in (10.0, 400.25, 1500.0):
        page = await bench.api.get(
            f"/series/{made['series_id']}/samples",
            **{"from": shown(at(begin)), "to": shown(at(2000)), "limit": 100_000},
        )
        expected = [(value, status) for second, value, status in whole if begin <= second < 2000]
        assert [(each["value"], each["status"]) for each in page["items"]] == expected


async def test_a_preview_stores_nothing(postgres_bench: Bench):
    bench = postgres_bench
    names = await filled(bench, 3)
    window = {"from": shown(at(0)), "to": shown(at(500))}
    answer = await bench.post("/calculations/preview", expression="a + b", variables=names, limit=20, **window)
    assert (answer["unit"], answer["kind"], len(answer["items"]), answer["is_whole"]) == ("m3", "f64", 20, False)
    assert [each["path"] for each in answer["inputs"]] == ["in/a", "in/b"]
    assert (await bench.api.get("/calculations"))["items"] == []


async def test_a_caller_of_limited_reach_sees_it_when_it_sees_its_inputs(postgres_bench: Bench):
    bench = postgres_bench
    a = await bench.measured("mine/a")
    b = await bench.measured("yours/b")
    await bench.store(a, [(1, 1.0, GOOD)])
    await bench.store(b, [(1, 2.0, GOOD)])
    await bench.until(1)
    await bench.post("/calculations", path="mine/own", expression='"mine/a" * 2')
    both = await bench.post("/calculations", path="mine/both", expression='"mine/a" + "yours/b"')
    await bench.post("/calculations", path="mine/kept", expression='"yours/b"', mode="materialised")
    # Every sample comes from `mine`, and by a calculation that does not.
    await bench.post("/calculations", path="yours/inner", expression='"mine/a" * 2')
    await bench.post("/calculations", path="mine/outer", expression='"yours/inner" + 1')
    key = await bench.api.fill.key("viewer", reach=["mine/**"])
    bench.api.client.headers["Authorization"] = f"Bearer {key}"
    assert [each["path"] for each in (await bench.api.get("/series"))["items"]] == ["mine/a", "mine/kept", "mine/own"]
    latest = (await bench.api.get("/latest"))["items"]
    assert [(each["path"], each["value"]) for each in latest] == [("mine/a", 1.0), ("mine/own", 2.0)]
    assert (await bench.api.refused("GET", f"/series/{both['series_id']}/samples"))["status"] == 404
    # Its definition would tell where it looks.
    assert [each["path"] for each in (await bench.api.get("/calculations"))["items"]] == ["mine/own"]
