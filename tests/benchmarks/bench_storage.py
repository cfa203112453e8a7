"""Bytes that a stored sample and a row of rollups take: in rows with their key, and after the compression policy ran.

Sensors rounded to 0.01 once a second, and a mix: such sensors, random walks with every digit, counters, and states.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, SAMPLE, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Connection, open_pool
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollups import insert_rollups
from cloud_api.storage.rows import SampleRows, copy_bytes
from cloud_api.storage.samples import copy_samples
from tests.benchmarks.databases import DatabaseServer, compress_by_policy, has_timescale, on_each_server
from tests.benchmarks.report import Row

DAY_S, MINUTE_US, DAY_US = 86_400, 60_000_000, 86_400_000_000
# Samples come minute by minute, all series of one after the other; rollups of so many seconds at once.
ROLLED_S = 900
SENSOR_DAY, MIX_DAY, JITTER_DAY = (datetime(2026, 1, day, tzinfo=UTC) for day in (10, 11, 12))
SIZES = """
select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = %s::regclass
"""
COMPRESSED = """
select sum(before_compression_total_bytes), sum(after_compression_total_bytes), count(*)
from chunk_compression_stats(%s) s join timescaledb_information.chunks c using (chunk_schema, chunk_name)
where s.compression_status = 'Compressed' and range_start <= %s and range_end > %s
"""


def run() -> list[Row]:
    """Measure rows on embedded PostgreSQL, and rows and columns on a native TimescaleDB."""
    return on_each_server(_measure)


def _measure(server: DatabaseServer) -> list[Row]:
    name = server.create_database()
    try:
        url = server.url(name)
        migrate(url)
        rolled = asyncio.run(_fill(url))
        with psycopg.connect(url, autocommit=True) as connection:
            if not has_timescale(connection):
                return _rows_alone(connection, rolled)
            return _columns(connection, rolled)
    finally:
        server.drop_database(name)


def _rows_alone(connection: psycopg.Connection[Any], rolled: dict[Resolution, int]) -> list[Row]:
    ((size,),) = connection.execute(SIZES, ("sample",)).fetchall()
    rows = [Row("a sample in a row with its key", float(size) / (DAY_S * 40), "B")]
    for resolution, count in rolled.items():
        ((size,),) = connection.execute(SIZES, (f"rollup_{resolution.value}",)).fetchall()
        rows.append(Row(f"a bucket of {resolution.value} in a row with its key", float(size) / count, "B"))
    return rows


def _columns(connection: psycopg.Connection[Any], rolled: dict[Resolution, int]) -> list[Row]:
    began = time.perf_counter()
    compress_by_policy(connection, "sample")
    pace = DAY_S * 40 / (time.perf_counter() - began)
    rows = [Row("the compression policy", pace / 1e6, "million rows/s")]
    for name, day, series, goal in (
        ("sensors rounded to 0.01", SENSOR_DAY, 10, "<= 0.0833"),
        ("the same, times off by microseconds", JITTER_DAY, 10, None),
        ("a mix of signals", MIX_DAY, 20, "<= 0.0556"),
    ):
        rows.append(_compressed(connection, "sample", day, (name, DAY_S * series, goal)))
    for resolution, count in rolled.items():
        table = f"rollup_{resolution.value}"
        compress_by_policy(connection, table)
        rows.append(
            _compressed(connection, table, MIX_DAY, (f"a bucket of {resolution.value} of the mix", count, None))
        )
    return rows


def _compressed(
    connection: psycopg.Connection[Any], table: str, at: datetime, case: tuple[str, int, str | None]
) -> Row:
    """Bytes a row in columns beside bytes a row before, of the one chunk that holds this instant."""
    name, count, goal = case
    ((before, after, chunks),) = connection.execute(COMPRESSED, (table, at, at)).fetchall()
    assert chunks == 1, (table, at, chunks)
    return Row(f"{name}, in columns", float(after) / count, "B", float(before) / count, float(after / before), goal)


async def _fill(url: str) -> dict[Resolution, int]:
    """Three days of samples, one chunk each, minute by minute; and rollups of the mix: how many rows these have."""
    chance = np.random.default_rng(7)
    pool = await open_pool(url, 1)
    rolled = dict.fromkeys(Resolution, 0)
    async with pool.connection() as connection:
        await _make_partitions(connection)
        for day, signals in (
            (SENSOR_DAY, [_sensor(chance) for _ in range(10)]),
            (JITTER_DAY, [_sensor(chance) for _ in range(10)]),
            (MIX_DAY, [make(chance) for make in (_sensor, _walk, _counter, _state) for _ in range(5)]),
        ):
            for from_s in range(0, DAY_S, ROLLED_S):
                whole = _rows(day, from_s, signals)
                if day == JITTER_DAY:
                    whole.times_us[:] += chance.integers(0, 1_000, len(whole))
                for rows in _by_minute(whole, us_of(day) + from_s * 1_000_000):
                    await copy_samples(connection, rows, copy_bytes(rows))
                if day == MIX_DAY:
                    await _roll(connection, whole, rolled)
    await pool.close()
    return rolled


async def _make_partitions(connection: Connection) -> None:
    if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
        first = us_of(SENSOR_DAY) // DAY_US
        for table in (SAMPLE, ROLLUP_1M, ROLLUP_15M):
            await Partitions(table).ensure(connection, range(first, first + 3))


async def _roll(connection: Connection, rows: SampleRows, rolled: dict[Resolution, int]) -> None:
    block = SampleBlock(rows.times_us, rows.values, rows.statuses.view(np.uint32))
    minutes = roll_minutes(rows.series_ids, block)
    for resolution, found in ((Resolution.MINUTE, minutes), (Resolution.QUARTER, merge_quarters(minutes))):
        await insert_rollups(connection, resolution, found)
        rolled[resolution] += len(found)


def _rows(day: datetime, from_s: int, signals: Sequence[NDArray[np.float64]]) -> SampleRows:
    times = us_of(day) + (from_s + np.arange(ROLLED_S, dtype=np.int64)) * 1_000_000
    ids = np.repeat(np.arange(1, len(signals) + 1, dtype=np.int32), ROLLED_S)
    values = np.concatenate([signal[from_s : from_s + ROLLED_S] for signal in signals])
    return SampleRows(ids, np.tile(times, len(signals)), np.zeros(len(ids), np.int32), values, None)


def _by_minute(rows: SampleRows, from_us: int) -> Iterator[SampleRows]:
    minute = (rows.times_us - from_us) // MINUTE_US
    for number in range(ROLLED_S // 60):
        yield rows.take(np.flatnonzero(minute == number))


def _sensor(chance: np.random.Generator) -> NDArray[np.float64]:
    """A slow wave with noise, as a transmitter sends it: rounded to 0.01."""
    wave = 50 + 10 * np.sin(np.arange(DAY_S) / 3_000 + chance.random())
    return np.round(wave + chance.normal(0, 0.05, DAY_S), 2)


def _walk(chance: np.random.Generator) -> NDArray[np.float64]:
    return 50 + chance.normal(0, 0.01, DAY_S).cumsum()


def _counter(chance: np.random.Generator) -> NDArray[np.float64]:
    return chance.integers(0, 3, DAY_S).cumsum().astype(np.float64)


def _state(chance: np.random.Generator) -> NDArray[np.float64]:
    return (chance.random(DAY_S) < 0.005).cumsum() % 2.0
