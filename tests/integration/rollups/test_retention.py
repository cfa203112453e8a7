"""Retention drops what was chosen, never what has not been rolled; what is late finds its way, on both engines."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_api.retention.keeping import Retention
from cloud_api.rollups.closing import close_minutes
from cloud_api.settings import RetentionSettings
from cloud_api.storage.disk import DiskUsage, insert_disk_usage
from cloud_api.storage.engine import EngineKind
from cloud_api.storage.instants import us_of
from cloud_api.telemetry import Lane, Telemetry
from tests.integration.ingest.conftest import Rig, floats, running_rig
from tests.integration.rollups.mill import Mill, running_mill, seconds_of

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
PATH = "hall/press-1/temperature"


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


def retention(mill: Mill, raw_days: float, minutes_days: float | None = None) -> Retention:
    """What an operator has chosen."""
    minutes = None if minutes_days is None else timedelta(days=minutes_days)
    return Retention(mill.pool, RetentionSettings(timedelta(days=raw_days), minutes, None, None, None), Telemetry())


async def enforce(mill: Mill, chosen: Retention) -> None:
    """Let the policy run now: on TimescaleDB it is a job, which here nobody starts but us."""
    await chosen.enforce(mill.steps.mine, NOW)
    if mill.steps.engine.kind is EngineKind.TIMESCALE:
        query = "select job_id from timescaledb_information.jobs where proc_name = 'drop_rolled_chunks'"
        ((job,),) = await mill.rows(query)
        await mill.rows("call run_job(%s)", job)


async def days_kept(mill: Mill, table: str = "sample", column: str = "time") -> list[int]:
    """How many days ago the days lie of which there is something."""
    rows = await mill.rows(f"select distinct ({column} at time zone 'utc')::date from {table} order by 1")
    return [(NOW.date() - day).days for (day,) in rows]


async def test_raw_goes_when_it_has_been_rolled_and_not_before(either_mill: Mill):
    mill = either_mill
    (one,) = await mill.series(PATH)
    for age in (40, 20, 1):
        await mill.store(one, [seconds_of(NOW - age * DAY)])
    await enforce(mill, retention(mill, 10))
    assert await days_kept(mill) == [40, 20, 1], "nothing has been rolled yet"
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    await enforce(mill, retention(mill, 10))
    assert await days_kept(mill) == [40, 20, 1], "marked is not rolled"
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await enforce(mill, retention(mill, 10))
    assert await days_kept(mill) == [1]
    assert await days_kept(mill, "rollup_1m", "bucket") == [40, 20, 1]
    assert await mill.differences(NOW) == []


async def test_rollups_have_a_retention_of_their_own(mill: Mill):
    (one,) = await mill.series(PATH)
    for age in (800, 20):
        await mill.store(one, [seconds_of(NOW - age * DAY)])
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await enforce(mill, retention(mill, 10, 730))
    assert await days_kept(mill) == []
    assert await days_kept(mill, "rollup_1m", "bucket") == [20]
    assert await days_kept(mill, "rollup_15m", "bucket") == [800, 20]


async def test_what_somebody_has_chosen_for_the_site_goes_before_the_environment(mill: Mill):
    (one,) = await mill.series(PATH)
    for age in (40, 20, 1):
        await mill.store(one, [seconds_of(NOW - age * DAY)])
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await mill.rows("update site_setting set retention_raw = '30d' returning 1")
    await enforce(mill, retention(mill, 10))
    assert await days_kept(mill) == [20, 1]
    await mill.rows("update site_setting set retention_raw = 'forever' returning 1")
    await enforce(mill, retention(mill, 10))
    assert await days_kept(mill) == [20, 1]


async def test_history_is_taken_again_as_soon_as_a_longer_retention_is_chosen(either_mill: Mill, engine_url: str):
    mill = either_mill
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    chosen = retention(mill, 10, 20)
    await enforce(mill, chosen)
    await enforce(mill, chosen)
    assert await kept(mill) == [10, 10, 20]
    await mill.rows("update site_setting set retention_raw = '40d', retention_1m = '50d' returning 1")
    await chosen.lengthen(mill.steps.mine, NOW)
    assert await kept(mill) == [40, 40, 50]
    async with _lanes(mill, engine_url) as rig:
        result = await rig.take(floats(1, [1.0, 2.0], start_us=_long_ago(30)), lane=Lane.BACKLOG)
        assert (result.stored, list(result.rejected)) == (2, [])
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await enforce(mill, chosen)
    assert len(await days_kept(mill)) == 1
    assert await days_kept(mill) == await days_kept(mill, "rollup_1m", "bucket")


async def test_no_longer_retention_lets_samples_into_a_day_whose_raw_ones_are_gone(either_mill: Mill):
    mill = either_mill
    (one,) = await mill.series(PATH)
    for age in (20, 1):
        await mill.store(one, [seconds_of(NOW - age * DAY)])
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await enforce(mill, retention(mill, 10))
    longer = retention(mill, 40)
    await longer.lengthen(mill.steps.mine, NOW)
    assert (await kept(mill))[:2] == [10, 10]
    await enforce(mill, longer)
    assert (await kept(mill))[:2] == [10, 10]


async def test_a_longer_retention_keeps_what_waited_to_be_rolled_before_it_could_go(mill: Mill):
    (one,) = await mill.series(PATH)
    await mill.store(one, [seconds_of(NOW - 20 * DAY)])
    await enforce(mill, retention(mill, 10))
    assert (await kept(mill))[:2] == [10, None], "nothing has been rolled yet"
    await retention(mill, 40).lengthen(mill.steps.mine, NOW)
    assert (await kept(mill))[:2] == [40, None]


async def kept(mill: Mill) -> list[int | None]:
    """How many days back raw samples are taken, raw samples may be dropped, minutes are kept; None: no limit."""
    ((*edges,),) = await mill.rows(
        "select nullif(raw_kept_from, '-infinity'), nullif(raw_drop_until, '-infinity'),"
        " nullif(rollup_1m_kept_from, '-infinity') from rollup_progress"
    )
    return [None if edge is None else (NOW.date() - edge.date()).days for edge in edges]


async def test_what_comes_for_a_dropped_day_is_put_aside_and_changes_no_rollup(mill: Mill, postgres_url: str):
    (one,) = await mill.series(PATH)
    await mill.rows("update series set source_agent = 'gw-1' returning 1")
    await mill.store(one, [seconds_of(NOW - 20 * DAY)])
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    await enforce(mill, retention(mill, 10))
    before = await mill.rows("select bucket, total from rollup_1m")
    async with _lanes(mill, postgres_url) as rig:
        result = await rig.take(floats(1, [1.0, 2.0], start_us=_long_ago(20)), lane=Lane.BACKLOG)
        assert [(each.reason, each.count) for each in result.rejected] == [("older_than_retention", 2)]
        edge = f"{NOW - 10 * DAY:%Y-%m-%dT00:00:00}"
        assert f"raw samples are taken from {edge}" in str(result.detail)
        ((said, path),) = await mill.rows("select detail, path from reject")
        assert (said, path) == (result.detail, PATH)
    assert await mill.rows("select bucket, total from rollup_1m") == before
    assert await days_kept(mill) == []


async def test_thirty_days_late_comes_in_and_is_rolled(either_mill: Mill, engine_url: str):
    mill = either_mill
    (one,) = await mill.series(PATH)
    await mill.rows("update series set source_agent = 'gw-1' returning 1")
    start = _noon(30)
    await mill.store(one, [seconds_of(start) + second for second in range(0, 300, 2)])
    await close_minutes(mill.pool, mill.steps.mine, NOW, timedelta(0))
    for later in (1, 2):
        await mill.roll(seconds_of(NOW + later * DAY))
    if mill.steps.engine.kind is EngineKind.TIMESCALE:
        assert len(await mill.rows("select compress_chunk(c) from show_chunks('sample') c")) == 1
        assert len(await mill.rows("select compress_chunk(c) from show_chunks('rollup_1m') c")) == 1
    async with _lanes(mill, engine_url) as rig:
        at_us = round(start.timestamp()) * 1_000_000 + 1_000_000
        result = await rig.take(floats(1, [7.0], start_us=at_us + 99_900_000_000), lane=Lane.BACKLOG)
        assert result.stored == 1
    for later in (3, 4):
        await mill.roll(seconds_of(NOW + later * DAY))
    assert (await mill.rows("select sum(total) from rollup_15m"))[0] == (151,)
    assert await mill.rows("select count(*) > 0 from rollup_1m_revision") == [(True,)]
    assert await mill.differences(start) == []
    if mill.steps.engine.kind is EngineKind.TIMESCALE:
        await _recompress(mill)
        assert await mill.differences(start) == []


async def test_the_live_lane_answers_53400_by_paying_for_it(timescale_url: str):
    async with running_rig(timescale_url, pool_size=1) as rig:
        await rig.take(floats(1, [float(number) for number in range(50)]))
        await rig.rows("select compress_chunk(c) from show_chunks('sample') c")
        await rig.rows("select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '10', false)")
        again = await rig.take(floats(1, [float(number) + 1 for number in range(50)], epoch=bytes(16)))
        assert (again.stored, again.overwritten) == (0, 50)


async def test_the_disk_is_foretold(mill: Mill, tmp_path: Path):
    chosen = Retention(mill.pool, RetentionSettings(None, None, None, 10 * 2**40, tmp_path), Telemetry())
    assert (await chosen.measure(NOW - 2 * DAY)).days_to_full is None
    async with mill.pool.connection() as connection:
        await insert_disk_usage(connection, DiskUsage(NOW - DAY, 1000, None, None))
    usage = await chosen.measure(NOW)
    assert usage.database_bytes > 1_000_000
    assert usage.free_bytes is not None
    assert "millstream_database_days_to_full" in chosen.telemetry.render().decode()


def _lanes(mill: Mill, url: str) -> AbstractAsyncContextManager[Rig]:
    """Ingest on the same database; the WebAssembly engine has a single session."""
    return running_rig(url, pool_size=1 if mill.steps.engine.is_single_session else 4)


def _noon(days: int) -> datetime:
    """The middle of a day so many days ago: what follows it for minutes is of the same day, and of one chunk."""
    return (NOW - days * DAY).replace(hour=12, minute=0, second=0, microsecond=0)


def _long_ago(days: int) -> int:
    return us_of(_noon(days))


async def _recompress(mill: Mill) -> None:
    """What TimescaleDB's own policy does in the background."""
    jobs = "select job_id from timescaledb_information.jobs where proc_name = 'policy_compression'"
    for (job,) in await mill.rows(jobs):
        await mill.rows("call run_job(%s)", job)
