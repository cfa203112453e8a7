"""What the API adds to the database: last values and a day of samples beside bare SQL, dashboards, live streams.

Last values and samples are asked of an API process as it is deployed, over loopback, with a key that is proved each
time. Its answers are timed until their last byte has been read; its CPU is that of service and database, as the
reference's is that of psycopg's process and database: the reader of HTTP, who keeps nothing, is on neither side.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
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
from tests.benchmarks.bench_rollups import database_cpu
from tests.benchmarks.databases import DatabaseServer, on_each_server
from tests.benchmarks.http_reader import HttpReader
from tests.benchmarks.report import WINDOWS, Row
from tests.fixtures.processes import Processes, accepts, find_free_port, wait_until
from tests.integration.api.service import START, Api, serve_api, shown

SERIES = 10_000
DAY_ROWS = 86_400
DASHBOARDS, TRENDS = 500, 8
READERS = 1_000
CALLS, IDLE_S = 25, 3.0
JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"

Timed: TypeAlias = Callable[[], Awaitable[object]]


@dataclass
class Service:
    """An API process as it is deployed, a reader of it over loopback, and the database server of both."""

    process: psutil.Process
    reader: HttpReader
    server: DatabaseServer
    # CPU seconds a second that service and database use without being asked anything.
    idle: float = 0.0
    database_idle: float = 0.0

    def rest(self) -> None:
        """See what they use."""
        began, used, database = time.monotonic(), self.cpu_s(), database_cpu(self.server)
        time.sleep(IDLE_S)
        passed_s = time.monotonic() - began
        self.idle = (self.cpu_s() - used) / passed_s
        self.database_idle = (database_cpu(self.server) - database) / passed_s

    def cpu_s(self) -> float:
        """What the service has used so far."""
        used = self.process.cpu_times()
        return used.user + used.system


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL, and on the TimescaleDB that the environment names."""
    return on_each_server(_on)


def _on(server: DatabaseServer) -> list[Row]:
    name = server.create_database()
    with tempfile.TemporaryDirectory(prefix="millstream-api-") as folder:
        processes = Processes(Path(folder))
        try:
            return asyncio.run(_measure(server, server.url(name), processes))
        finally:
            processes.close()
            server.drop_database(name)


async def _measure(server: DatabaseServer, url: str, processes: Processes) -> list[Row]:
    async with serve_api(url) as api:
        day = await _fill(api)
        key = api.client.headers["Authorization"].removeprefix("Bearer ")
    service = await asyncio.to_thread(_service, server, url, processes, key)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as bare:
        rows = await _last_values(service, bare)
        rows += await _day(service, bare, day)
    service.reader.close()
    processes.close()
    async with serve_api(url, rate_per_minute=10**9, running_max=10**6, streams_max=10**6) as api:
        rows += await _dashboards(api)
        return rows + await _streams(api)


def _service(server: DatabaseServer, url: str, processes: Processes, key: str) -> Service:
    port = find_free_port()
    settings = {"DATABASE_URL": url, "HTTP_PORT": str(port), "RETENTION_RAW": "forever", "RETENTION_1M": "forever"}
    environment = {f"MILLSTREAM_{name}": value for name, value in settings.items()}
    child = processes.millstream("cloud", "run", "--role", "api", name="api", **environment).start()
    wait_until(lambda: accepts(port), "the API listens")
    reader = HttpReader(port, key)
    wait_until(lambda: _is_ready(reader), "the API has reached the database")
    service = Service(psutil.Process(child.pid), reader, server)
    service.rest()
    return service


def _is_ready(reader: HttpReader) -> bool:
    try:
        return reader.get("/health/ready", JSON) > 0
    except AssertionError:
        return False


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


async def _last_values(service: Service, bare: psycopg.AsyncConnection[Any]) -> list[Row]:
    async def product() -> None:
        await asyncio.to_thread(service.reader.get, f"/api/v1/latest?limit={SERIES}", JSON)

    async def one() -> None:
        await asyncio.to_thread(service.reader.get, "/api/v1/latest?limit=1", JSON)

    async def reference() -> None:
        cursor = await bare.execute("select series_id, time, value, status, text, arrived_at from latest")
        assert len(await cursor.fetchall()) == SERIES

    rows = await _compared(service, f"last value of {SERIES} series", product, reference, "<= 2")
    return [*rows, *await _compared(service, "last value of one series beside the same", one, reference, None)]


async def _day(service: Service, bare: psycopg.AsyncConnection[Any], series_id: int) -> list[Row]:
    to = "2026-02-01T08:00:00Z"
    address = f"/api/v1/series/{series_id}/samples?from={shown(START)}&to={to}"
    body = {"series": [series_id], "from": shown(START), "to": to, "resolution": "raw"}

    async def get(accept: str, more: str) -> None:
        size = await asyncio.to_thread(service.reader.get, address + more, accept)
        assert size > DAY_ROWS

    async def query(accept: str) -> None:
        assert await asyncio.to_thread(service.reader.post, "/api/v1/query", body, accept) > DAY_ROWS

    async def reference() -> None:
        cursor = await bare.execute(
            "select time, value, status, text from sample"
            " where series_id = %s and time >= %s and time < %s order by time",
            (series_id, START, to),
        )
        assert len(await cursor.fetchall()) == DAY_ROWS

    rows: list[Row] = []
    for name, accept, goal, more in (
        ("JSON", JSON, "<= 0.5", f"&limit={DAY_ROWS}"),
        ("Arrow", ARROW, "<= 0.35", ""),
        ("CSV", "text/csv", None, ""),
        ("Parquet", "application/vnd.apache.parquet", None, ""),
    ):
        title = f"a day raw ({DAY_ROWS}) as {name}"
        rows += await _compared(service, title, partial(get, accept, more), reference, goal)
    for name, accept, goal in (("JSON", JSON, "<= 0.5"), ("Arrow", ARROW, "<= 0.35")):
        rows += await _compared(service, f"the same by POST /query as {name}", partial(query, accept), reference, goal)
    return rows


async def _compared(service: Service, name: str, product: Timed, reference: Timed, goal: str | None) -> list[Row]:
    made, floor = await _alternated(product, reference)
    rows = [Row(f"{name}, whole answer", made, "ms", floor, made / floor, goal)]
    made = await _processing(service, product, service.cpu_s, service.idle + service.database_idle)
    floor = await _processing(service, reference, time.process_time, service.database_idle)
    return [*rows, Row("  CPU of service and database", made, "ms", floor, made / floor, goal)]


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
    pairs = [(await _milliseconds(product), await _milliseconds(reference)) for _ in range(max(9, WINDOWS))]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


async def _processing(service: Service, call: Timed, cpu_s: Callable[[], float], idle: float) -> float:
    """CPU of one call, by whoever makes it and the database; what they do without it, a second, is taken off.

    Other work on the machine does not count.
    """
    await call()

    began, before = time.monotonic(), cpu_s() + database_cpu(service.server)
    for _ in range(CALLS):
        await call()
    used = cpu_s() + database_cpu(service.server) - before
    return (used - idle * (time.monotonic() - began)) * 1000 / CALLS


async def _milliseconds(call: Timed) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000
