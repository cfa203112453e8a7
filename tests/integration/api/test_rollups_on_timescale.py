"""Rollups over HTTP on TimescaleDB: compressed chunks, a late sample into one of them, raw samples that are dropped."""

from datetime import timedelta
from typing import Any

import numpy as np

from cloud_api.query.aggregates.names import Aggregate
from cloud_api.retention.keeping import Retention
from cloud_api.settings import RetentionSettings
from cloud_api.telemetry import Telemetry
from tests.integration.api.service import Api, serve_api, shown
from tests.integration.api.test_rollup_query import agree
from tests.integration.rollups.mill import START, Mill, at, running_mill

DAY_S, HOURS = 86_400, 4
PATH = "hall/press-1/force"
WINDOW = {"series": [PATH], "from": shown(at(-DAY_S)), "to": shown(at(HOURS * 3600 - DAY_S))}
EVERY = {"interval": "1h", "aggregate": [each.value for each in Aggregate]}
FEW = {"points": 32, "points_by": "min_max"}
LATE_S = 5_000.25 - DAY_S


async def filled(mill: Mill) -> int:
    """Four hours of yesterday and of today, a sample every five seconds, with trouble; rolled and compressed."""
    (one,) = await mill.series(PATH)
    seconds = np.arange(0, HOURS * 3600, 5.0)
    values = 50 + 10 * np.sin(seconds / 200)
    values[1_111] = 99.0
    for day in (-DAY_S, 0):
        await mill.store(one, (seconds + day).tolist(), values.tolist())
    trouble = "update sample set status = %s, value = case when %s < 0 then null else value end where time = any(%s)"
    await mill.rows(trouble, -(2**31), -1, [at(second - DAY_S) for second in (35, 40, 7_000, 7_200)])
    await mill.rows(trouble, 0x40000000, 1, [at(second - DAY_S) for second in (100, 1_111 * 5, 9_000)])
    await mill.close(HOURS * 3600)
    for later in (3, 4):
        await mill.roll(later * DAY_S)
    for table in ("sample", "rollup_1m", "rollup_15m"):
        assert await mill.rows(f"select compress_chunk(c) from show_chunks('{table}') c"), table
    return one


async def drop_yesterday(mill: Mill) -> None:
    """Retention keeps today's raw samples; the job that drops chunks is started by nobody but us."""
    chosen = RetentionSettings(timedelta(hours=12), None, None, None, None)
    await Retention(mill.pool, chosen, Telemetry()).enforce(mill.steps.mine, START + timedelta(hours=12))
    ((job,),) = await mill.rows(
        "select job_id from timescaledb_information.jobs where proc_name = 'drop_rolled_chunks'"
    )
    await mill.rows("call run_job(%s)", job)
    assert await mill.rows("select count(*) from sample where time < %s", at(-8 * 3600)) == [(0,)]


async def both(api: Api, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same question to raw samples and to whatever is best."""
    return await api.query(**WINDOW, **more, resolution="raw"), await api.query(**WINDOW, **more)


def named(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Each row with its columns' names."""
    return [dict(zip(each["columns"], row, strict=True)) for each in answer["series"] for row in each["rows"]]


async def test_rollups_answer_over_http_whatever_became_of_the_chunks(timescale_url: str):
    async with running_mill(timescale_url, pool_size=1) as mill, serve_api(timescale_url) as api:
        one = await filled(mill)
        for more in (EVERY, FEW):
            raw, rolled = await both(api, **more)
            assert (raw["resolution"], rolled["resolution"], rolled["aligned"]) == ("raw", "15m", None)
            agree(rolled, raw)
        await mill.store(one, [LATE_S], [123.5])
        assert await mill.rows("select count(*) from rollup_dirty where not is_open") == [(1,)]
        raw, waiting = await both(api, **EVERY)
        agree(waiting, raw)
        assert named(waiting)[1]["maximum"] == 123.5
        assert set(waiting["scanned"]) == {"15m", "1m", "raw"}
        for later in (5, 6):
            await mill.roll(later * DAY_S)
        whole, few = await api.query(**WINDOW, **EVERY), await api.query(**WINDOW, **FEW)
        agree(whole, raw)
        assert set(whole["scanned"]) == {"15m"}

        await drop_yesterday(mill)
        agree(await api.query(**WINDOW, **EVERY), whole)
        kept = await api.query(**WINDOW, **FEW)
        assert kept["aligned"] is None
        numbers = [[row for row in each["series"][0]["rows"] if row[2] < 2**31] for each in (kept, few)]
        assert numbers[0] == numbers[1]
        assert [row[1] for row in numbers[0] if row[0] == shown(at(LATE_S))] == [123.5]
        moved = await api.query(**WINDOW | {"to": shown(at(HOURS * 3600))}, interval="450s", aggregate=["maximum"])
        edges = moved["aligned"]["moved"]
        assert [(each["first"], each["bucket"]) for each in edges] == [(shown(at(450 - DAY_S)), "1m")]
        assert max(row["maximum"] for row in named(moved)) == 123.5
        gone = await api.query(**WINDOW, resolution="raw")
        assert (gone["aligned"]["from"], gone["series"][0]["rows"]) == (WINDOW["to"], [])
