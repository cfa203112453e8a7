"""Samples written by SQL of somebody's own: noticed by its writer, in what is rolled next, by commands."""

import json
import random
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from cloud_api.rollups.fresh import Fresh
from tests.fixtures.processes import Processes
from tests.integration.ingest.conftest import Rig, running_rig
from tests.integration.rollups.mill import Mill, mill_on, running_mill, seconds_of
from tests.integration.rollups.test_commands import rollups
from tests.integration.rollups.test_fresh import BEGIN, SEED, sent

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
INSERT = b"insert into sample (series_id, status, time, value) values (%s, 0, %s, 7.5)"


@pytest.fixture
async def both(engine_url: str) -> AsyncGenerator[tuple[Rig, Mill]]:
    """Ingest and a roller of one process, once on each engine."""
    fresh = Fresh(warm_up_us=0)
    async with running_rig(engine_url, hand_over=fresh) as rig, mill_on(rig.pool, fresh) as mill:
        await mill.close(seconds_of(NOW - timedelta(minutes=5)))
        yield rig, mill


async def test_minutes_that_are_not_closed_count_what_sql_has_written(both: tuple[Rig, Mill]) -> None:
    rig, mill = both
    await rig.take(sent(1, random.Random(SEED), round((NOW - BEGIN) / timedelta(minutes=1)) - 5))
    assert await mill.rows("select count(*) from untold_write") == [(0,)], "ingest tells what it writes"
    ((series_id,),) = await mill.rows("select id from series where path = 'hall/b'")
    said: list[str] = []
    async with rig.pool.connection() as connection:
        connection.add_notice_handler(lambda notice: said.append(f"{notice.message_primary} {notice.message_hint}"))
        for second in (1, 2):
            await connection.execute(INSERT, (series_id, NOW - timedelta(minutes=5) + timedelta(seconds=second)))
        await connection.execute(b"update sample set value = 8.5 where value = 7.5")
    assert len(said) == 1
    assert "cloud rollups rebuild" in said[0]
    # Ingest holds all that it stored to that minute, but not all that is there.
    await mill.close(seconds_of(NOW - timedelta(minutes=4)))
    await mill.roll(seconds_of(NOW + timedelta(days=2)))
    assert await mill.rows("select count(*) > 0 from rollup_1m where series_id = %s", series_id) == [(True,)]
    assert await mill.differences(NOW) == []


async def test_the_commands_say_so_until_everything_is_rebuilt(processes: Processes, postgres_url: str) -> None:
    async with running_mill(postgres_url) as mill:
        for one in await mill.series("a/one", "b/two"):
            await mill.store(one, [seconds_of(NOW - timedelta(hours=1)) + second for second in range(0, 2000, 20)])
        await mill.close(seconds_of(NOW))
        for later in (1, 2):
            await mill.roll(seconds_of(NOW + timedelta(days=later)))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(INSERT, (1, NOW - timedelta(minutes=50, seconds=7)))
    assert "past Millstream" in rollups(processes, postgres_url, "verify", "--count", "1").text()
    part = rollups(processes, postgres_url, "rebuild", "--path", "b/*")
    assert part.wait() == 0, part.text()
    assert json.loads(rollups(processes, postgres_url, "status", "--json").text())["untold"]["stretches"] == 1
    whole = rollups(processes, postgres_url, "rebuild")
    assert whole.wait() == 0, whole.text()
    assert "past Millstream" not in rollups(processes, postgres_url, "status").text()
    async with running_mill(postgres_url) as mill:
        assert await mill.differences(NOW) == []
