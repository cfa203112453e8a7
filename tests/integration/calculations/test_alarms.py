"""Alarms on materialised series: raised by the leader when the result is there."""

import time

from cloud_api.alarms.leader import AlarmLeader
from cloud_api.leases import LeaseKeeper, LeaseTimes
from tests.integration.api.service import GOOD
from tests.integration.calculations.bench import Bench


async def test_a_limit_on_a_sum_is_raised_and_cleared(postgres_bench: Bench):
    bench = postgres_bench
    a, b = await bench.measured("line/a"), await bench.measured("line/b")
    await bench.post("/calculations", path="line/sum", expression='"line/a" + "line/b"', mode="materialised")
    await bench.until(0)
    await bench.step()
    condition = {"kind": "limit", "hi": {"limit": 100}}
    await bench.post("/alarm-definitions", name="too much", target={"path": "line/sum"}, condition=condition)
    leader = AlarmLeader(bench.pool)
    keeper = LeaseKeeper(bench.pool, leader._mine, LeaseTimes(ttl_s=60.0))
    await keeper.acquire()
    await leader.step(time.time_ns() // 1000)
    for second, value in ((1.0, 60.0), (2.0, 10.0)):
        await bench.store(a, [(second, value, GOOD)])
        await bench.store(b, [(second, 50.0, GOOD)])
        await bench.until(second)
        await bench.step()
        await leader.step(time.time_ns() // 1000)
    await keeper.release()
    rows = await bench.api.fill.run(
        "select event, value from alarm_journal where event in ('raise', 'clear') order by id"
    )
    assert rows == [("raise", 110.0), ("clear", 60.0)]
