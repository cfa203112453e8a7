"""Rollup rows in the database: what goes in comes out, and what is replaced is kept as it was known."""

from datetime import UTC, datetime, timedelta

import numpy as np

from cloud_api.rollups.partials import PARTIAL, SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Connection, Pool, open_pool, transaction
from cloud_api.storage.rollup_rows import FINAL, OPEN, Resolution, RollupRows, same_partials
from cloud_api.storage.rollups import Replaced, Scope, insert_rollups, replace_rollups, select_rollups

START = datetime(2026, 1, 31, 8, tzinfo=UTC)
SCOPE = Scope([1, 2, 3], START, START + timedelta(hours=2))
NOW = START + timedelta(days=1)


def samples() -> tuple[np.ndarray, SampleBlock]:
    """Three series: noise with trouble, a counter of whole digits that falls, and texts."""
    chance = np.random.default_rng(7)
    per_series = 5_400
    times = us_of(START) + np.arange(per_series, dtype=np.int64) * 1_000_000
    noise = 1e9 + chance.normal(size=per_series)
    noise[chance.random(per_series) < 0.02] = np.nan
    statuses = np.where(chance.random(per_series) < 0.02, 0x40900000, 0).astype(np.uint32)
    statuses[chance.random(per_series) < 0.02] = 0x80310000
    statuses[600:1_500] = 0
    counter = (np.arange(per_series) % 700 + 2**53).astype(np.float64)
    texts = np.full(3 * per_series, None, np.object_)
    texts[per_series : 2 * per_series] = [str(2**53 + index % 700) for index in range(per_series)]
    texts[2 * per_series :] = ["回火" if index % 2 else "a" for index in range(per_series)]
    block = SampleBlock(
        np.tile(times, 3),
        np.concatenate((noise, counter, np.full(per_series, np.nan))),
        np.concatenate((statuses, np.zeros(2 * per_series, np.uint32))),
        texts,
        np.repeat([False, False, True], per_series),
    )
    return np.repeat(np.array([1, 2, 3], np.int32), per_series), block


async def opened(url: str) -> Pool:
    migrate(url)
    pool = await open_pool(url, 1)
    async with pool.connection() as connection:
        if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
            for table in (ROLLUP_1M, ROLLUP_15M):
                await Partitions(table).ensure(connection, [us_of(START) // 86_400_000_000])
    return pool


def agree(left: RollupRows, right: RollupRows) -> None:
    assert left.series_ids.tolist() == right.series_ids.tolist()
    assert left.buckets_us.tolist() == right.buckets_us.tolist()
    assert left.with_uncertain.tolist() == right.with_uncertain.tolist()
    assert same_partials(left.partials, right.partials).all()


async def test_rows_come_out_as_they_went_in(engine_url: str) -> None:
    pool = await opened(engine_url)
    minutes = roll_minutes(*samples())
    quarters = merge_quarters(minutes)
    assert minutes.with_uncertain.any()
    assert quarters.with_uncertain.any()
    async with transaction(pool) as connection:
        for resolution, rows in ((Resolution.MINUTE, minutes), (Resolution.QUARTER, quarters)):
            await insert_rollups(connection, resolution, rows)
            read = await select_rollups(connection, resolution, SCOPE)
            agree(read, rows)
            for one, other in zip(read.partials["falls"], rows.partials["falls"], strict=True):
                assert (one is None) == (other is None)
                assert one is None or one == other
    await pool.close()


async def test_what_is_replaced_is_kept_as_a_revision(engine_url: str) -> None:
    pool = await opened(engine_url)
    ids, block = samples()
    rows = roll_minutes(ids, block)
    late = block.values.copy()
    late[700] += 1.0
    changed = roll_minutes(ids, SampleBlock(block.times_us, late, block.statuses, block.texts, block.is_text))
    later = NOW + timedelta(hours=1)
    async with transaction(pool) as connection:
        first = await replace_rollups(connection, Resolution.MINUTE, SCOPE, rows, NOW)
        assert first == Replaced(inserted=len(rows), revised=0, removed=0, unchanged=0)
        again = await replace_rollups(connection, Resolution.MINUTE, SCOPE, rows, later)
        assert again == Replaced(inserted=0, revised=0, removed=0, unchanged=len(rows))
        revised = await replace_rollups(connection, Resolution.MINUTE, SCOPE, changed, later)
        assert revised == Replaced(inserted=0, revised=1, removed=0, unchanged=len(rows) - 1)
        agree(await select_rollups(connection, Resolution.MINUTE, SCOPE), changed)
        assert await revisions(connection) == [(1, START + timedelta(minutes=11), NOW, later, "f")]
        nothing = await replace_rollups(connection, Resolution.MINUTE, SCOPE, rows.take(np.arange(0)), later)
        assert nothing.removed == len(rows)
    await pool.close()


async def test_open_rows_leave_no_trace(postgres_url: str) -> None:
    pool = await opened(postgres_url)
    ids, block = samples()
    rows = roll_minutes(ids, block)
    half = block.times_us < us_of(START + timedelta(seconds=3_630))
    early = roll_minutes(ids[half], block.take(half))
    early = RollupRows(
        early.series_ids,
        early.buckets_us,
        early.with_uncertain,
        np.full(len(early), OPEN, "S1"),
        early.valid_from_us,
        early.partials,
    )
    async with transaction(pool) as connection:
        await replace_rollups(connection, Resolution.MINUTE, SCOPE, early, NOW)
        done = await replace_rollups(connection, Resolution.MINUTE, SCOPE, rows, NOW)
        assert done.unchanged == len(early) - done.revised
        assert done.revised >= 3
        read = await select_rollups(connection, Resolution.MINUTE, SCOPE)
        agree(read, rows)
        assert set(read.states.tolist()) == {FINAL}
        assert await revisions(connection) == []
    await pool.close()


async def revisions(connection: Connection) -> list[tuple[object, ...]]:
    query = b"select series_id, bucket, valid_from, valid_to, state from rollup_1m_revision order by 1, 2"
    return await (await connection.execute(query)).fetchall()


async def test_a_bucket_of_good_samples_is_small(postgres_url: str) -> None:
    pool = await opened(postgres_url)
    times = us_of(START) + np.arange(3_600, dtype=np.int64) * 1_000_000
    values = np.random.default_rng(1).normal(size=3_600)
    rows = roll_minutes(np.ones(3_600, np.int32), SampleBlock(times, values, np.zeros(3_600, np.uint32)))
    async with transaction(pool) as connection:
        await insert_rollups(connection, Resolution.MINUTE, rows)
        found = await (await connection.execute(b"select avg(pg_column_size(r.*)) from rollup_1m r")).fetchone()
    assert found is not None
    assert found[0] <= 220
    assert PARTIAL.itemsize > 300
    await pool.close()
