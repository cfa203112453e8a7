"""Minutes rolled from what ingest has handed over, whatever else was written to them; equal to raw on both engines."""

import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from cloud_api.rollups.fresh import Fresh
from cloud_api.storage.instants import us_of
from cloud_api.storage.rows import SampleRows
from schemas.sample import Kind
from schemas.status import BAD, GOOD, UNCERTAIN
from tests.integration.ingest.conftest import Rig, batch, column, running_rig
from tests.integration.rollups.mill import Mill, mill_on, seconds_of

# Ingest sends what is too old by its slow lane.
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
TAGS = ("hall/a", "hall/b", "hall/c", "hall/text")
FLOATS = 3
MINUTE_US = 60_000_000
SEED = int(os.environ.get("MILLSTREAM_FAULT_SEED") or 11)


class Watched(Fresh):
    """Counts how often it was of use."""

    used = 0

    def held(self, names: object) -> list[SampleRows] | None:
        found = super().held(names)  # type: ignore[arg-type]
        Watched.used += found is not None
        return found


@asynccontextmanager
async def running_both(url: str) -> AsyncGenerator[tuple[Rig, Mill]]:
    """Ingest and a roller of one process, whose watermark stands at BEGIN."""
    fresh = Watched(warm_up_us=0)
    Watched.used = 0
    async with running_rig(url, hand_over=fresh) as rig, mill_on(rig.pool, fresh) as mill:
        await mill.close(seconds_of(BEGIN))
        yield rig, mill


@pytest.fixture
async def both(engine_url: str) -> AsyncGenerator[tuple[Rig, Mill]]:
    """The two on a fresh database, once on each engine."""
    async with running_both(engine_url) as running:
        yield running


@pytest.fixture
async def here(postgres_url: str) -> AsyncGenerator[tuple[Rig, Mill]]:
    """The two on a fresh database of the embedded PostgreSQL."""
    async with running_both(postgres_url) as running:
        yield running


def sent(seq: int, chance: random.Random, minute: int, *, count: int = 40) -> bytes:
    """Floats of any status and texts around a minute, some without a value."""
    first_us = us_of(BEGIN) + minute * MINUTE_US
    times = sorted(chance.sample(range(first_us, first_us + 90_000_000), count))
    tags = [chance.randrange(FLOATS) for _ in times]
    values = [chance.choice([chance.uniform(-5, 5), 1e9 + chance.random(), 0.0, float("nan")]) for _ in times]
    statuses = [chance.choice([GOOD, GOOD, UNCERTAIN, BAD]) for _ in times]
    texts = column(Kind.STR, [3, 3], times[:2], ["on", "off"])
    silent = column(Kind.NONE, [tags[0]], [times[0] + 1], None, [BAD])
    return batch(seq, [column(Kind.F64, tags, times, values, statuses), texts, silent], tags=TAGS)


async def roll(mill: Mill, minute: int) -> None:
    """Close up to the end of a minute, and roll."""
    await mill.close(seconds_of(BEGIN + timedelta(minutes=minute + 1)))
    await mill.roll(seconds_of(datetime.now(UTC) + timedelta(days=2)))


async def test_minutes_are_rolled_from_memory(both: tuple[Rig, Mill]) -> None:
    rig, mill = both
    chance = random.Random(SEED)
    for minute in range(4):
        await rig.take(sent(minute + 1, chance, minute))
        await roll(mill, minute)
    assert Watched.used == 4
    assert await mill.rows("select count(*) from rollup_1m where total > 0") != [(0,)]
    assert await mill.differences(BEGIN) == []


async def test_series_that_somebody_else_wrote_to_are_read_from_the_database(here: tuple[Rig, Mill]) -> None:
    rig, mill = here
    chance = random.Random(SEED)
    await rig.take(sent(1, chance, 0))
    ((series_id,),) = await mill.rows("select id from series where path = 'hall/b'")
    # Another process stores, changes and deletes, and tells only what it did it to.
    await mill.store(series_id, [seconds_of(BEGIN) + 7.25, seconds_of(BEGIN) + 8.5])
    await mill.close(seconds_of(BEGIN + timedelta(minutes=1)))
    stepped = await mill.steps.roll_next(datetime.now(UTC) + timedelta(days=2))
    assert stepped is not None
    (of_that_series,) = await mill.rows(
        "select count(*) from sample where series_id = %s and time < %s", series_id, BEGIN + timedelta(minutes=1)
    )
    assert stepped.samples - stepped.held == of_that_series[0]
    await roll(mill, 0)
    assert Watched.used == 1
    assert await mill.differences(BEGIN) == []


async def test_the_judge_notices_a_write_that_was_not_told(here: tuple[Rig, Mill]) -> None:
    rig, mill = here
    await rig.take(sent(1, random.Random(SEED), 0))
    ((series_id,),) = await mill.rows("select id from series where path = 'hall/b'")
    await mill.store(series_id, [seconds_of(BEGIN) + 7.25])
    await mill.rows("delete from rollup_write where handed is null returning 1")
    await roll(mill, 0)
    assert {each.series_id for each in await mill.differences(BEGIN)} == {series_id}


async def test_what_is_not_held_any_more_is_read_from_the_database(here: tuple[Rig, Mill]) -> None:
    rig, mill = here
    chance = random.Random(SEED)
    mill.steps.fresh.most_bytes = 60 * 24
    for seq in (1, 2):
        await rig.take(sent(seq, chance, 0))
    await roll(mill, 0)
    mill.steps.fresh.restart()
    await rig.take(sent(3, chance, 1))
    await roll(mill, 1)
    assert Watched.used == 0
    assert await mill.differences(BEGIN) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + int(os.environ.get("MILLSTREAM_TEST_EXAMPLES") or "100") // 50))
async def test_any_writers_in_any_order_end_in_what_raw_says(both: tuple[Rig, Mill], seed: int) -> None:
    rig, mill = both
    chance = random.Random(seed)
    seq = 0
    for minute in range(6):
        for _ in range(chance.randrange(1, 4)):
            seq += 1
            payload = sent(seq, chance, minute + chance.choice([-1, 0, 0, 0, 1]), count=chance.randrange(2, 30))
            await rig.take(payload)
            if chance.random() < 0.3:
                # The same samples under another number: keys that exist are not handed over.
                seq += 1
                again = sent(seq, random.Random(seed * 100 + minute), minute, count=5)
                await rig.take(again)
        if chance.random() < 0.5:
            series = [row[0] for row in await mill.rows("select id from series where kind = 'f64' order by id")]
            seconds = seconds_of(BEGIN + timedelta(minutes=minute)) + chance.random() * 100
            await mill.store(chance.choice(series), [seconds + 0.000001 * seq])
        if chance.random() < 0.2:
            mill.steps.fresh.restart()
        if chance.random() < 0.8:
            await roll(mill, minute - chance.choice([0, 0, 1]))
    await roll(mill, 12)
    assert await mill.differences(BEGIN) == []
