"""Ingest and roller race about every minute, and the roller is killed in the middle: rollups equal raw recomputed."""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from cloud_api.rollups import closing
from cloud_api.rollups.verify import Difference
from cloud_api.storage.instants import us_of
from cloud_api.storage.migrate import migrate
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.telemetry import Lane
from schemas.sample import Kind
from tests.fixtures.processes import Child, Processes
from tests.integration.ingest.conftest import batch, column, running_rig
from tests.integration.rollups.mill import at, running_mill, seconds_of

# Not so long ago that ingest would send everything by its slow lane.
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
SECONDS = float(os.environ.get("MILLSTREAM_ROLLUP_FAULT_SECONDS") or "10")
KILLS = 4
AGENTS = 2
KEPT_TAGS = tuple(f"pressure-{number}" for number in range(5))
OUTAGE_MINUTES = 8 * 60
MINUTE_US = 60_000_000
SEED = int(os.environ.get("MILLSTREAM_FAULT_SEED") or time.time_ns() // 1_000_000 % 1_000_000)


def begin(url: str) -> None:
    """A database whose watermark stands at START."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"update rollup_progress set closed_until = %s, marked_until = %s", (START, START))


def roller(processes: Processes, url: str, **environment: str) -> Child:
    """A roller in a process of its own."""
    return processes.command("roller", [sys.executable, "-m", "tests.faults.rolling", url], **environment)


def feeder(processes: Processes, url: str, seconds: float, **environment: str) -> Child:
    """Ingest in a process of its own, or with a roller beside it."""
    command = [sys.executable, "-m", "tests.faults.feeding", url, str(seconds), str(SEED)]
    return processes.command("feeder", command, **environment)


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
    assert minutes > 100, "a run that proves little"


def test_a_process_that_stores_and_rolls_from_memory_is_killed(processes: Processes, postgres_url: str) -> None:
    begin(postgres_url)
    both = feeder(processes, postgres_url, 600, FEEDING_ROLLS="all")
    for number in range(2):
        both.start()
        # The sentence is written once minutes have been rolled of what was handed over.
        both.wait_for(lambda number=number: both.text().count("rolled from memory") > number, "rolls from memory")
        both.kill()
    found, minutes = asyncio.run(settle(postgres_url))
    assert found == []
    assert minutes > 20, "a run that proves little"


def test_a_process_that_rolls_what_it_stored_is_killed_and_so_is_the_one_with_the_role(
    processes: Processes, postgres_url: str
) -> None:
    begin(postgres_url)
    storing = feeder(processes, postgres_url, 600, FEEDING_ROLLS="held")
    rolling = roller(processes, postgres_url, ROLLING_LEAVES="yes").start()
    for number, killed in enumerate((storing, rolling, storing)):
        if not storing.is_running:
            storing.start()
        storing.wait_for(lambda number=number: storing.text().count("rolled from memory") > number // 2, "rolls")
        killed.kill()
        if killed is rolling:
            rolling.start().wait_for(lambda: rolling.text().count("rolls") > 1, "takes the lease")
    rolling.kill()
    found, minutes = asyncio.run(settle(postgres_url))
    assert found == []
    assert minutes > 20, "a run that proves little"


def test_the_backlog_of_eight_hours_is_rolled_by_whoever_is_left(processes: Processes, postgres_url: str) -> None:
    """Two agents send what they kept, in order, while one of two rollers is killed; every minute is there and right."""
    begin(postgres_url)
    first, second = roller(processes, postgres_url), roller(processes, postgres_url)
    first.start().wait_for_text("rolls")
    second.start()
    asyncio.run(_send_backlog(postgres_url, first))
    second.wait_for_text("rolls")
    second.wait_for(lambda: _unrolled(postgres_url) == 0, "rolls the rest")
    second.kill()
    found, minutes = asyncio.run(settle(postgres_url))
    assert found == []
    assert minutes == OUTAGE_MINUTES * AGENTS * len(KEPT_TAGS)


async def _send_backlog(url: str, killed: Child) -> None:
    start_us = us_of(START) - OUTAGE_MINUTES * MINUTE_US
    async with running_rig(url) as rig:
        for seq, minute in enumerate(range(0, OUTAGE_MINUTES, 60), start=1):
            for agent in range(AGENTS):
                times = list(range(start_us + minute * MINUTE_US, start_us + (minute + 60) * MINUTE_US, 20_000_000))
                tags = [tag for tag in range(len(KEPT_TAGS)) for _ in times]
                values = [float(tag + seq + at % 7) for at, tag in enumerate(tags)]
                kept = column(Kind.F64, tags, times * len(KEPT_TAGS), values)
                name = f"gw-{agent}"
                paths = tuple(f"{name}/{tag}" for tag in KEPT_TAGS)
                await rig.take(batch(seq, [kept], agent=name, tags=paths), name, Lane.BACKLOG)
            if seq == OUTAGE_MINUTES // 120:
                while (await rig.rows("select count(*) from rollup_1m")) == [(0,)]:
                    await asyncio.sleep(0.02)
                killed.kill()


def _unrolled(url: str) -> int:
    """Marks of minutes that came late; quarters of an hour settle for longer than a test likes to wait."""
    query = b"select count(*) from rollup_dirty where resolution = '1m' and from_at < %s"
    with psycopg.connect(url) as connection:
        return connection.execute(query, (START,)).fetchall()[0][0]


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_the_judge_notices_a_roller_that_does_not_wait(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, is_waiting: bool
) -> None:
    """A transaction looks at the watermark, which is raised before it commits; step by step, by nobody's clock."""
    if not is_waiting:
        monkeypatch.setattr(closing, "wait_for_holders", _nobody)
    async with running_mill(postgres_url) as mill:
        (series_id,) = await mill.series("hall/press/pressure")
        await mill.close(0)
        await mill.store(series_id, [1])
        async with await psycopg.AsyncConnection.connect(postgres_url) as writer:
            await read_closed(await hold_closed(writer))
            await writer.execute(b"insert into sample values (%s, 0, %s, 2)", (series_id, at(2)))
            closes = asyncio.create_task(mill.close(60))
            if is_waiting:
                while (await mill.rows("select closed_until from rollup_progress")) != [(at(60),)]:
                    assert not closes.done(), "the roller did not even raise the watermark"
            else:
                await closes
                await mill.roll(100)
            await writer.commit()
        await closes
        await mill.roll(200)
        found = await mill.differences()
        assert (found == []) is is_waiting, "a sample below the watermark, written by one who did not know it"


async def _nobody(_pool: object) -> None:
    """What the roller would do if it did not wait."""
