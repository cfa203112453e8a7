"""Queries as whole HTTP answers beside bare SQL: a raw day, 30 days and a year to 1,000 points, a year by days.

On TimescaleDB once while all is in rows, and again when the compression policy has run. Raw is one sample a second;
`MILLSTREAM_BENCH_DAYS` makes the raw part shorter for a quick look.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, SAMPLE, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import Connection, open_pool
from cloud_api.storage.rollup_rows import Resolution, RollupRows
from cloud_api.storage.rollups import insert_rollups
from cloud_api.storage.rows import SampleRows, copy_bytes
from cloud_api.storage.samples import copy_samples
from tests.benchmarks.databases import DatabaseServer, compress_by_policy, has_timescale, on_each_server
from tests.benchmarks.report import WINDOWS, Row
from tests.integration.api.service import Api, serve_api

DAYS = int(os.environ.get("MILLSTREAM_BENCH_DAYS", "30"))
DAY_S, DAY_US = 86_400, 86_400_000_000
END = datetime(2026, 1, 31, tzinfo=UTC)
FROM = END - timedelta(days=DAYS)
YEAR = END - timedelta(days=360)
# `time_bucket` is what TimescaleDB computes for many samples at once; it takes the same arguments as `date_bin`.
BUCKETS = """
select {bin}(%(step)s, time, %(from)s) as bucket, min(value), max(value) from sample
where series_id = 1 and time >= %(from)s and time < %(to)s and status >= 0 and status < 1073741824 group by 1 order by 1
"""
RAW = "select time, value, status from sample where series_id = 1 and time >= %(from)s and time < %(to)s order by time"


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL, and on the TimescaleDB that the environment names."""
    return on_each_server(_on)


def _on(server: DatabaseServer) -> list[Row]:
    name = server.create_database()
    try:
        return asyncio.run(_measure(server.url(name)))
    finally:
        server.drop_database(name)


async def _measure(url: str) -> list[Row]:
    async with serve_api(url) as api:
        await _fill(api)
        with psycopg.connect(url, autocommit=True) as bare:
            rows = [*await _points(api, bare, "<= 0.0833"), *await _raw_day(api, bare)]
            if not has_timescale(bare):
                return rows
            for table in ("sample", "rollup_1m", "rollup_15m"):
                compress_by_policy(bare, table)
            bare.execute("vacuum analyze")
            packed = [*await _points(api, bare, "<= 0.333"), *await _raw_day(api, bare)]
            return rows + [replace(row, name=f"{row.name}, compressed") for row in packed]


async def _fill(api: Api) -> None:
    """Raw samples of the last days, rolled; and rollups alone of the year before, shaped like these."""
    await api.fill.series("bench/value", scan_period_s=1)
    pool = await open_pool(api.fill.url, 1)
    chance = np.random.default_rng(1)
    async with pool.connection() as connection:
        last_day = us_of(END) // DAY_US
        if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
            await Partitions(SAMPLE).ensure(connection, range(last_day - DAYS, last_day))
            for table in (ROLLUP_1M, ROLLUP_15M):
                await Partitions(table).ensure(connection, range(last_day - 366, last_day + 1))
        for day in range(DAYS):
            times = us_of(FROM) + day * DAY_US + np.arange(DAY_S, dtype=np.int64) * 1_000_000
            values = np.round(50 + chance.normal(size=DAY_S).cumsum() / 100, 2)
            ids, none = np.ones(DAY_S, np.int32), np.zeros(DAY_S, np.int32)
            rows = SampleRows(ids, times, none, values, None)
            await copy_samples(connection, rows, copy_bytes(rows))
            minutes = roll_minutes(ids, SampleBlock(times, values, none.view(np.uint32)))
            await _insert(connection, minutes, range(-((360 - day - 1) // DAYS), 1))
    await pool.close()
    await api.fill.run("update rollup_progress set closed_until = %s, marked_until = %s", END, END)
    await api.fill.run("update rollup_progress set raw_kept_from = %s, raw_drop_until = %s", *[FROM] * 2)
    await api.fill.run("analyze")


async def _insert(connection: Connection, minutes: RollupRows, copies: range) -> None:
    """Insert a day of rows, and the same so many times DAYS before."""
    for resolution, rows in ((Resolution.MINUTE, minutes), (Resolution.QUARTER, merge_quarters(minutes))):
        for copy in copies:
            shift = copy * DAYS * DAY_US
            moved = rows.partials.copy()
            for name in moved.dtype.names or ():
                if name.endswith("_at"):
                    moved[name] += shift
            stamp = np.full(len(rows), us_of(END), np.int64)
            shifted = replace(rows, buckets_us=rows.buckets_us + shift, partials=moved, valid_from_us=stamp)
            await insert_rollups(connection, resolution, shifted)


async def _points(api: Api, bare: psycopg.Connection[Any], goal: str) -> list[Row]:
    step = timedelta(minutes=max(1, DAYS * 1_440 // 1_000))
    parameters = {"from": FROM, "to": END, "step": step}
    wanted = {"points": 1_000, "aggregate": ["minimum", "maximum"]}

    async def sql() -> None:
        # Planned for these values each time: a plan for any values is the slower one.
        assert bare.execute(_buckets(bare), parameters, prepare=False).fetchall()

    async def answer(from_at: datetime, **body: Any) -> dict[str, Any]:
        asked = {"from": _shown(from_at), "to": _shown(END), **wanted, **body}
        return await api.query(series=[1], **{name: value for name, value in asked.items() if value is not None})

    found = await answer(FROM)
    assert found["resolution"] != "raw", found["scanned"]
    _check_extremes(found, bare)
    year = await answer(YEAR)
    assert "raw" not in year["scanned"]
    product, reference = await _alternated(lambda: answer(FROM), sql)
    of_year = await _median(lambda: answer(YEAR))
    by_day = {"points": None, "interval": "1d", "aggregate": ["time_average", "maximum", "percent_good"]}
    daily = await _median(lambda: answer(YEAR, **by_day))
    averages = await _median(lambda: answer(YEAR, **by_day | {"aggregate": ["average"]}))
    extremes = await _median(lambda: answer(YEAR, aggregate=None, points_by="min_max"))
    name = f"{DAYS} days to 1,000 points, minimum and maximum (goal 18)"
    return [
        Row(name, product * 1e3, "ms", reference * 1e3, product / reference, goal),
        Row("a year to 1,000 points", of_year * 1e3, "ms", None, None, "<= 100"),
        Row("the lowest and highest stored samples of a year, 1,000", extremes * 1e3, "ms", None, None, "<= 100"),
        Row("a year by days: average", averages * 1e3, "ms", None, None, "<= 100"),
        Row("rows that the year took", year["rows_scanned"], ""),
        Row("a year by days: time average, maximum, percent good", daily * 1e3, "ms"),
    ]


def _buckets(bare: psycopg.Connection[Any]) -> bytes:
    """The best bare SQL that each engine has."""
    return BUCKETS.format(bin="time_bucket" if has_timescale(bare) else "date_bin").encode()


def _check_extremes(found: dict[str, Any], bare: psycopg.Connection[Any]) -> None:
    """Every bucket's extremes are those of its raw samples."""
    rows = found["series"][0]["rows"]
    starts = [datetime.fromisoformat(row[0]) for row in rows]
    for index in range(1, len(rows) - 1, max(1, len(rows) // 50)):
        parameters = {"from": starts[index], "to": starts[index + 1], "step": timedelta(days=400)}
        ((_, low, high),) = bare.execute(_buckets(bare), parameters).fetchall()
        assert rows[index][1:3] == [low, high]


async def _raw_day(api: Api, bare: psycopg.Connection[Any]) -> list[Row]:
    window = {"from": END - timedelta(days=1), "to": END}

    async def sql() -> None:
        assert len(bare.execute(RAW.encode(), window).fetchall()) == DAY_S

    def answer(accept: str) -> Callable[[], Awaitable[None]]:
        body = json.dumps({"series": [1], "resolution": "raw", **{name: _shown(at) for name, at in window.items()}})
        headers = {"Accept": accept, "Content-Type": "application/json", "Accept-Encoding": "identity"}

        async def ask() -> None:
            response = await api.client.post("/api/v1/query", content=body, headers=headers)
            assert response.status_code == 200, response.text[:300]

        return ask

    rows: list[Row] = []
    for name, accept, goal in (
        ("JSON", "application/json", "<= 0.5"),
        ("Arrow", "application/vnd.apache.arrow.stream", "<= 0.35"),
    ):
        product, reference = await _alternated(answer(accept), sql)
        ratio = product / reference
        rows.append(
            Row(f"a day raw, 86,400 samples, {name} (goal 17)", product * 1e3, "ms", reference * 1e3, ratio, goal)
        )
    return rows


async def _alternated(
    product: Callable[[], Awaitable[Any]], reference: Callable[[], Awaitable[Any]]
) -> tuple[float, float]:
    """Medians of turns about; one round before is not counted."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(WINDOWS + 1):
        for times, ask in zip(taken, (product, reference), strict=True):
            started = time.perf_counter()
            await ask()
            if turn:
                times.append(time.perf_counter() - started)
    return sorted(taken[0])[WINDOWS // 2], sorted(taken[1])[WINDOWS // 2]


async def _median(ask: Callable[[], Awaitable[Any]]) -> float:
    """The median of several turns without a reference; one before is not counted."""
    taken: list[float] = []
    for _ in range(4 * WINDOWS):
        started = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def _shown(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
