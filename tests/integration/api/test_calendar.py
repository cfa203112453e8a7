"""POST /query by calendar: days, months and shifts of a named time zone, aggregated where the samples lie."""

from datetime import UTC, datetime, timedelta

from tests.integration.api.service import GOOD, Api


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


async def hourly(api: Api, path: str, first: str, count: int, kind: str = "f64") -> None:
    """One sample an hour whose value is its number."""
    start = instant(first)
    rows = [(start + timedelta(hours=index), float(index), None, GOOD) for index in range(count)]
    await api.fill.samples(await api.fill.series(path, kind), rows)


async def test_days_of_a_zone_hold_their_own_hours(api: Api):
    await hourly(api, "c/berlin", "2026-03-28T00:00:00+01:00", 71)
    answer = await api.query(
        series=["c/berlin"],
        interval="1d",
        time_zone="Europe/Berlin",
        align="clock",
        aggregate=["count", "minimum"],
        **{"from": "2026-03-28T00:00:00+01:00", "to": "2026-03-31T00:00:00+02:00"},
    )
    assert (answer["interval"], answer["time_zone"], answer["partial"]) == ("1d", "Europe/Berlin", [])
    assert answer["series"][0]["rows"] == [
        ["2026-03-27T23:00:00.000000Z", 24, 0.0, GOOD],
        ["2026-03-28T23:00:00.000000Z", 23, 24.0, GOOD],
        ["2026-03-29T22:00:00.000000Z", 24, 47.0, GOOD],
    ]


async def test_months_are_the_same_from_the_database_and_from_raw(api: Api):
    await hourly(api, "c/month", "2026-01-30T20:00:00+08:00", 60, "i64")
    window = {"from": "2026-01-15T00:00:00+08:00", "to": "2026-03-15T00:00:00+08:00"}
    question = {"series": ["c/month"], "interval": "1mo", "time_zone": "Asia/Shanghai", "align": "clock", **window}
    answer = await api.query(aggregate=["count", "maximum"], **question)
    assert answer["partial"] == ["2025-12-31T16:00:00.000000Z", "2026-02-28T16:00:00.000000Z"]
    rows = answer["series"][0]["rows"]
    assert rows == [
        ["2025-12-31T16:00:00.000000Z", 28, 27, GOOD],
        ["2026-01-31T16:00:00.000000Z", 32, 59, GOOD],
    ]
    exact = await api.query(aggregate=["count", "maximum", "end"], **question)
    assert [row[:4] for row in exact["series"][0]["rows"]] == [[*row[:3], row[2]] for row in rows]


async def test_shifts_answer_for_their_hours_alone(api: Api):
    await hourly(api, "c/shift", "2026-01-01T00:00:00+08:00", 48)
    for aggregate, fill in ((["count"], "none"), (["count"], "null"), (["count", "time_average"], "none")):
        answer = await api.query(
            series=["c/shift"],
            interval="06:00-14:00",
            time_zone="Asia/Shanghai",
            aggregate=aggregate,
            fill=fill,
            **{"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-02T10:00:00+08:00"},
        )
        assert answer["interval"] == "06:00-14:00"
        assert answer["partial"] == ["2026-01-01T22:00:00.000000Z"]
        assert [row[:2] for row in answer["series"][0]["rows"]] == [
            ["2025-12-31T22:00:00.000000Z", 8],
            ["2026-01-01T22:00:00.000000Z", 4],
        ]


async def test_zones_and_intervals_are_refused_by_name(api: Api):
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    body = {"series": ["c/x"], "interval": "1d", "time_zone": "Beijing", **window}
    problem = await api.refused("POST", "/query", json=body)
    assert (problem["status"], problem["field"], problem["value"]) == (422, "time_zone", "Beijing")
    problem = await api.refused("POST", "/query", json={**body, "interval": "06:00-14:00", "time_zone": None})
    assert problem["field"] == "time_zone"
