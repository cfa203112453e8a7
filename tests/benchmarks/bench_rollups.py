"""Rollups as a role beside the ingest that feeds them, in CPU of our process and of the database together.

10,000 series at 1 Hz, some minutes of it, written by the real lanes and rolled minute by minute; the same minutes
caught up at once; what marking costs a transaction whose samples are all late; and what history 30 days late, with the
rolling that follows it, does to live batches.
"""

import asyncio
import gc
import os
import statistics
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import numpy as np
import psutil

from cloud_api.rollups.closing import close_minutes
from cloud_api.rollups.fresh import Fresh
from cloud_api.storage.instants import at_us, us_of
from cloud_api.telemetry import Lane
from schemas.batch import Batch, Column, dictionary_hash, encode
from schemas.sample import Kind
from tests.benchmarks.databases import DatabaseServer, on_each_server
from tests.benchmarks.report import Row
from tests.integration.ingest.conftest import Rig, running_rig
from tests.integration.rollups.mill import Mill, mill_on

SERIES = 10_000
MINUTES = int(os.environ.get("MILLSTREAM_BENCH_MINUTES") or "3")
MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
TAGS = tuple(f"hall/press-{n // 50}/tag-{n}" for n in range(SERIES))
NOTHING = timedelta(0)


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL, and on the TimescaleDB that the environment names."""
    return on_each_server(_measure)


def _measure(server: DatabaseServer) -> list[Row]:
    return [*asyncio.run(_role(server)), *asyncio.run(_marking(server)), *asyncio.run(_late(server))]


async def _role(server: DatabaseServer) -> list[Row]:
    """Ingest and the roller in one process; then a roller apart, with the ingest beside it and after that has gone."""
    start_us = _minute_before(MINUTES + 3)
    # All minutes are held until they have been rolled a second time; a service holds two.
    fresh = Fresh(warm_up_us=0, most_bytes=MINUTES * 60 * SERIES * 32)
    async with _both(server, fresh) as (rig, mill):
        await close(mill, start_us)
        # The series, which ingest makes with the first batch, are no part of either.
        await _feed(rig, _payloads(start_us, 1))
        ingest_s, rolled_s, steps_s = 0.0, 0.0, []
        for minute in range(MINUTES):
            from_us = start_us + minute * MINUTE_US
            first = 1 if minute == 0 else 0
            payloads = _payloads(from_us + first * 1_000_000, 60 - first, first_seq=minute * 60 + first + 1)
            ingest_s += await _cpu(server, _feed(rig, payloads))
            began = time.perf_counter()
            rolled_s += await _cpu(server, roll(mill, from_us + MINUTE_US))
            steps_s.append(time.perf_counter() - began)
        samples = (MINUTES * 60 - 1) * SERIES
        await _forget(mill, start_us)
        apart_s = 0.0
        for minute in range(1, MINUTES + 1):
            apart_s += await _cpu(server, _roll_apart(mill, start_us + minute * MINUTE_US))
        await _forget(mill, start_us)
        fresh.restart()
        read_s = 0.0
        for minute in range(1, MINUTES + 1):
            read_s += await _cpu(server, roll(mill, start_us + minute * MINUTE_US))
        await _forget(mill, start_us)
        before = psutil.Process().memory_info().rss
        caught_s = await _cpu(server, roll(mill, start_us + MINUTES * MINUTE_US))
        grown = max(0, psutil.Process().memory_info().rss - before) / 2**20
        rows = (await mill.rows("select count(*) from rollup_1m"))[0][0]
        assert rows == MINUTES * SERIES, rows
        size = (
            await mill.rows(
                "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'rollup_1m'::regclass"
            )
        )[0][0]
    return [
        Row("ingest, 10,000 series x 1 Hz", ingest_s / samples * 1e6, "us CPU a sample"),
        Row(
            "rollups minute by minute / ingest",
            rolled_s / samples * 1e6,
            "us CPU a sample",
            ingest_s / samples * 1e6,
            rolled_s / ingest_s,
            "<= 0.10",
        ),
        Row("one minute of 10,000 series, wall clock", statistics.median(steps_s), "s"),
        Row(
            "rollups in a process of their own / ingest",
            apart_s / samples * 1e6,
            "us CPU a sample",
            ingest_s / samples * 1e6,
            apart_s / ingest_s,
            "<= 0.10",
        ),
        Row(
            "the same of minutes that nobody holds any more",
            read_s / samples * 1e6,
            "us CPU a sample",
            ingest_s / samples * 1e6,
            read_s / ingest_s,
        ),
        Row(
            "the same minutes caught up at once",
            caught_s / samples * 1e6,
            "us CPU a sample",
            read_s / samples * 1e6,
            caught_s / read_s,
        ),
        Row("memory that catching up added", grown, "MiB"),
        # Partitions of PostgreSQL alone: chunks are counted by bench_storage.
        *([] if size is None else [Row("rollup_1m row with its key", float(size) / rows, "bytes")]),
    ]


async def _marking(server: DatabaseServer) -> list[Row]:
    """The same late rows, once before anything is closed and once when all of them have to be marked."""
    took: dict[bool, list[float]] = {False: [], True: []}
    for is_marked in (False, True) * 3:
        start_us = _minute_before(90)
        async with _both(server) as (rig, mill):
            if is_marked:
                await close(mill, start_us + 60 * MINUTE_US)
            await _feed(rig, _payloads(start_us - MINUTE_US, 2))
            took[is_marked].append(await _cpu(server, _feed(rig, _payloads(start_us, 30, first_seq=3))))
    plain, marked = (statistics.median(took[key]) for key in (False, True))
    return [Row("ingest of late samples, marked / unmarked", marked, "s CPU", plain, marked / plain, "<= 1.05")]


async def _late(server: DatabaseServer) -> list[Row]:
    """Live batches alone, and beside a backlog 30 days old that is rolled again."""
    start_us = _minute_before(20)
    async with _both(server) as (rig, mill):
        await close(mill, start_us)
        alone = await _pace(rig, _payloads(start_us, 40, count=1_000))
        old = _payloads(start_us - 30 * DAY_US, 60, epoch=uuid.uuid4().bytes)
        live = _payloads(start_us + 60_000_000, 40, count=1_000, first_seq=41)
        rolling = asyncio.create_task(_keep_rolling(mill))
        backlog = asyncio.create_task(_feed(rig, old, Lane.BACKLOG))
        beside = await _pace(rig, live)
        await backlog
        rolling.cancel()
        await asyncio.gather(rolling, return_exceptions=True)
    return [
        Row(
            "live batch to COMMIT beside 30 days late, p50",
            beside[len(beside) // 2] * 1e3,
            "ms",
            alone[len(alone) // 2] * 1e3,
            beside[len(beside) // 2] / alone[len(alone) // 2],
        ),
        Row("same, slowest", beside[-1] * 1e3, "ms", alone[-1] * 1e3, beside[-1] / alone[-1]),
    ]


@asynccontextmanager
async def _both(server: DatabaseServer, fresh: Fresh | None = None) -> AsyncGenerator[tuple[Rig, Mill]]:
    name = server.create_database()
    url = server.url(name)
    try:
        async with running_rig(url, hand_over=fresh) as rig, mill_on(rig.pool, fresh) as mill:
            yield rig, mill
    finally:
        server.drop_database(name)


def _payloads(
    start_us: int, seconds: int, *, count: int = SERIES, first_seq: int = 1, epoch: bytes = b"e" * 16
) -> list[bytes]:
    random = np.random.default_rng(first_seq)
    tags = TAGS[:count]
    return [
        encode(
            Batch(
                "gw-1",
                epoch,
                first_seq + second,
                start_us + second * 1_000_000,
                tags=tags if second == 0 else None,
                dictionary=None if second == 0 else dictionary_hash(tags),
                columns=(
                    Column(
                        Kind.F64,
                        list(range(count)),
                        [start_us + second * 1_000_000] * count,
                        None,
                        np.round(random.normal(20, 5, count), 2).tolist(),
                    ),
                ),
            )
        )
        for second in range(seconds)
    ]


async def _feed(rig: Rig, payloads: Sequence[bytes], lane: Lane = Lane.LIVE) -> None:
    """As fast as the lane takes them, a few ahead."""
    waiting: list[asyncio.Future[object]] = []
    for payload in payloads:
        waiting.append(rig.offer(payload, lane=lane))  # type: ignore[arg-type]
        if len(waiting) > 4:
            await waiting.pop(0)
    await asyncio.gather(*waiting)


async def _pace(rig: Rig, payloads: Sequence[bytes]) -> list[float]:
    """A live batch every 50 ms; how long each took to COMMIT, ascending."""
    took: list[float] = []
    for payload in payloads:
        began = time.perf_counter()
        await rig.take(payload)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return sorted(took)


async def roll(mill: Mill, until_us: int) -> None:
    await close(mill, until_us)
    later = at_us(until_us) + timedelta(days=2)
    while await mill.steps.roll_next(later):
        pass


async def _roll_apart(mill: Mill, until_us: int) -> None:
    """The role in one process; in another one the ingest, which rolls what it holds."""
    await close_minutes(mill.pool, mill.steps.mine, at_us(until_us), NOTHING)
    await mill.steps.roll_held(at_us(until_us), at_us(0))
    held = await mill.rows("select count(*) from rollup_dirty where is_first")
    assert held == [(0,)], held
    while await mill.steps.roll_next(at_us(until_us) + timedelta(days=2)):
        pass


async def _keep_rolling(mill: Mill) -> None:
    while True:
        if await mill.steps.roll_next(datetime.now(UTC) + timedelta(seconds=5)) is None:
            await asyncio.sleep(0.05)


async def close(mill: Mill, until_us: int) -> None:
    closed_at = await close_minutes(mill.pool, mill.steps.mine, at_us(until_us), NOTHING)
    if closed_at is not None:
        mill.steps.fresh.advance(us_of(closed_at))


async def _forget(mill: Mill, start_us: int) -> None:
    """As after an outage of the role: nothing is rolled, everything is there."""
    for query in (
        "truncate rollup_1m, rollup_15m, rollup_dirty",
        "update rollup_progress set closed_until = null, marked_until = null",
    ):
        await mill.rows(query)
    await mill.rows("update rollup_progress set closed_until = %s, marked_until = %s", at_us(start_us), at_us(start_us))


async def _cpu(server: DatabaseServer, work: "asyncio.Future[None] | object") -> float:
    """Seconds of CPU that the work took, here and in the database; not what looking at it takes."""
    gc.collect()
    database_s, own_s = database_cpu(server), time.process_time()
    await work  # type: ignore[misc]
    own_s = time.process_time() - own_s
    return own_s + database_cpu(server) - database_s


def database_cpu(server: DatabaseServer) -> float:
    parent = server.process
    spent = parent.cpu_times()
    total = spent.user + spent.system + spent.children_user + spent.children_system
    for child in parent.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _minute_before(minutes: int) -> int:
    return (time.time_ns() // 1000 // MINUTE_US - minutes) * MINUTE_US
