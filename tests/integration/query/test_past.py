"""`as_of` by brute force: what a query says of a past view is what it said of raw samples at that time."""

import math
import os
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cloud_api.query.aggregates.names import Aggregate
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.rollup_writes import mark_changed
from cloud_api.storage.rows import SampleRows, key_order, newest_rows
from cloud_api.storage.samples import upsert_latest, upsert_samples
from tests.integration.api.service import Api, serve_api, shown
from tests.integration.rollups.mill import START, Mill, at, running_mill

SEED = int(os.environ.get("MILLSTREAM_PAST_SEED") or "4")
TURNS = int(os.environ.get("MILLSTREAM_PAST_TURNS") or "3")
HOUR = 3_600.0
ALL = [each.value for each in Aggregate]
QUESTIONS: tuple[dict[str, Any], ...] = (
    {"interval": "15m", "fill": "null"},
    {"interval": "1d", "time_zone": "Asia/Shanghai", "fill": "null"},
    {"interval": "06:00-14:00,14:00-22:00,22:00-06:00", "time_zone": "Asia/Kolkata", "fill": "null"},
    {"points": 7, "fill": "null"},
)


@dataclass
class Past:
    """A plant whose samples come, come late and are corrected, and what was answered at each time."""

    api: Api
    mill: Mill
    chance: random.Random
    ids: list[int] = field(default_factory=list[int])
    told: list[tuple[float, dict[str, Any], list[Any]]] = field(
        default_factory=list[tuple[float, dict[str, Any], list[Any]]]
    )

    async def write(self, series_id: int, seconds: list[float]) -> None:
        """New samples and other values for those that are there, with all kinds of quality."""
        statuses = [self.chance.choice([0, 0, 0, 0x40000000, 0x80000000]) for _ in seconds]
        values = [np.nan if status >= 2**31 else round(self.chance.uniform(-50, 50), 2) for status in statuses]
        rows = SampleRows(
            np.full(len(seconds), series_id, np.int32),
            np.array([us_of(at(second)) for second in seconds], np.int64),
            np.array(statuses, np.uint32).view(np.int32),
            np.array(values),
            None,
        )
        async with self.mill.pool.connection() as connection:
            await self.mill.days.ensure(connection, rows.days())
        async with transaction(self.mill.pool) as connection:
            closed = await read_closed(await hold_closed(connection))
            await upsert_samples(connection, rows)
            await upsert_latest(connection, newest_rows(rows.take(key_order(rows.series_ids, rows.times_us))), START)
            await mark_changed(connection, rows.series_ids, rows.times_us, closed, START)

    async def turn(self, number: int) -> None:
        """An hour more, something late, something corrected, perhaps for the second time; then it is rolled."""
        for series_id in self.ids:
            live = sorted(number * HOUR + self.chance.uniform(0, HOUR) for _ in range(40))
            late = [self.chance.uniform(0, number * HOUR) for _ in range(3)]
            await self.write(series_id, sorted({round(each, 3) for each in [*live, *late]}))
            known = await self.mill.rows(
                "select time from sample where series_id = %s order by random() limit 4", series_id
            )
            await self.write(series_id, [(row[0] - START).total_seconds() for row in known])
        await self.mill.measured("plc", (number + 1) * HOUR)
        await self.mill.close((number + 1) * HOUR)
        # Quarters are merged a little after their minutes.
        clock = (number + 1) * HOUR + 900
        await self.mill.roll(clock - 60)
        await self.mill.roll(clock)
        if number:
            # What lies behind the window has come as well, so that its right edge has a neighbour.
            await self.note(clock, number * HOUR)

    async def note(self, clock: float, until: float) -> None:
        """Ask of raw samples, and remember."""
        window = {"from": shown(START), "to": shown(at(until))}
        for question in QUESTIONS:
            body = {"series": self.ids, "aggregate": ALL, **window, **question}
            if "points" in question:
                # A bucket of so many quarters, as rollups are kept of.
                body |= {"from": shown(at(0)), "to": shown(at(until // (7 * 900) * 7 * 900 or 7 * 900))}
                if until < 7 * 900:
                    continue
            self.told.append((clock, body, rows_of(await self.api.query(**body, resolution="raw"))))
        formula = {
            "expressions": [{"name": "d", "expression": "a - b"}],
            "variables": dict(zip("ab", self.ids, strict=True)),
        }
        body = {**formula, **window, "interval": "1h", "aggregate": ["time_average"], "fill": "null"}
        self.told.append((clock, body, rows_of(await self.api.query(**body, resolution="raw"))))


def rows_of(answer: dict[str, Any]) -> list[Any]:
    """Every row, whatever it is of."""
    return [each["rows"] for each in [*answer.get("series", ()), *answer.get("expressions", ())]]


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Where two answers differ, but for the last digits."""
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [
            text
            for index, pair in enumerate(zip(left, right, strict=True))
            for text in differences(*pair, f"{where}/{index}")
        ]
    if isinstance(left, float | int) and isinstance(right, float | int):
        return [] if math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-7) else [f"{where}: {left} for {right}"]
    return [] if left == right else [f"{where}: {left} for {right}"]


async def test_a_past_view_is_what_raw_samples_said_then(postgres_url: str):
    async with serve_api(postgres_url) as api, running_mill(postgres_url) as mill:
        past = Past(api, mill, random.Random(SEED), await mill.series("a", "b", device="plc"))
        for number in range(TURNS):
            await past.turn(number)
        assert len(past.told) >= 4 * (TURNS - 1)
        for clock, body, rows in past.told:
            answer = await api.query(**body, as_of=shown(at(clock + 1)))
            assert not answer["aligned"], (clock, body)
            assert not differences(rows_of(answer), rows), (clock, {**body, "aggregate": "…"})


async def test_a_past_before_there_was_anything_and_one_that_is_to_come(postgres_url: str):
    async with serve_api(postgres_url) as api, running_mill(postgres_url) as mill:
        past = Past(api, mill, random.Random(SEED), await mill.series("a", "b", device="plc"))
        for number in range(2):
            await past.turn(number)
        body = {"series": past.ids[:1], "from": shown(START), "to": shown(at(HOUR)), "interval": "30m", "fill": "null"}
        body |= {"aggregate": ["time_average", "count", "percent_good", "minimum"]}
        before = await api.query(**body, as_of=shown(at(1)))
        (series,) = before["series"]
        assert {tuple(row[1:5]) for row in series["rows"]} == {(None, 0, None, None)}
        formula = body | {"series": [], "expressions": [{"name": "d", "expression": "a - b"}]}
        formula |= {"variables": dict(zip("ab", past.ids, strict=True)), "aggregate": ["average"]}
        assert [row[1] for row in (await api.query(**formula, as_of=shown(at(1))))["series"][0]["rows"]] == [None, None]
        for asked, field in ((body | {"as_of": "2261-01-01T00:00:00Z"}, "as_of"), (body | {"as_of": "soon"}, "as_of")):
            refused = await api.client.post("/api/v1/query", json=asked)
            assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
        for more in ({"points_by": "min_max", "points": 10, "interval": None}, {"resolution": "raw"}):
            refused = await api.client.post("/api/v1/query", json=body | {"as_of": shown(at(HOUR)), **more})
            assert (refused.status_code, refused.json()["field"]) == (422, "as_of"), refused.text
        for accept in ("text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"):
            answer = await api.client.post(
                "/api/v1/query", json=body | {"as_of": shown(at(3 * HOUR))}, headers={"Accept": accept}
            )
            assert answer.status_code == 200, answer.text


async def test_a_purged_series_has_no_past_and_a_calculation_on_the_fly_says_the_way_out(postgres_url: str):
    async with serve_api(postgres_url) as api, running_mill(postgres_url) as mill:
        past = Past(api, mill, random.Random(SEED), await mill.series("a", "b", device="plc"))
        for number in range(2):
            await past.turn(number)
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('admin')}"
        made = await api.client.post(
            "/api/v1/calculations",
            json={"path": "sum", "expression": "a + b", "variables": dict(zip("ab", past.ids, strict=True))},
        )
        assert made.status_code == 201, made.text
        body = {"from": shown(START), "to": shown(at(HOUR)), "interval": "30m", "as_of": shown(at(2.5 * HOUR))}
        refused = await api.refused("POST", "/query", json=body | {"series": ["sum"]})
        assert (refused["status"], refused["field"]) == (422, "as_of")
        assert "materialise" in refused["allowed"]
        assert "expressions" in refused["allowed"]
        await api.client.delete(f"/api/v1/calculations/{made.json()['id']}?version=1")
        assert (await api.query(**body, series=["b"]))["series"][0]["rows"]
        retired = await api.client.delete(f"/api/v1/series/{past.ids[1]}")
        purged = await api.client.post(f"/api/v1/series/{past.ids[1]}/purge", json={"path": "b"})
        assert (retired.status_code, purged.status_code) == (200, 200), purged.text
        assert (await api.refused("POST", "/query", json=body | {"series": [past.ids[1]]}))["status"] == 404
        left = [
            (await mill.rows(f"select count(*) from {table} where series_id = %s", past.ids[1]))[0][0]
            for table in ("rollup_1m_known", "rollup_15m_known", "sample")
        ]
        assert left == [0, 0, 0]
