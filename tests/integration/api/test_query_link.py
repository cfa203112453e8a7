"""GET /query: the question of POST /query in an address."""

from datetime import timedelta

from tests.integration.api.service import GOOD, Api, at, shown

HOUR = {"from": shown(at()), "to": shown(at(3600))}


async def test_an_address_answers_as_the_body_does(api: Api):
    series_id = await api.fill.series("q/a", unit="A")
    await api.fill.samples(series_id, [(at(second), float(second % 7), None, GOOD) for second in range(120)])
    asked = HOUR | {"interval": "1m", "aggregate": ["minimum", "maximum"], "fill": "null"}
    posted = await api.query(series=[series_id], **asked)
    assert await api.get("/query", series=str(series_id), **asked) == posted
    assert await api.get("/query", series="q/*", **asked) == posted


async def test_few_points_keep_the_one_spike(postgres_api: Api):
    series_id = await postgres_api.fill.series("q/spike")
    rows = [(at() + timedelta(milliseconds=100 * index), 1.0, None, GOOD) for index in range(3_000)]
    rows[1_234] = (rows[1_234][0], 99.0, None, GOOD)
    await postgres_api.fill.samples(series_id, rows)
    by_samples = await postgres_api.get("/query", series=series_id, points=100, points_by="min_max", **HOUR)
    assert max(row[1] for row in by_samples["series"][0]["rows"]) == 99.0
    by_buckets = await postgres_api.get(
        "/query", series=series_id, points=100, aggregate=["minimum", "maximum"], **HOUR
    )
    assert max(row[2] for row in by_buckets["series"][0]["rows"]) == 99.0


async def test_a_file_is_a_download(postgres_api: Api):
    series_id = await postgres_api.fill.series("q/a")
    await postgres_api.fill.samples(series_id, [(at(0), 1.5, None, GOOD)])
    asked = HOUR | {"series": series_id, "resolution": "raw", "format": "csv"}
    answer = await postgres_api.client.get("/api/v1/query", params=asked, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="millstream-20260131T080000000000Z.csv"'
    assert answer.text.splitlines()[0] == "series,time,value,status"
    parquet = await postgres_api.client.get("/api/v1/query", params=asked | {"format": "parquet"})
    assert parquet.content[:4] == b"PAR1"


async def test_wrong_addresses_are_refused_by_name(postgres_api: Api):
    await postgres_api.fill.series("q/a")
    for wrong, field in (
        ({"series": "q/a"} | HOUR, "interval"),
        (HOUR | {"interval": "1m"}, "series"),
        ({"series": "99999999999999"} | HOUR | {"interval": "1m"}, "series.0"),
        ({"series": "q/a", "from": "x", "to": HOUR["to"], "interval": "1m"}, "from"),
        ({"series": "q/a", "pointz": 3} | HOUR, "pointz"),
    ):
        answer = await postgres_api.client.get("/api/v1/query", params=wrong)
        assert answer.status_code in {400, 404, 422}, answer.text
        problem = answer.json()
        named = [each["field"] for each in problem.get("errors", [problem])]
        assert field in named, answer.text
