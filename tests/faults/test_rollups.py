"""Ingest and roller race about every minute, and the roller is killed in the middle: rollups equal raw recomputed."""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg

from cloud_api.rollups.verify import Difference
from cloud_api.storage.migrate import migrate
from tests.fixtures.processes import Child, Processes
from tests.integration.rollups.mill import running_mill, seconds_of

# Not so long ago that ingest would send everything by its slow lane.
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
SECONDS = float(os.environ.get("MILLSTREAM_ROLLUP_FAULT_SECONDS") or "10")
KILLS = 4
SEED = int(os.environ.get("MILLSTREAM_FAULT_SEED") or time.time_ns() // 1_000_000 % 1_000_000)


def begin(url: str) -> None:
    """A database whose watermark stands at START."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"update rollup_progress set closed_until = %s, marked_until = %s", (START, START))


def roller(processes: Processes, url: str, **environment: str) -> Child:
    """A roller in a process of its own."""
    return processes.command("roller", [sys.executable, "-m", "tests.faults.rolling", url], **environment)


def feeder(processes: Processes, url: str, seconds: float) -> Child:
    """Ingest in a process of its own."""
    return processes.command("feeder", [sys.executable, "-m", "tests.faults.feeding", url, str(seconds), str(SEED)])


async def settle(url: str) -> tuple[list[Difference], int]:
    """Close and roll everything that is left; the differences to raw, and how many minutes there are."""
    async with running_mill(url) as mill:
        ((end,),) = await mill.rows("select max(time) from sample")
        await mill.close(seconds_of(end + timedelta(hours=1)))
        for later in (1, 2):
            await mill.roll(seconds_of(datetime.now(UTC) + timedelta(days=later)))
        assert await mill.rows("select count(*) from rollup_dirty") == [(0,)]
        ((minutes,),) = await mill.rows("select count(*) from rollup_1m")
        return await mill.differences(START), int(minutes)


def test_no_sample_falls_between_ingest_and_a_roller_that_is_killed(processes: Processes, postgres_url: str) -> None:
    print(f"\nseed {SEED} (MILLSTREAM_FAULT_SEED={SEED} repeats this run), {SECONDS:g} s")
    begin(postgres_url)
    feeding, rolling = feeder(processes, postgres_url, SECONDS).start(), roller(processes, postgres_url).start()
    feeding.wait_for_text("feeds")
    for number in range(KILLS):
        rolling.wait_for(lambda number=number: rolling.text().count("rolls") > number, "takes the lease")
        time.sleep(SECONDS / (2 * KILLS))
        rolling.kill()
        rolling.start()
    assert feeding.wait(SECONDS + 60) == 0, feeding.tail()
    assert rolling.is_running, rolling.tail()
    rolling.kill()
    found, minutes = asyncio.run(settle(postgres_url))
    assert found == []
    assert minutes > 200, "a run that proves little"


def test_the_judge_notices_a_roller_that_does_not_wait(processes: Processes, postgres_url: str) -> None:
    begin(postgres_url)
    feeding = feeder(processes, postgres_url, SECONDS / 2).start()
    feeding.wait_for_text("feeds")
    rolling = roller(processes, postgres_url, ROLLING_DOES_NOT_WAIT="yes").start()
    assert feeding.wait(SECONDS + 60) == 0, feeding.tail()
    assert rolling.is_running, rolling.tail()
    rolling.kill()
    found, _ = asyncio.run(settle(postgres_url))
    assert found != [], "a sample was written below the watermark by one who did not know it, and nobody noticed"
