"""Minutes rolled by the process that stored them while another one has the role; equal to raw, whoever rolls what."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cloud_api.rollups import steps as steps_module
from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import LEFT_TO_HOLDER, Fresh
from cloud_api.rollups.fresh_roller import FreshRoller, FreshTimes
from cloud_api.rollups.steps import Stepped, Steps
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.rollup_writes import delete_writes, mark_changed
from cloud_api.storage.rows import SampleRows
from cloud_api.telemetry import Telemetry
from tests.integration.ingest.conftest import Rig, running_rig
from tests.integration.rollups.mill import NO_GRACE, Mill, mill_on, seconds_of
from tests.integration.rollups.test_fresh import BEGIN, SEED, sent

MINUTE = timedelta(minutes=1)
LATER = timedelta(days=2)


@dataclass
class Apart:
    """Ingest with what it holds, and the role in another process, which holds nothing."""

    rig: Rig
    mill: Mill
    holder: Steps

    async def close(self, minute: int) -> datetime:
        """Close a minute as the role does; the instant at which that was."""
        now = BEGIN + (minute + 1) * MINUTE
        closed_at = await close_minutes(self.mill.pool, self.mill.steps.mine, now, NO_GRACE, self.mill.steps.fresh)
        if closed_at is not None:
            # The ingest sees the watermark in the database.
            self.holder.fresh.advance(us_of(closed_at))
        return now

    async def roll_held(self, now: datetime) -> Stepped | None:
        """What the ingest does a moment later."""
        return await self.holder.roll_held(now, BEGIN - MINUTE)

    async def roll_rest(self) -> None:
        """What the role does when it has waited for long enough."""
        await self.mill.roll(seconds_of(datetime.now(UTC) + LATER))


@pytest.fixture
async def apart(engine_url: str) -> AsyncGenerator[Apart]:
    """Both on one database, once on each engine; the watermark stands at BEGIN."""
    fresh = Fresh(warm_up_us=0)
    async with running_rig(engine_url, hand_over=fresh) as rig, mill_on(rig.pool, Fresh(warm_up_us=0)) as mill:
        both = Apart(rig, mill, replace(mill.steps, fresh=fresh))
        await both.close(-1)
        yield both


async def test_the_role_leaves_new_minutes_to_the_process_that_holds_them(apart: Apart) -> None:
    chance = random.Random(SEED)
    for minute in range(3):
        await apart.rig.take(sent(minute + 1, chance, minute))
        now = await apart.close(minute)
        assert await apart.mill.steps.roll_next(now) is None, "it was not left to the other process"
        stepped = await apart.roll_held(now)
        assert stepped is not None
        assert not stepped.is_refused
        assert stepped.held == stepped.samples > 0
        assert await apart.roll_held(now) is None
    await apart.roll_rest()
    assert await apart.mill.differences(BEGIN) == []


async def test_the_role_rolls_what_its_holder_does_not(apart: Apart) -> None:
    chance = random.Random(SEED)
    await apart.rig.take(sent(1, chance, 0))
    now = await apart.close(0)
    assert await apart.mill.steps.roll_next(now) is None
    # The holder is killed, or frozen.
    stepped = await apart.mill.steps.roll_next(now + LEFT_TO_HOLDER)
    assert stepped is not None
    assert stepped.samples > stepped.held == 0
    # A holder that does not hold all of it any more says so at once.
    await apart.rig.take(sent(2, chance, 1))
    apart.holder.fresh.restart()
    now = await apart.close(1)
    refused = await apart.roll_held(now)
    assert refused is not None
    assert refused.is_refused
    assert await apart.mill.steps.roll_next(now) is not None
    await apart.roll_rest()
    assert await apart.mill.differences(BEGIN) == []


async def test_what_nobody_holds_is_not_waited_for(apart: Apart) -> None:
    (series_id,) = await apart.mill.series("hall/lonely")
    await apart.mill.store(series_id, [seconds_of(BEGIN) + 1])
    now = await apart.close(0)
    assert await apart.mill.steps.roll_next(now) is not None
    assert await apart.mill.differences(BEGIN) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + int(os.environ.get("MILLSTREAM_TEST_EXAMPLES") or "100") // 50))
async def test_whoever_rolls_what_it_ends_in_what_raw_says(apart: Apart, seed: int) -> None:
    chance = random.Random(seed)
    seq = 0
    for minute in range(6):
        for _ in range(chance.randrange(1, 4)):
            seq += 1
            await apart.rig.take(
                sent(seq, chance, minute + chance.choice([-1, 0, 0, 0, 1]), count=chance.randrange(2, 30))
            )
        if chance.random() < 0.5:
            series = [row[0] for row in await apart.mill.rows("select id from series where kind = 'f64' order by id")]
            seconds = seconds_of(BEGIN + minute * MINUTE) + chance.random() * 100
            await apart.mill.store(chance.choice(series), [seconds + 0.000001 * seq])
        if chance.random() < 0.2:
            apart.holder.fresh.restart()
        now = await apart.close(minute - chance.choice([0, 0, 1]))
        # Both at the same time, in any order.
        await asyncio.gather(
            *(
                apart.roll_held(now) if chance.random() < 0.7 else apart.mill.steps.roll_next(now + LATER)
                for _ in range(2)
            )
        )
    await apart.close(12)
    await apart.roll_rest()
    assert await apart.mill.differences(BEGIN) == []


@pytest.mark.parametrize("is_serial", [True, False])
async def test_the_judge_notices_steps_beside_each_other(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, *, is_serial: bool
) -> None:
    """All samples of a minute are deleted while the holder writes the row that it made of them."""
    fresh, read, go_on = Fresh(warm_up_us=0), asyncio.Event(), asyncio.Event()
    insert = steps_module.insert_rollups

    async def insert_later(*arguments: Any) -> None:
        read.set()
        await go_on.wait()
        await insert(*arguments)

    async with running_rig(postgres_url, hand_over=fresh) as rig, mill_on(rig.pool, Fresh()) as mill:
        both = Apart(rig, mill, replace(mill.steps, fresh=fresh))
        await both.close(-1)
        await rig.take(sent(1, random.Random(SEED), 0))
        now = await both.close(0)
        monkeypatch.setattr(steps_module, "insert_rollups", insert_later)
        if not is_serial:
            monkeypatch.setattr(steps_module, "hold_steps", _nobody)
        holding = asyncio.create_task(both.roll_held(now))
        await read.wait()
        await _delete_all(mill)
        late = asyncio.create_task(mill.steps.roll_next(now + MINUTE))
        if is_serial:
            while (await mill.rows("select count(*) from pg_locks where not granted")) != [(1,)]:
                assert not late.done(), "it did not wait"
        else:
            await late
        go_on.set()
        await asyncio.gather(holding, late)
        await both.roll_rest()
        assert (await mill.differences(BEGIN) == []) is is_serial


async def _nobody(_connection: object) -> None:
    """What would be if nobody waited."""


async def _delete_all(mill: Mill) -> None:
    async with transaction(mill.pool) as connection:
        closed = await read_closed(await hold_closed(connection))
        cursor = await connection.execute(
            b"delete from sample returning series_id, (extract(epoch from time) * 1000000)::bigint"
        )
        gone = np.array(await cursor.fetchall())
        ids, times = gone[:, 0].astype("i4"), gone[:, 1]
        await mark_changed(connection, ids, times, closed, BEGIN)


async def test_what_is_told_while_nobody_rolls_is_forgotten(apart: Apart) -> None:
    """The role has run once and is off since: its table does not grow, and what it finds later is right."""
    chance = random.Random(SEED)
    for minute in range(4):
        await apart.rig.take(sent(minute + 1, chance, minute))
    assert (await apart.mill.rows("select count(*) from rollup_write"))[0][0] >= 4
    times = FreshTimes(busy_s=0.01, idle_s=0.01, forget_s=0)
    roller = FreshRoller(apart.rig.pool, Telemetry(), apart.holder.fresh, lambda: False, times)
    task = asyncio.create_task(roller.run())
    while (await apart.mill.rows("select count(*) from rollup_write")) != [(0,)]:
        assert not task.done()
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert apart.holder.fresh.hold(_rows_of_now()) is None, "memory is held for nobody"
    # A roller that holds names of before finds that it cannot know whether they are all.
    for minute in range(4):
        await apart.close(minute)
    await apart.roll_rest()
    assert await apart.mill.differences(BEGIN) == []


async def test_a_minute_of_which_something_may_be_forgotten_is_read_from_the_database(apart: Apart) -> None:
    await apart.rig.take(sent(1, random.Random(SEED), 0))
    ((series_id,),) = await apart.mill.rows("select id from series where path = 'hall/b'")
    await apart.mill.store(series_id, [seconds_of(BEGIN) + 0.5])
    async with transaction(apart.mill.pool) as connection:
        await delete_writes(connection, BEGIN + timedelta(seconds=1))
    assert await apart.mill.rows("select count(*) from rollup_write") == [(1,)]
    now = await apart.close(0)
    refused = await apart.roll_held(now)
    assert refused is not None
    assert refused.is_refused
    await apart.roll_rest()
    assert await apart.mill.differences(BEGIN) == []


def _rows_of_now() -> SampleRows:
    ids, times = np.arange(3, dtype=np.int32), np.full(3, us_of(datetime.now(UTC)), np.int64)
    return SampleRows(ids, times, np.zeros(3, np.int32), np.ones(3), None)
