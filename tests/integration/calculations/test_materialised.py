"""Materialised calculations: once, when the inputs are there; again, when they come late or are corrected."""

import asyncio
from datetime import timedelta

from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.steps import Steps
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions, detect_engine
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from tests.integration.api.service import BAD, GOOD, at, shown
from tests.integration.calculations.bench import Bench

BAD_NO_DATA = 0x809B0000


async def test_a_sum_follows_the_joint_until_of_its_inputs(bench: Bench):
    a = await bench.measured("line/a", unit="kW")
    b = await bench.measured("line/b", "other", unit="kW")
    made = await bench.post("/calculations", path="line/sum", expression='"line/a" + "line/b"', mode="materialised")
    assert (made["unit"], made["kind"], made["version"]) == ("kW", "f64", 1)
    await bench.until(0)
    await bench.until(0, "other")
    await bench.step()
    await bench.store(a, [(1, 1.0, GOOD), (3, 3.0, GOOD), (5, 5.0, GOOD)])
    await bench.store(b, [(2, 10.0, GOOD), (4, None, BAD)])
    await bench.until(5)
    await bench.until(3, "other")
    await bench.step()
    first = [(1, None, BAD_NO_DATA), (2, 11.0, GOOD), (3, 13.0, GOOD)]
    assert await bench.samples(made["series_id"]) == first
    state = (await bench.api.get(f"/calculations/{made['id']}"))["state"]
    assert (state["evaluated_until"], state["waits_for"]) == (shown(at(3)), "gw-1/other")
    await bench.until(6, "other")
    await bench.step()
    await bench.step()
    assert await bench.samples(made["series_id"]) == [*first, (4, None, BAD), (5, None, BAD)]
    (latest,) = (await bench.api.get("/latest", path="line/sum"))["items"]
    assert (latest["time"], latest["value"], latest["status"]) == (shown(at(5)), None, BAD)


async def test_what_comes_late_or_is_corrected_changes_what_it_matters_to(bench: Bench):
    a, b = await bench.measured("line/a"), await bench.measured("line/b")
    made = await bench.post("/calculations", path="line/sum", expression='"line/a" + "line/b"', mode="materialised")
    rate = await bench.post("/calculations", path="line/rate", expression='rate("line/sum")', mode="materialised")
    await bench.until(0)
    for _ in range(2):
        await bench.step()
    await bench.store(a, [(float(second), float(second), GOOD) for second in (10, 20, 30, 40)])
    await bench.store(b, [(5, 100.0, GOOD), (25, 200.0, GOOD)])
    await bench.until(40)
    for _ in range(2):
        await bench.step()
    assert await bench.samples(made["series_id"]) == [
        (5, None, BAD_NO_DATA),
        (10, 110.0, GOOD),
        (20, 120.0, GOOD),
        (25, 220.0, GOOD),
        (30, 230.0, GOOD),
        (40, 240.0, GOOD),
    ]
    await bench.store(b, [(15, 150.0, GOOD)])
    correction = {"from": shown(at(25)), "to": shown(at(26)), "value": 205.0, "reason": "wrong"}
    response = await bench.api.client.post(f"/api/v1/series/{b}/corrections", json=correction)
    assert response.status_code == 200, response.text
    for _ in range(2):
        await bench.step()
    assert await bench.samples(made["series_id"]) == [
        (5, None, BAD_NO_DATA),
        (10, 110.0, GOOD),
        (15, 160.0, GOOD),
        (20, 170.0, GOOD),
        (25, 225.0, GOOD),
        (30, 235.0, GOOD),
        (40, 245.0, GOOD),
    ]
    rates = await bench.samples(rate["series_id"])
    assert [(second, value) for second, value, _ in rates if value is not None] == [
        (15, 10.0),
        (20, 2.0),
        (25, 11.0),
        (30, 2.0),
        (40, 1.0),
    ]
    assert await bench.api.fill.run("select count(*) from calculation_dirty") == [(0,)]


async def test_a_backfill_makes_the_past_by_request(bench: Bench):
    a = await bench.measured("line/a")
    await bench.store(a, [(float(second), float(second), GOOD) for second in range(0, 4000, 100)])
    await bench.until(4000)
    made = await bench.post("/calculations", path="line/double", expression='2 * "line/a"', mode="materialised")
    await bench.step()
    assert await bench.samples(made["series_id"]) == []
    refused = await bench.api.refused(
        "POST", f"/calculations/{made['id']}/backfill", json={"from": "2019-01-01T00:00:00Z"}
    )
    assert (refused["status"], refused["field"]) == (422, "from")
    answer = await bench.post(
        f"/calculations/{made['id']}/backfill", **{"from": shown(at(1000)), "to": shown(at(2000))}
    )
    assert answer["state"]["pending"] == 1
    await bench.step()
    assert await bench.samples(made["series_id"]) == [(second, 2.0 * second, GOOD) for second in range(1000, 2000, 100)]
    changed = await bench.api.client.put(
        f"/api/v1/calculations/{made['id']}?version=1",
        json={"expression": '3 * "line/a"', "mode": "materialised", "backfill_from": shown(at(0))},
    )
    assert changed.status_code == 200, changed.text
    await bench.step()
    assert await bench.samples(made["series_id"]) == [(second, 3.0 * second, GOOD) for second in range(0, 4000, 100)]


async def test_it_has_rollups_of_its_own(postgres_bench: Bench):
    bench = postgres_bench
    a = await bench.measured("line/a")
    made = await bench.post("/calculations", path="line/double", expression='2 * "line/a"', mode="materialised")
    await bench.until(0)
    await bench.step()
    await bench.store(a, [(float(second), float(second), GOOD) for second in range(1, 600)])
    await bench.until(600)
    for _ in range(3):
        await bench.step()
    mine = Ownership("rollups", new_owner())
    await LeaseKeeper(bench.pool, mine, LeaseTimes(ttl_s=60)).acquire()
    async with bench.pool.connection() as connection:
        engine = await detect_engine(connection)
    await close_minutes(bench.pool, mine, at(600), timedelta(0))
    steps = Steps(bench.pool, engine, mine, Partitions(ROLLUP_1M), Partitions(ROLLUP_15M))
    while await steps.roll_next(at(601)) is not None:
        pass
    rows = "select count(*), sum(total), max(high) from rollup_1m where series_id = %s and state = 'f'"
    assert await bench.api.fill.run(rows, made["series_id"]) == [(10, 599, 1198.0)]


async def test_what_is_calculated_of_itself_is_refused_with_the_way(postgres_bench: Bench):
    bench = postgres_bench
    await bench.measured("line/a")
    first = await bench.post("/calculations", path="c/first", expression='2 * "line/a"')
    second = await bench.post("/calculations", path="c/second", expression='"c/first" + 1', mode="materialised")
    body = {"expression": '"c/second" * 2'}
    refused = await bench.api.refused("PUT", f"/calculations/{first['id']}?version=1", json=body)
    assert (refused["status"], refused["field"]) == (422, "expression")
    assert refused["value"] == "c/first > c/second > c/first"
    refused = await bench.api.refused("DELETE", f"/calculations/{first['id']}?version=1")
    assert (refused["status"], "c/second" in refused["detail"]) == (409, True)
    for each in (second, first):
        response = await bench.api.client.delete(f"/api/v1/calculations/{each['id']}?version=1")
        assert response.status_code == 204
    assert (await bench.api.get("/calculations"))["items"] == []
    versions = (await bench.api.get(f"/calculations/{first['id']}/versions"))["items"]
    assert [each["change"] for each in versions] == ["delete", "create"]
    audit = await bench.api.fill.run("select action, object from audit where action like 'calculation%%' order by id")
    assert audit == [
        ("calculation.create", "c/first"),
        ("calculation.create", "c/second"),
        ("calculation.delete", "c/second"),
        ("calculation.delete", "c/first"),
    ]


async def test_what_cannot_be_calculated_is_refused_with_its_place(postgres_bench: Bench):
    bench = postgres_bench
    await bench.measured("line/a")
    await bench.measured("line/name", kind="str")
    await bench.post("/calculations", path="c/fly", expression='2 * "line/a"')

    async def refused(**body: object) -> tuple[int, str, object]:
        answer = await bench.api.refused("POST", "/calculations", json={"path": "c/new"} | body)
        return answer["status"], answer["field"], answer.get("position")

    assert await refused(expression='"line/a" +') == (422, "expression", 10)
    assert await refused(expression='"line/b" + 1') == (422, "expression", None)
    assert await refused(expression="b + 1", variables={"b": "line/b"}) == (422, "variables.b", None)
    assert await refused(expression='"line/name" + 1') == (422, "expression", None)
    assert await refused(expression='1 + rate("line/a" * 2)') == (422, "expression", 4)
    assert await refused(expression='rate("c/fly")') == (422, "expression", 0)
    assert await refused(path="c//x", expression='"line/a"') == (422, "path", None)
    taken = await bench.api.refused("POST", "/calculations", json={"path": "line/a", "expression": '"line/a"'})
    assert taken["status"] == 409
    fly = {"path": "c/x", "expression": '"line/a"', "backfill_from": shown(at(0))}
    assert (await bench.api.refused("POST", "/calculations", json=fly))["field"] == "backfill_from"
    stale = await bench.api.refused("PUT", "/calculations/1?version=7", json={"expression": '"line/a"'})
    assert (stale["status"], stale["field"]) == (409, "version")


async def test_a_fault_in_one_calculation_leaves_the_others(postgres_bench: Bench):
    bench = postgres_bench
    a = await bench.measured("line/a")
    broken = await bench.post("/calculations", path="c/broken", expression='2 * "line/a"', mode="materialised")
    sound = await bench.post("/calculations", path="c/sound", expression='3 * "line/a"', mode="materialised")
    await bench.until(0)
    await bench.step()
    await bench.api.fill.run("update calculation set names = '{}' where id = %s", broken["id"])
    await bench.store(a, [(1, 1.0, GOOD)])
    await bench.until(1)
    await bench.step()
    assert await bench.samples(sound["series_id"]) == [(1, 3.0, GOOD)]
    assert "c/broken" in (await bench.api.get(f"/calculations/{broken['id']}"))["state"]["problem"]


async def test_a_writer_that_did_not_know_is_waited_for(postgres_bench: Bench):
    bench = postgres_bench
    a = await bench.measured("line/a")
    made = await bench.post("/calculations", path="line/double", expression='2 * "line/a"', mode="materialised")
    await bench.until(0)
    await bench.step()
    await bench.store(a, [(1, 1.0, GOOD)])
    async with bench.pool.connection() as writer, writer.transaction():
        # It has looked before the leader announces, and writes afterwards, without a mark.
        await read_closed(await hold_closed(writer))
        await writer.execute("insert into sample (series_id, status, time, value) values (%s, 0, %s, 2)", (a, at(2)))
        await bench.until(3)
        stepping = asyncio.create_task(bench.step())
        announced = "select count(*) from calculation_progress where announced_at = %s"
        async with asyncio.timeout(60):
            while await bench.api.fill.run(announced, at(3)) == [(0,)]:
                await asyncio.sleep(0.01)
        assert await bench.samples(made["series_id"]) == []
        assert not stepping.done()
    await stepping
    assert await bench.samples(made["series_id"]) == [(1, 2.0, GOOD), (2, 4.0, GOOD)]
