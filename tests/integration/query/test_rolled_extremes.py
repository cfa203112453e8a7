"""Few points of a long window are the same stored samples whether rollups or raw are read; no spike is lost."""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from cloud_api.instants import to_us
from cloud_api.query.buckets import Window
from cloud_api.query.cost import Budget
from cloud_api.query.extremes import is_usable, stretches_of
from cloud_api.query.models import PointsBy, QueryRequest
from cloud_api.query.models import Resolution as Asked
from cloud_api.query.peaks import plan_extremes, read_extremes
from cloud_api.query.plan import Aligned, Moved
from cloud_api.query.spans import contains
from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.catalog import SeriesRow, select_series_by_ids
from cloud_api.storage.columns import SampleColumns
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, SAMPLE, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection, open_pool, transaction
from cloud_api.storage.rollup_rows import Resolution, RollupRows
from cloud_api.storage.rollups import insert_rollups
from cloud_api.storage.rows import SampleRows, copy_bytes
from cloud_api.storage.samples import copy_samples
from schemas.status import BAD

START = datetime(2026, 1, 31, tzinfo=UTC)
HOURS, ROLLED_HOURS = 8, 7
S, M, H = 1_000_000, 60_000_000, 3_600_000_000
SERIES = int(os.environ.get("MILLSTREAM_TEST_EXAMPLES", "120")) // 10
BUDGET = Budget(10**6, 10**6, 60)
TROUBLE = np.array([0x40000000, 0x40900000, 0x80000000, 0x80310000, 0x002F0000], np.uint32)


@dataclass(frozen=True)
class Answered:
    """What was answered, and from what."""

    samples: SampleColumns
    scanned: dict[str, int]
    aligned: Aligned | None


def troubled(chance: np.random.Generator) -> SampleBlock:
    """A few seconds a sample, with spikes, hours and minutes without any, and runs of every quality."""
    count = int(HOURS * 3600 / chance.integers(3, 9))
    times = to_us(START) + np.sort(chance.choice(HOURS * 36_000, count, replace=False)).astype(np.int64) * S // 10
    for _ in range(chance.integers(0, 4)):
        low = chance.integers(0, HOURS * 60)
        times = times[~contains(np.array([[low, low + chance.integers(1, 70)]]) * M + to_us(START), times)]
    values = np.round(np.sin(times / 9e8) * 50 + chance.normal(size=len(times)), int(chance.integers(0, 3)))
    statuses = np.zeros(len(times), np.uint32)
    for _ in range(int(chance.choice([0, 1, 5, 60]))):
        low = chance.integers(0, len(times))
        high = low + int(chance.choice([1, 2, 9, 400]))
        statuses[low:high] = chance.choice(TROUBLE)
        values[low:high] = np.where(statuses[low:high] >= BAD, np.nan, values[low:high])
    values[chance.integers(0, len(times), chance.integers(0, 4))] = np.nan
    values[chance.integers(0, len(times), 3)] = chance.choice([1e9, -1e9, 777.0], 3)
    return SampleBlock(times, values, statuses)


async def store(connection: Connection, blocks: dict[int, SampleBlock]) -> None:
    """Raw samples, and rollups of the first hours, as the roller leaves them."""
    days = sorted({int(us) // 86_400_000_000 for block in blocks.values() for us in block.times_us})
    if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
        for table in (SAMPLE, ROLLUP_1M, ROLLUP_15M):
            await Partitions(table).ensure(connection, days)
    for series_id, block in blocks.items():
        await connection.execute(
            b"insert into series (source_agent, source_path, path, kind, scan_period_s)"
            b" values ('a', %(path)s, %(path)s, 'f64', 5)",
            {"path": f"s/{series_id}"},
        )
        ids = np.full(len(block), series_id, np.int32)
        rows = SampleRows(ids, block.times_us, block.statuses.view(np.int32), block.values, None)
        await copy_samples(connection, rows, copy_bytes(rows))
        minutes = roll_minutes(ids, block)
        minutes = minutes.take(minutes.buckets_us < to_us(START) + ROLLED_HOURS * H)
        for resolution, made in ((Resolution.MINUTE, minutes), (Resolution.QUARTER, merge_quarters(minutes))):
            await insert_rollups(connection, resolution, stamped(made))
    rolled_at = START + timedelta(hours=ROLLED_HOURS)
    await connection.execute(
        b"update rollup_progress set closed_until = %(at)s, marked_until = %(at)s", {"at": rolled_at}
    )


def stamped(rows: RollupRows) -> RollupRows:
    return replace(rows, valid_from_us=np.full(len(rows), to_us(START), np.int64))


async def come_late(connection: Connection, series_id: int, block: SampleBlock, chance: np.random.Generator) -> None:
    """A late spike and a corrected value, both marked and not rolled again yet."""
    late_us = to_us(START) + int(chance.integers(0, ROLLED_HOURS * 3600)) * S + 7
    corrected_us = int(chance.choice(block.times_us[block.times_us < to_us(START) + ROLLED_HOURS * H]))
    await connection.execute(
        b"insert into sample (series_id, status, time, value) values (%(id)s, 0, %(at)s, 5e9)",
        {"id": series_id, "at": at_us(late_us)},
    )
    await connection.execute(
        b"update sample set value = -5e9, status = 0 where series_id = %(id)s and time = %(at)s",
        {"id": series_id, "at": at_us(corrected_us)},
    )
    for us in (late_us, corrected_us):
        await connection.execute(
            b"insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids)"
            b" select '1m', %(at)s, 15, %(at)s, %(at)s + interval '1 minute', range_agg(int4range(%(id)s, %(id)s + 1))",
            {"id": series_id, "at": at_us(us // M * M)},
        )


async def ask(connection: Connection, row: SeriesRow, request: QueryRequest, window: Window) -> Answered:
    plans = await plan_extremes(connection, request, [row], window)
    samples, reading = await read_extremes(connection, request, plans, window, BUDGET)
    return Answered(samples[row.id], dict(reading.scanned), reading.aligned)


def request_of(row: SeriesRow, points: int, by: PointsBy = PointsBy.MIN_MAX) -> QueryRequest:
    return QueryRequest.model_validate({"series": [row.id], "from": "x", "to": "x", "points": points, "points_by": by})


async def every_sample(connection: Connection, row: SeriesRow, window: Window) -> SampleColumns:
    request = request_of(row, 100_000).model_copy(update={"resolution": Asked.RAW})
    return (await ask(connection, row, request, window)).samples


def assert_extremes(answered: SampleColumns, raw: SampleColumns, window: Window, points: int) -> None:
    """Every answered sample is a stored one; the lowest and highest of each stretch are among them."""
    assert len(answered) <= points
    assert (np.diff(answered.times_us) > 0).all()
    places = np.searchsorted(raw.times_us, answered.times_us)
    np.testing.assert_array_equal(raw.times_us[places], answered.times_us)
    np.testing.assert_array_equal(raw.values[places], answered.values)
    np.testing.assert_array_equal(raw.statuses[places], answered.statuses)
    room = points - int(np.count_nonzero(~is_usable(answered)))
    usable = is_usable(raw)
    stretches = stretches_of(window, room // 2)
    where, shown = stretches.places_of(raw.times_us), stretches.places_of(answered.times_us)
    for place in np.unique(where[usable]):
        of_raw, of_answer = raw.values[usable & (where == place)], answered.values[shown == place]
        assert np.nanmin(of_answer) == of_raw.min()
        assert np.nanmax(of_answer) == of_raw.max()


def assert_same(one: SampleColumns, other: SampleColumns) -> None:
    for name in ("times_us", "values", "statuses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


async def test_few_points_from_rollups_are_those_of_raw(engine_url: str) -> None:
    chance = np.random.default_rng(4)
    pool = await open_pool(engine_url, 1)
    blocks = {series_id: troubled(chance) for series_id in range(1, SERIES + 1)}
    async with pool.connection() as connection:
        await store(connection, blocks)
        rows = {row.id: row for row in await select_series_by_ids(connection, list(blocks))}
        for series_id, block in blocks.items():
            if series_id % 2:
                await come_late(connection, series_id, block, chance)
    used, equal = set[str](), 0
    async with transaction(pool) as connection:
        for row in rows.values():
            for points in (10, 34, 150, 420):
                low_us = to_us(START) + int(chance.integers(-H, H))
                window = Window(low_us, low_us + int(chance.integers(4 * H, 8 * H)))
                request = request_of(row, points)
                found = await ask(connection, row, request, window)
                raw = await every_sample(connection, row, window)
                assert_extremes(found.samples, raw, window, points)
                assert found.aligned is None
                plain = await ask(connection, row, request.model_copy(update={"resolution": Asked.RAW}), window)
                assert set(plain.scanned) == {"raw"}
                if np.count_nonzero(~is_usable(plain.samples)) < points // 4:
                    assert_same(found.samples, plain.samples)
                    equal += 1
                used |= set(found.scanned)
    assert used == {"raw", "1m", "15m"}
    assert equal > len(rows)
    await pool.close()


async def test_triangles_keep_the_extremes_of_the_window(postgres_url: str) -> None:
    chance = np.random.default_rng(5)
    pool = await open_pool(postgres_url, 1)
    async with pool.connection() as connection:
        await store(connection, {1: troubled(chance)})
        (row,) = await select_series_by_ids(connection, [1])
        window = Window(to_us(START) + 17 * S, to_us(START) + 6 * H + 1)
        found = await ask(connection, row, request_of(row, 40, PointsBy.MIN_MAX_LTTB), window)
        raw = await every_sample(connection, row, window)
    assert "1m" in found.scanned
    assert len(found.samples) <= 40
    assert np.nanmax(found.samples.values) == raw.values[is_usable(raw)].max()
    assert np.nanmin(found.samples.values) == raw.values[is_usable(raw)].min()
    await pool.close()


async def test_where_raw_is_gone_the_finest_that_is_kept_has_to_do(postgres_url: str) -> None:
    chance = np.random.default_rng(6)
    pool = await open_pool(postgres_url, 1)
    async with pool.connection() as connection:
        await store(connection, {1: troubled(chance)})
        (row,) = await select_series_by_ids(connection, [1])
        window = Window(to_us(START) + 2 * H + 17 * S, to_us(START) + 5 * H + 5 * M + 1)
        raw = await every_sample(connection, row, Window(to_us(START) + 2 * H, window.to_us))
        gone = {"at": START + timedelta(hours=5)}
        await connection.execute(b"delete from sample where time < %(at)s", gone)
        await connection.execute(b"update rollup_progress set raw_kept_from = %(at)s, raw_drop_until = %(at)s", gone)
        for points in (16, 5_000):
            found = await ask(connection, row, request_of(row, points), window)
            moved = Moved(window.from_us, window.from_us, M, 1)
            assert found.aligned == Aligned(to_us(START) + 2 * H, window.to_us, (moved,))
            usable = found.samples.take(np.flatnonzero(is_usable(found.samples)))
            places = np.searchsorted(raw.times_us, usable.times_us)
            np.testing.assert_array_equal(raw.times_us[places], usable.times_us)
            np.testing.assert_array_equal(raw.values[places], usable.values)
            np.testing.assert_array_equal(raw.statuses[places] >> 30, usable.statuses >> 30)
            assert usable.values.max() == raw.values[is_usable(raw)].max()
            assert usable.values.min() == raw.values[is_usable(raw)].min()
        assert set(found.scanned) == {"1m", "raw"}
    await pool.close()
