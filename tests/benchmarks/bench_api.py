"""What the API adds to the database: last values and a day of samples beside bare SQL, dashboards, live streams."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

import psutil
import psycopg

from cloud_api.auth.reach import Reach
from cloud_api.globs import parse_glob
from cloud_api.query.feed import LiveFeed, Paths
from cloud_api.query.live import LiveStream
from cloud_api.query.values import Int64
from cloud_api.server_events import Closing
from cloud_api.storage.engine import DAY_US, EngineKind, Partitions, detect_engine
from cloud_api.storage.pool import open_pool
from tests.benchmarks.databases import DatabaseServer, on_each_server
from tests.benchmarks.report import WINDOWS, Row
from tests.integration.api.service import START, Api, serve_api, shown

SERIES = 10_000
DAY_ROWS = 86_400
DASHBOARDS, TRENDS = 500, 8
READERS = 1_000
CALLS = 12
ARROW = "application/vnd.apache.arrow.stream"

Timed: TypeAlias = Callable[[], Awaitable[object]]


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
    async with serve_api(url, rate_per_minute=10**9, running_max=10**6, streams_max=10**6) as api:
        day = await _fill(api)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as bare:
            rows = await _last_values(api, bare)
            rows += await _day(api, bare, day)
        rows += await _dashboards(api)
        return rows + await _streams(api)


async def _fill(api: Api) -> int:
    run = api.fill.run
    await run(
        "insert into series (source_agent, source_path, path, kind)"
        " select 'gw-1', p, p, 'f64' from (select 'plant/line-' || i / 100 || '/device-' || i / 10 || '/tag-' || i as p"
        " from generate_series(1, %s) i) x",
        SERIES,
    )
    await run(
        "insert into latest (series_id, status, time, arrived_at, value)"
        " select id, 0, %s, now(), round((random() * 100)::numeric, 2) from series",
        START,
    )
    day = int((await run("select min(id) from series"))[0][0])
    async with await psycopg.AsyncConnection.connect(api.fill.url, autocommit=True) as connection:
        if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
            first = int(START.timestamp()) // (DAY_US // 1_000_000)
            await Partitions().ensure(connection, set(range(first, first + 3)))
    await run(
        "insert into sample (series_id, status, time, value) select s, 0,"
        " %s::timestamptz + i * interval '1 second' + (i %% 997) * interval '1 millisecond',"
        " round((50 + 40 * sin(i / 500.0) + random())::numeric, 2)"
        " from generate_series(0, %s) i, generate_series(%s::int, %s::int) s",
        START,
        DAY_ROWS - 1,
        day,
        day + TRENDS - 1,
    )
    await run("vacuum analyze")
    return day


async def _last_values(api: Api, bare: psycopg.AsyncConnection[Any]) -> list[Row]:
    async def product() -> None:
        answer = await api.client.get(
            "/api/v1/latest", params={"limit": SERIES}, headers={"Accept-Encoding": "identity"}
        )
        assert answer.status_code == 200

    async def reference() -> None:
        cursor = await bare.execute("select series_id, time, value, status, text, arrived_at from latest")
        assert len(await cursor.fetchall()) == SERIES

    made, floor = await _alternated(product, reference)
    rows = [Row(f"last value of {SERIES} series, whole answer", made, "ms", floor, made / floor, "<= 2")]
    made, floor = await _processing(bare, product), await _processing(bare, reference)
    return [*rows, Row("the same, CPU of service and database", made, "ms", floor, made / floor, "<= 2")]


async def _day(api: Api, bare: psycopg.AsyncConnection[Any], series_id: int) -> list[Row]:
    window = {"from": shown(START), "to": "2026-02-02T00:00:00Z"}
    address = f"/api/v1/series/{series_id}/samples"

    async def get(accept: str, **more: object) -> None:
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        answer = await api.client.get(address, params={**window, **more}, headers=headers)
        assert answer.status_code == 200
        assert len(answer.content) > DAY_ROWS

    async def reference() -> None:
        cursor = await bare.execute(
            "select time, value, status, text from sample"
            " where series_id = %s and time >= %s and time < %s order by time",
            (series_id, START, "2026-02-02T00:00:00Z"),
        )
        assert len(await cursor.fetchall()) == DAY_ROWS

    rows: list[Row] = []
    for name, accept, goal, more in (
        ("JSON", "application/json", "<= 0.5", {"limit": DAY_ROWS}),
        ("Arrow", ARROW, "<= 0.35", {}),
        ("CSV", "text/csv", None, {}),
        ("Parquet", "application/vnd.apache.parquet", None, {}),
    ):
        made, floor = await _alternated(lambda accept=accept, more=more: get(accept, **more), reference)
        rows.append(Row(f"a day raw ({DAY_ROWS}) as {name}, whole answer", made, "ms", floor, made / floor, goal))
        product = partial(get, accept, **more)
        made, floor = await _processing(bare, product), await _processing(bare, reference)
        rows.append(Row("the same, CPU of service and database", made, "ms", floor, made / floor, goal))
    return rows


async def _dashboards(api: Api) -> list[Row]:
    """Each asks for eight trends of an hour, 300 points, within ten seconds of each other."""
    series = [f"plant/line-{index // 100}/device-{index // 10}/tag-{index}" for index in range(1, TRENDS + 1)]
    body = {
        "series": series,
        "from": shown(START),
        "to": "2026-01-31T09:00:00Z",
        "points": 300,
        "aggregate": ["minimum", "maximum", "average"],
    }
    taken: list[float] = []
    refused = 0

    async def ask(delay_s: float) -> None:
        nonlocal refused
        await asyncio.sleep(delay_s)
        started = time.perf_counter()
        answer = await api.client.post("/api/v1/query", json=body)
        refused += answer.status_code == 429
        taken.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(ask(10 * index / DASHBOARDS) for index in range(DASHBOARDS)))
    taken.sort()
    return [
        Row(f"{DASHBOARDS} dashboards of {TRENDS} trends in 10 s, p50", statistics.median(taken), "ms"),
        Row(f"{DASHBOARDS} dashboards of {TRENDS} trends in 10 s, p99", taken[int(len(taken) * 0.99)], "ms"),
        Row("of them asked to come again (429)", refused, "answers"),
    ]


async def _streams(api: Api) -> list[Row]:
    """Readers of all series in one process, while every series moves once."""
    closing = Closing()
    async with await open_pool(api.fill.url, 2) as pool:
        feed = LiveFeed(lambda: pool, closing, 0.1)
        paths = Paths(parse_glob("**"), Reach())
        streams = [LiveStream(pool, feed, closing, paths, Int64.NUMBER).events(None) for _ in range(READERS)]
        for stream in streams:
            await anext(stream)
            await anext(stream)
        await api.fill.run(
            "with moved as (update latest set time = time + interval '1 second' returning series_id, time, value)"
            " insert into sample (series_id, status, time, value) select series_id, 0, time, value from moved"
            " on conflict do nothing"
        )
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(anext(stream) for stream in streams))
        took_ms, cpu_ms = (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000
        for stream in streams:
            await stream.aclose()
    return [
        Row(f"{READERS} live readers, {SERIES} new samples: until the last has them", took_ms, "ms"),
        Row(f"{READERS} live readers, {SERIES} new samples: CPU of the process", cpu_ms, "ms"),
    ]


async def _alternated(product: Timed, reference: Timed) -> tuple[float, float]:
    await product()
    await reference()
    pairs = [(await _milliseconds(product), await _milliseconds(reference)) for _ in range(max(5, WINDOWS))]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


async def _processing(bare: psycopg.AsyncConnection[Any], call: Timed) -> float:
    """CPU of this process and of the database's for one call: other work on the machine does not count."""
    await call()
    backend = psutil.Process(bare.info.backend_pid)
    before = _cpu_s(backend)
    for _ in range(CALLS):
        await call()
    return (_cpu_s(backend) - before) * 1000 / CALLS


def _cpu_s(backend: psutil.Process) -> float:
    total = time.process_time()
    for each in backend.parent().children():  # pyright: ignore[reportOptionalMemberAccess] # the postmaster
        with suppress(psutil.Error):
            used = each.cpu_times()
            total += used.user + used.system
    return total


async def _milliseconds(call: Timed) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000
