"""What is calculated on the fly comes live as what is stored does: once, resumed, and only to who sees its inputs."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud_api.auth.reach import read_reach
from cloud_api.query.positions import read_position
from tests.integration.api.live_readers import begun, reader_of, streams
from tests.integration.api.service import BAD, GOOD, at
from tests.integration.calculations.bench import Bench


class Moment:
    """When the samples of a test begin: seconds after START, minutes ago."""

    at_s = 0.0


@pytest.fixture(autouse=True)
def moment() -> None:
    Moment.at_s = round((datetime.now(UTC) - timedelta(minutes=5) - at()).total_seconds())


async def store(bench: Bench, series_id: int, *values: tuple[float, float | None]) -> None:
    rows = [(Moment.at_s + second, value, BAD if value is None else GOOD) for second, value in values]
    await bench.store(series_id, rows)


async def until(bench: Bench, second: float, device: str) -> None:
    await bench.until(Moment.at_s + second, device)


async def test_a_new_value_of_an_input_gives_a_new_value_once_all_inputs_are_measured(bench: Bench):
    a, b = await bench.measured("in/a", "plc-a"), await bench.measured("in/b", "plc-b")
    await bench.post("/calculations", path="sum", expression='"in/a" + "in/b"')
    await bench.post("/calculations", path="twice", expression="2 * sum", variables={"sum": "sum"})
    await store(bench, a, (0, 1.0))
    await store(bench, b, (0, 10.0))
    for device in ("plc-a", "plc-b"):
        await until(bench, 0, device)
    async with streams(bench.api) as made:
        sums, both = reader_of(made, "sum"), reader_of(made, "**")
        for reader in (sums, both):
            await begun(reader)
        await store(bench, a, (1, 2.0), (2, 3.0))
        await until(bench, 2, "plc-a")
        await both.until(2)
        # Not yet: what the other device measured meanwhile may still come.
        assert both.values == [("in/a", 2.0), ("in/a", 3.0)]
        await store(bench, b, (1.5, 20.0))
        await until(bench, 1.7, "plc-b")
        await sums.until(2)
        await until(bench, 9, "plc-b")
        await sums.until(3)
        assert sums.values == [("sum", 12.0), ("sum", 22.0), ("sum", 23.0)]
        await both.until(9)
        assert [value for path, value in both.values if path == "twice"] == [24.0, 44.0, 46.0]
        latest = (await bench.api.get("/latest", path="sum"))["items"]
        assert [each["value"] for each in latest] == [23.0]
        await store(bench, a, (3, None))
        await until(bench, 3, "plc-a")
        await sums.until(4)
        assert sums.values[-1] == ("sum", None)
        for reader in (sums, both):
            await reader.close()


async def test_an_input_of_the_same_instant_changes_what_was_shown_there(postgres_bench: Bench):
    bench = postgres_bench
    # No device says how far it was measured, as for samples that come over HTTP.
    a, b = await bench.measured("a", device=None), await bench.measured("b", device=None)
    await bench.post("/calculations", path="sum", expression="a + b", variables={"a": a, "b": b})
    await store(bench, a, (0, 1.0))
    await store(bench, b, (0, 10.0))
    async with streams(bench.api) as made:
        reader = reader_of(made, "sum")
        await begun(reader)
        await store(bench, a, (1, 2.0))
        await reader.until(1)
        seen = reader.last_id
        await store(bench, b, (1, 20.0))
        await reader.until(2)
        assert reader.values == [("sum", 12.0), ("sum", 22.0)]
        await reader.close()
    async with streams(bench.api) as made:
        again = reader_of(made, "sum", seen=read_position(seen))
        await again.until(1)
        assert again.values == [("sum", 22.0)]
        await again.close()


async def test_a_reader_resumes_without_hole_or_double_at_another_process(bench: Bench):
    a, b = await bench.measured("a", "plc-a"), await bench.measured("b", "plc-b")
    await bench.post("/calculations", path="sum", expression="a + b", variables={"a": a, "b": b})
    await store(bench, a, (0, 1.0))
    await store(bench, b, (0, 10.0))
    for device in ("plc-a", "plc-b"):
        await until(bench, 0, device)
    async with streams(bench.api) as made:
        reader = reader_of(made)
        await begun(reader)
        await store(bench, a, (1, 2.0), (2, 3.0), (3, 4.0))
        await until(bench, 3, "plc-a")
        await until(bench, 1, "plc-b")
        await reader.until(4)
        assert [each for each in reader.values if each[0] == "sum"] == [("sum", 12.0)]
        await reader.close()
    # Nothing new of `a`: what its samples give was held back when the connection broke.
    await store(bench, b, (2.5, 20.0))
    await until(bench, 2.6, "plc-b")
    async with streams(bench.api) as made:
        again = reader_of(made, seen=read_position(reader.last_id))
        await again.until(3)
        assert again.values == [("sum", 13.0), ("b", 20.0), ("sum", 23.0)]
        await until(bench, 3, "plc-b")
        await again.until(4)
        assert again.values[-1] == ("sum", 24.0)
        await again.close()
    async with streams(bench.api) as made:
        last = reader_of(made, seen=read_position(again.last_id))
        await begun(last)
        assert last.values == []
        await last.close()


async def test_only_who_sees_every_input_sees_it(postgres_bench: Bench):
    bench = postgres_bench
    a, b = await bench.measured("mine/a"), await bench.measured("yours/b")
    await bench.post("/calculations", path="mine/own", expression='"mine/a" * 2')
    await bench.post("/calculations", path="mine/both", expression='"mine/a" + "yours/b"')
    await bench.post("/calculations", path="yours/inner", expression='"mine/a" * 2')
    await bench.post("/calculations", path="mine/outer", expression='"yours/inner" + 1')
    await store(bench, a, (0, 1.0))
    await store(bench, b, (0, 2.0))
    await until(bench, 100, "plc")
    async with streams(bench.api) as made:
        limited, whole = reader_of(made, reach=read_reach(["mine/**"])), reader_of(made)
        for reader in (limited, whole):
            await begun(reader)
        await store(bench, a, (1, 5.0))
        await limited.until(2)
        await whole.until(5)
        assert limited.values == [("mine/a", 5.0), ("mine/own", 10.0)]
        assert [value for _, value in whole.values] == [5.0, 10.0, 7.0, 10.0, 11.0]
        # An input moves out of its reach, and with it what shows it.
        moved = await bench.api.client.patch(f"/api/v1/series/{a}", json={"path": "yours/a"})
        assert moved.status_code == 200, moved.text
        await store(bench, a, (2, 6.0))
        await whole.until(10)
        await store(bench, await bench.measured("mine/c"), (3, 1.0))
        await limited.until(3)
        assert limited.values[2:] == [("mine/c", 1.0)]
        for reader in (limited, whole):
            await reader.close()


async def test_a_calculation_made_while_somebody_reads_comes_without_a_new_connection(postgres_bench: Bench):
    bench = postgres_bench
    a = await bench.measured("a")
    await store(bench, a, (0, 1.0))
    await until(bench, 100, "plc")
    async with streams(bench.api) as made:
        reader = reader_of(made, "made/*")
        await begun(reader)
        new = await bench.post("/calculations", path="made/new", expression="a * 3", variables={"a": a})
        await store(bench, a, (1, 2.0))
        # Whether the calculation was there at the look before is not said; from the next sample on it is.
        await store(bench, a, (2, 3.0))
        await reader.until(1)
        while reader.values[-1] != ("made/new", 9.0):
            await reader.one()
        change = {"expression": "a * 4", "variables": {"a": a}, "mode": "on_the_fly"}
        answer = await bench.api.client.put(f"/api/v1/calculations/{new['id']}?version=1", json=change)
        assert answer.status_code == 200, answer.text
        await store(bench, a, (3, 1.0))
        count = len(reader.values)
        await reader.until(count + 1)
        assert reader.values[count:] == [("made/new", 4.0)]
        await reader.close()
