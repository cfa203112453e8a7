"""Rolling by hand: what is on time once, what is late again, what is silent open; always equal to raw recomputed."""

import random
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from cloud_api.rollups import steps
from cloud_api.rollups.blocks import Density, Stretch, read_portion
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.raw_blocks import RawBlock, SeriesToRoll
from cloud_api.storage.rollup_marks import multirange
from cloud_api.storage.rollup_progress import update_quarters_due
from cloud_api.storage.rollup_rows import RollupRows
from tests.integration.rollups.mill import Mill, at, running_mill


@pytest.fixture
async def mill(postgres_url: str) -> AsyncGenerator[Mill]:
    """A mill on a fresh embedded PostgreSQL database."""
    async with running_mill(postgres_url) as running:
        yield running


@pytest.fixture
async def either_mill(engine_url: str) -> AsyncGenerator[Mill]:
    """A mill on a fresh database, once on each engine."""
    async with running_mill(engine_url) as running:
        yield running


async def test_quarters_are_merged_at_once_where_somebody_asks(mill: Mill):
    one, other = await mill.series("hall/press/pressure", "hall/press/other")
    await mill.close(0)
    for series_id in (one, other):
        await mill.store(series_id, [1, 2])
        await mill.close(900)
    await mill.roll(905)
    asked = "select series_id from rollup_15m"
    assert await mill.rows(asked) == []
    async with mill.pool.connection() as connection:
        await update_quarters_due(connection, multirange(np.array([one], np.int32)), (at(0), at(60)), at(905))
    await mill.roll(905)
    assert (one,) in await mill.rows(asked)


async def test_minutes_on_time_are_rolled_once(mill: Mill):
    (one,) = await mill.series("hall/press/pressure", device="press")
    await mill.close(0)
    await mill.store(one, [1, 2, 59.5, 60, 119])
    await mill.measured("press", 120)
    await mill.close(125)
    assert await mill.minutes(one) == []
    assert await mill.roll(125) == 1
    assert await mill.minutes(one) == [(0, 3, "f"), (1, 2, "f")]
    assert await mill.roll(125) == 0
    assert await mill.rows("select count(*) from rollup_dirty") == [(0,)]
    assert await mill.differences() == []


async def test_a_device_that_lags_is_waited_for_and_rolled_once(mill: Mill):
    quick, slow = await mill.series("a/quick", "a/slow"), await mill.series("a/s", device="slow")
    await mill.close(0)
    await mill.measured("slow", 30)
    await mill.store(quick[0], [1])
    await mill.store(slow[0], [1, 20])
    await mill.close(60)
    await mill.roll(61)
    assert (await mill.minutes(quick[0]), await mill.minutes(slow[0])) == ([(0, 1, "f")], [])
    await mill.store(slow[0], [40])
    await mill.measured("slow", 61)
    await mill.roll(70)
    assert await mill.minutes(slow[0]) == [(0, 3, "f")]
    assert await mill.rows("select count(*) from rollup_1m_revision") == [(0,)]
    assert await mill.differences() == []


async def test_a_silent_device_gives_open_rows_until_it_speaks(mill: Mill):
    (one,) = await mill.series("a/b", device="silent")
    await mill.close(0)
    await mill.measured("silent", 30)
    await mill.store(one, [1, 20])
    await mill.close(60)
    await mill.roll(100)
    assert await mill.minutes(one) == []
    await mill.roll(200)
    assert await mill.minutes(one) == [(0, 2, "o")]
    assert await mill.differences() == []
    await mill.measured("silent", 4000)
    await mill.roll(4000)
    assert await mill.minutes(one) == [(0, 2, "f")]
    assert await mill.rows("select count(*) from rollup_1m_revision") == [(0,)]


async def test_late_samples_revise_and_the_earlier_row_is_kept(either_mill: Mill):
    mill = either_mill
    (one,) = await mill.series("a/b")
    await mill.close(0)
    await mill.store(one, range(0, 900, 10))
    await mill.close(900)
    await mill.roll(1000)
    quarter = "select total, state from rollup_15m where series_id = %s and not with_uncertain"
    assert await mill.rows(quarter, one) == [(90, "f")]
    await mill.store(one, [65, 66])
    assert len(await mill.differences()) == 0, "what waits to be rolled is no difference"
    await mill.roll(2000)
    assert (await mill.minutes(one))[:3] == [(0, 6, "f"), (1, 8, "r"), (2, 6, "f")]
    kept = await mill.rows("select bucket, total, state, valid_from, valid_to from rollup_1m_revision")
    assert kept == [(at(60), 6, "f", at(1000), at(2000))]
    await mill.roll(2100)
    assert await mill.rows(quarter, one) == [(92, "r")]
    assert await mill.differences() == []


async def test_quarters_have_those_who_fell_silent_in_them(mill: Mill):
    (one,) = await mill.series("a/b")
    await mill.close(0)
    await mill.store(one, [5, 70])
    for minute in range(1, 16):
        await mill.close(60 * minute)
        await mill.roll(60 * minute)
    await mill.roll(1000)
    assert await mill.rows("select bucket, total from rollup_15m") == [(at(0), 2)]


async def test_a_database_older_than_its_rollups_is_rolled_from_its_first_sample(mill: Mill):
    (one,) = await mill.series("a/b")
    await mill.store(one, [-80_000, -40_000, -1, 1])
    await mill.close(60)
    await mill.roll(100)
    assert sum(total for _, total, _ in await mill.minutes(one)) == 4
    assert await mill.differences() == []


async def test_what_vanishes_from_raw_vanishes_from_rollups(mill: Mill):
    (one,) = await mill.series("a/b")
    await mill.close(0)
    await mill.store(one, [1, 61])
    await mill.close(900)
    await mill.roll(1000)
    await mill.rows("delete from sample where time = %s returning 1", at(61))
    assert {(each.column, each.stored, each.computed) for each in await mill.differences()} >= {("row", True, None)}
    await mill.rows(
        "insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids)"
        " values ('1m', %s, 15, %s, %s, int4multirange(int4range(%s, %s))) returning 1",
        at(0),
        at(60),
        at(120),
        one,
        one + 1,
    )
    await mill.roll(1e9)
    await mill.roll(1.1e9)
    assert await mill.minutes(one) == [(0, 1, "f")]
    assert await mill.rows("select total from rollup_15m") == [(1,)]
    assert await mill.differences() == []


async def test_a_block_is_read_piece_by_piece_with_every_status_value_and_text(
    either_mill: Mill, monkeypatch: pytest.MonkeyPatch
):
    mill = either_mill
    monkeypatch.setattr("cloud_api.rollups.blocks.READ_SAMPLES", 7)
    ids = await mill.series(*(f"a/{number}" for number in range(5)))
    for series_id in ids:
        await mill.store(series_id, list(range(0, 60, 9)))
    for change, series_id, second in (
        ("value = null, status = -2147483648", ids[0], 9),
        ("value = null, text = 'NaN'", ids[1], 18),
        ("status = 1083179008", ids[3], 0),
        ("text = '9007199254740993'", ids[3], 27),
        ("value = null, text = '回火', status = 1", ids[4], 54),
    ):
        await mill.rows(f"update sample set {change} where series_id = %s and time = %s", series_id, at(second))
    expected = await mill.rows("select series_id, time, value, status, text from sample order by 1, 2")
    wanted = Stretch(np.array(ids, np.int32), us_of(at(0)), us_of(at(60)))
    # As expected, more than fits, and more than was expected.
    for most, density, count in ((1_000, 7, 5), (20, 7, 2), (20, 3.5, 1)):
        monkeypatch.setattr("cloud_api.rollups.blocks.MOST_SAMPLES", most)
        async with mill.pool.connection() as connection:
            portion = await read_portion(connection, wanted, Density(density), is_narrow=True)
        block = portion.block
        assert portion.done.series_ids.tolist() == ids[:count]
        assert portion.rest.series_ids.tolist() == ids[count:]
        texts = block.texts or [None] * len(block)
        found = zip(block.series_ids, block.times_us, block.values, block.statuses.view(np.int32), texts, strict=True)
        rows = [(int(one), at_us(int(us)), float(value), int(status), text) for one, us, value, status, text in found]
        assert [(*row[:2], None if np.isnan(row[2]) else row[2], *row[3:]) for row in rows] == expected[: len(rows)]
        assert len(rows) == 7 * count


async def test_any_order_of_arrival_comes_to_the_same(either_mill: Mill, monkeypatch: pytest.MonkeyPatch):
    mill = either_mill
    # So little fits one step that series and minutes are cut.
    monkeypatch.setattr("cloud_api.rollups.blocks.MOST_SAMPLES", 40)
    monkeypatch.setattr("cloud_api.rollups.steps.MOST_ROWS", 20)
    chance = random.Random(7)
    ids = await mill.series(*(f"a/{number}" for number in range(4)))
    left = [(series_id, second + 0.5) for series_id in ids for second in range(0, 2700, 7)]
    chance.shuffle(left)
    await mill.close(0)
    for moment in range(300, 3_300, 300):
        for series_id in ids:
            mine = sorted(second for other, second in left if other == series_id and second < moment)
            taken = [second for second in mine if chance.random() < 0.7 or moment >= 2900]
            if taken:
                await mill.store(series_id, taken)
                left = [pair for pair in left if pair[0] != series_id or pair[1] not in taken]
        await mill.close(moment)
        await mill.roll(moment)
        assert await mill.differences() == []
    await mill.roll(9_000)
    assert await mill.rows("select count(*) from rollup_dirty") == [(0,)]
    assert await mill.rows("select sum(total) from rollup_15m") == [(386 * 4,)]
    assert await mill.differences() == []


async def test_a_fault_in_one_bin_stops_no_other(mill: Mill, monkeypatch: pytest.MonkeyPatch):
    good, bad = await mill.series("a/good", "a/bad")
    await mill.close(0)
    await mill.store(good, [1])
    await mill.store(bad, [1000])
    await mill.close(1800)
    whole = steps.roll_block

    def faulty(block: RawBlock, series: SeriesToRoll) -> RollupRows:
        if bad in block.series_ids:
            raise ArithmeticError("a fault of ours")
        return whole(block, series)

    monkeypatch.setattr(steps, "roll_block", faulty)
    await mill.roll(1801)
    assert await mill.minutes(good) == [(0, 1, "f")]
    monkeypatch.undo()
    await mill.roll(1801 + 600)
    assert await mill.minutes(bad) == [(16, 1, "f")]
