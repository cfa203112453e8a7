"""A materialised calculation remembers by rollups of its own what was known."""

from datetime import UTC, datetime
from typing import Any

from tests.integration.api.service import GOOD, START, at, shown
from tests.integration.calculations.bench import running_bench
from tests.integration.rollups.mill import running_mill

HOUR = 3_600


async def test_what_a_late_input_changed_is_not_in_the_past_view(postgres_url: str):
    async with running_bench(postgres_url) as bench, running_mill(postgres_url) as mill:
        a, b = await bench.measured("a"), await bench.measured("b")
        await bench.post(
            "/calculations",
            path="sum",
            expression="a + b",
            variables={"a": a, "b": b},
            mode="materialised",
            backfill_from=shown(START),
        )
        await bench.store(a, [(second, 1.0, GOOD) for second in range(0, 2 * HOUR, 60)])
        await bench.store(b, [(second, 10.0, GOOD) for second in range(0, 2 * HOUR, 60)])
        await bench.until(2 * HOUR)
        # Of ten minutes, so that minutes answer: quarters are merged a little later.
        body = {"series": ["sum"], "from": shown(START), "to": shown(at(HOUR)), "interval": "10m"}
        body |= {"aggregate": ["time_average", "maximum", "count"]}

        async def known() -> tuple[datetime, list[list[Any]]]:
            """What is rolled by now, and what raw samples say."""
            await bench.step()
            await mill.close(2 * HOUR)
            now = datetime.now(UTC)
            await mill.roll((now - START).total_seconds())
            return now, (await bench.api.query(**body, resolution="raw"))["series"][0]["rows"]

        first = await known()
        assert [row[1:4] for row in first[1]] == [[11.0, 11.0, 10]] * 6
        await bench.store(b, [(90.0, 40.0, GOOD)])
        second = await known()
        assert [row[2:4] for row in second[1]][:2] == [[41.0, 11], [11.0, 10]]
        for now, rows in (first, second):
            past = await bench.api.query(**body, as_of=shown(now))
            assert past["series"][0]["rows"] == rows
            assert past["resolution"] == "1m"
