"""A window of any edges is answered from rollups and raw together as it is from raw alone, on both engines."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from cloud_api.instants import to_datetime, to_us
from cloud_api.query.aggregates.compute import compute
from cloud_api.query.aggregates.names import IN_DATABASE, Aggregate, Configuration
from cloud_api.query.aggregates.samples import Form, Intervals, Result, make_samples
from cloud_api.query.buckets import Buckets, Calendar, Window
from cloud_api.query.plan import Moved, Plan, make_plan
from cloud_api.query.planner import Planned, read_kept, read_planned
from cloud_api.query.sources import Wanted
from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.catalog import SeriesRow, select_series_by_ids
from cloud_api.storage.columns import concatenate
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, SAMPLE, EngineKind, Partitions, detect_engine
from cloud_api.storage.history import Surroundings, select_samples, select_surrounding_samples
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Connection, Pool, open_pool, transaction
from cloud_api.storage.rollup_rows import Resolution, RollupRows
from cloud_api.storage.rollups import Scope, insert_rollups, replace_rollups
from cloud_api.storage.rows import SampleRows, copy_bytes
from cloud_api.storage.samples import copy_samples
from schemas.status import BAD, BAD_NO_DATA

START = datetime(2026, 1, 31, tzinfo=UTC)
HOURS = 30
S, M, H = 1_000_000, 60_000_000, 3_600_000_000
WANTED = [each for each in Aggregate if each not in IN_DATABASE]


@dataclass(frozen=True)
class Plant:
    """A database with a series of 30 hours, five seconds a sample, of which the first 28 hours are rolled."""

    pool: Pool
    row: SeriesRow


def troubled() -> tuple[np.ndarray, SampleBlock]:
    """Noise beside 1e9 that falls like a counter, with Bad, Uncertain and missing values, and hours without any."""
    chance = np.random.default_rng(11)
    times = to_us(START) + np.arange(HOURS * 720, dtype=np.int64) * 5 * S + chance.integers(0, 2 * S, HOURS * 720)
    times = times[(times < to_us(START) + 6 * H) | (times > to_us(START) + 8 * H + 7 * M)]
    count = len(times)
    values = 1e9 + (np.arange(count) * 7 % 1000) / 100 + chance.normal(size=count) / 50
    values[chance.random(count) < 0.002] = np.nan
    statuses = np.zeros(count, np.uint32)
    statuses[chance.random(count) < 0.002] = 0x40900000
    statuses[chance.random(count) < 0.002] = 0x80310000
    return np.ones(count, np.int32), SampleBlock(times, values, statuses)


def rolled(block: SampleBlock) -> tuple[RollupRows, RollupRows]:
    minutes = roll_minutes(np.ones(len(block), np.int32), block)
    minutes = minutes.take(minutes.buckets_us < to_us(START) + 28 * H)
    return minutes, merge_quarters(minutes)


async def opened(url: str) -> Plant:
    migrate(url)
    pool = await open_pool(url, 1)
    ids, block = troubled()
    days = np.unique(block.times_us // 86_400_000_000).tolist()
    async with pool.connection() as connection:
        if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
            for table in (SAMPLE, ROLLUP_1M, ROLLUP_15M):
                await Partitions(table).ensure(connection, days)
        await connection.execute(
            b"insert into series (source_agent, source_path, path, kind) values ('a', 'x', 'x', 'f64')"
        )
        rows = SampleRows(ids, block.times_us, block.statuses.view(np.int32), block.values, None)
        await copy_samples(connection, rows, copy_bytes(rows))
        for resolution, made in zip(Resolution, rolled(block), strict=True):
            await insert_rollups(connection, resolution, stamped(made))
        await connection.execute(
            b"update rollup_progress set closed_until = %(at)s, marked_until = %(at)s",
            {"at": START + timedelta(hours=28)},
        )
        (row,) = await select_series_by_ids(connection, [1])
    return Plant(pool, row)


def stamped(rows: RollupRows) -> RollupRows:
    count = len(rows)
    known = np.full(count, to_us(START + timedelta(days=1)), np.int64)
    return RollupRows(rows.series_ids, rows.buckets_us, rows.with_uncertain, rows.states, known, rows.partials)


def buckets_at(*offsets_us: int) -> Buckets:
    edges = to_us(START) + np.array(offsets_us, np.int64)
    return Buckets(Window(int(edges[0]), int(edges[-1])), 0, 0, Calendar(edges))


async def from_raw(connection: Connection, row: SeriesRow, buckets: Buckets, wanted: Wanted) -> dict[Aggregate, Result]:
    edges = buckets.edges_us()
    from_at, to_at = to_datetime(int(edges[0])), to_datetime(int(edges[-1]))
    highest = 0x7FFFFFFF if wanted.with_uncertain else 0x3FFFFFFF
    around = Surroundings(row.id, from_at, to_at, highest, is_text=False)
    before, after = await select_surrounding_samples(connection, around)
    inside = await select_samples(connection, row.id, from_at, to_at, 10**6)
    columns = concatenate((before, inside, after))
    samples = make_samples(columns.times_us, columns.values, columns.statuses, wanted.configuration)
    return compute(WANTED, samples, Intervals(edges, buckets.cut()), wanted.configuration)


def agree(planned: Planned, raw: dict[Aggregate, Result]) -> None:
    for aggregate, expected in raw.items():
        found = planned.answered.results[aggregate]
        assert [hex(code) for code in found.codes] == [hex(code) for code in expected.codes], aggregate
        if expected.form is not Form.SAMPLE:
            has_value = expected.codes < BAD
            left, right = found.values[has_value], expected.values[has_value]
            assert np.allclose(left, right, rtol=1e-9, atol=1e-9), (aggregate, left, right)


async def answer(connection: Connection, plant: Plant, buckets: Buckets, wanted: Wanted) -> tuple[Planned, Plan]:
    kept = (await read_kept(connection, [plant.row], buckets.window, wanted.as_of))[plant.row.id]
    plan = make_plan(buckets.edges_us(), kept)
    return await read_planned(connection, wanted, WANTED, buckets, (plan, kept), 10**6), plan


CONFIGURATIONS = [
    Configuration(),
    Configuration(treat_uncertain_as_bad=False, stepped=True, counter_rollover=10.0),
    Configuration(sloped_extrapolation=True, percent_data_good=60, percent_data_bad=50, counter_rollover=65536.0),
]
WINDOWS = {
    "days on the clock": (0, 12 * H, 24 * H),
    "off every bucket": (3 * M + 7, 5 * H + 17 * S, 7 * H + 1, 26 * H + 61 * S),
    "into what is not rolled": (-2 * H, 4 * H, 27 * H + 45 * M, 31 * H),
    "many edges": tuple(range(int(1.5 * H) + 1, 26 * H, 7 * M + 13)),
    "after everything": (29 * H, 40 * H, 41 * H),
}


async def test_answers_are_those_of_raw(engine_url: str) -> None:
    plant = await opened(engine_url)
    used: set[str] = set()
    async with transaction(plant.pool) as connection:
        for configuration in CONFIGURATIONS:
            wanted = Wanted(plant.row, configuration, is_counted=False)
            for offsets in WINDOWS.values():
                buckets = buckets_at(*offsets)
                planned, _ = await answer(connection, plant, buckets, wanted)
                agree(planned, await from_raw(connection, plant.row, buckets, wanted))
                used |= set(planned.rows)
    assert used == {"raw", "1m", "15m"}
    await plant.pool.close()


async def test_late_and_corrected_samples_come_from_raw_until_they_are_rolled(postgres_url: str) -> None:
    plant = await opened(postgres_url)
    buckets = buckets_at(0, 12 * H, 24 * H)
    wanted = Wanted(plant.row, Configuration(), is_counted=False)
    mark = (
        b"insert into rollup_dirty (resolution, bin_at, bin_minutes, from_at, to_at, series_ids)"
        b" values ('1m', %(at)s, 15, %(at)s, %(at)s + interval '1 minute', '{[1,2)}')"
    )
    async with transaction(plant.pool) as connection:
        late = {"at": START + timedelta(hours=9, minutes=2)}
        await connection.execute(
            b"insert into sample (series_id, status, time, value) values (1, 0, %(at)s + interval '30.25 s', 5)", late
        )
        await connection.execute(mark, late)
        planned, plan = await answer(connection, plant, buckets, wanted)
        agree(planned, await from_raw(connection, plant.row, buckets, wanted))
        assert plan.raw.tolist() == [[to_us(late["at"]), to_us(late["at"]) + M]]
        assert float(planned.answered.results[Aggregate.MINIMUM2].values[0]) == 5.0
    await plant.pool.close()


async def test_edges_move_where_raw_is_gone_and_bounds_come_from_rollups(postgres_url: str) -> None:
    plant = await opened(postgres_url)
    whole, cut = buckets_at(3 * H, 5 * H, 9 * H, 20 * H), buckets_at(3 * H + 7 * S, 5 * H, 9 * H + 1, 20 * H)
    configuration = Configuration(sloped_extrapolation=True)
    wanted = Wanted(plant.row, configuration, is_counted=False)
    async with transaction(plant.pool) as connection:
        expected = await from_raw(connection, plant.row, whole, wanted)
        gone = START + timedelta(hours=24)
        await connection.execute(b"delete from sample where time < %(at)s", {"at": gone})
        await connection.execute(
            b"update rollup_progress set raw_kept_from = %(at)s, raw_drop_until = %(at)s", {"at": gone}
        )
        for asked in (whole, cut):
            planned, plan = await answer(connection, plant, asked, wanted)
            assert plan.is_aligned == (asked is cut)
            assert plan.edges_us.tolist() == whole.edges_us().tolist()
            agree(planned, expected)
    await plant.pool.close()


async def test_interior_edges_are_exact_while_raw_exists_and_else_moved_and_said(engine_url: str) -> None:
    plant = await opened(engine_url)
    offsets = tuple(range(21 * H + 4 * M + 7, 27 * H, 17 * M + 13 * S))
    asked = buckets_at(*offsets)
    edges, raw_us, minute_us = asked.edges_us(), to_us(START) + 24 * H, to_us(START) + 22 * H
    whole = np.where(edges < minute_us, edges // (15 * M) * 15 * M, np.where(edges < raw_us, edges // M * M, edges))
    wanted = Wanted(plant.row, Configuration(sloped_extrapolation=True), is_counted=False)
    async with transaction(plant.pool) as connection:
        exact = await from_raw(connection, plant.row, asked, wanted)
        moved = await from_raw(connection, plant.row, buckets_at(*(whole - to_us(START)).tolist()), wanted)
        # Retention says so before anything is dropped: as long as raw samples are there they are read.
        at = {"raw": to_datetime(raw_us), "minute": to_datetime(minute_us)}
        await connection.execute(b"update rollup_progress set raw_kept_from = %(raw)s", at)
        planned, plan = await answer(connection, plant, asked, wanted)
        assert not plan.is_aligned
        agree(planned, exact)
        await connection.execute(b"delete from sample where time < %(raw)s", at)
        await connection.execute(b"delete from rollup_1m where bucket < %(minute)s", at)
        await connection.execute(
            b"update rollup_progress set raw_drop_until = %(raw)s, rollup_1m_kept_from = %(minute)s", at
        )
        planned, plan = await answer(connection, plant, asked, wanted)
    assert plan.edges_us.tolist() == whole.tolist()
    agree(planned, moved)
    # On the younger side of the edge nothing was moved, and the buckets there are those of raw.
    kept = edges[:-1] >= raw_us
    assert 3 < kept.sum() < len(kept) - 6
    young = {each: replace(result, codes=result.codes[kept]) for each, result in exact.items()}
    for each, result in young.items():
        assert planned.answered.results[each].codes[kept].tolist() == result.codes.tolist(), each
    early, late = edges[edges < minute_us], edges[(edges >= minute_us) & (edges < raw_us)]
    assert plan.moved == (
        Moved(int(early[0]), int(early[-1]), 15 * M, len(early)),
        Moved(int(late[0]), int(late[-1]), M, len(late)),
    )
    await plant.pool.close()


async def test_the_past_is_answered_as_it_was_known(postgres_url: str) -> None:
    plant = await opened(postgres_url)
    buckets = buckets_at(0, 12 * H, 24 * H)
    known, later = START + timedelta(days=1, hours=1), START + timedelta(days=2)
    wanted = Wanted(plant.row, Configuration(), is_counted=False)
    async with transaction(plant.pool) as connection:
        before, _ = await answer(connection, plant, buckets, wanted)
        _, block = troubled()
        values = block.values.copy()
        values[2_000] = 7.0
        corrected = SampleBlock(block.times_us, values, block.statuses)
        scope = Scope([1], START, START + timedelta(hours=28))
        for resolution, rows in zip(Resolution, rolled(corrected), strict=True):
            done = await replace_rollups(connection, resolution, scope, rows, later)
            assert done.revised >= 1
        now, _ = await answer(connection, plant, buckets, wanted)
        assert float(now.answered.results[Aggregate.MINIMUM2].values[0]) == 7.0
        past, _ = await answer(connection, plant, buckets, Wanted(plant.row, Configuration(), False, known))
        first = {each: before.answered.results[each].codes[0] for each in WANTED}
        assert {each: past.answered.results[each].codes[0] for each in WANTED} == first
        assert (
            past.answered.results[Aggregate.MINIMUM2].values[0] == before.answered.results[Aggregate.MINIMUM2].values[0]
        )
        long_ago = Wanted(plant.row, Configuration(), False, START)
        nothing, _ = await answer(connection, plant, buckets, long_ago)
        assert set(nothing.answered.results[Aggregate.TIME_AVERAGE].codes.tolist()) == {BAD_NO_DATA}
    await plant.pool.close()
