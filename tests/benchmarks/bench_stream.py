"""A thousand clients of `GET /stream` on one API process: delivery, memory and CPU, one that reads nothing, a kill.

A thousand series get a sample every second, in fifty boards of twenty, and each board has a calculation on the fly of
two of them; twenty clients read each board. In the middle the API is killed (SIGKILL) and started again: every client
comes back with its Last-Event-ID, and afterwards must have seen every sample of its series once.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from cloud_api.storage.engine import DAY_US, Partitions
from cloud_api.storage.migrate import migrate
from tests.benchmarks.bench_rollups import database_cpu
from tests.benchmarks.report import Row
from tests.fixtures.database import PostgresServer, make_postgres
from tests.fixtures.processes import Child, Processes, accepts, find_free_port, wait_until
from tests.integration.api.service import Fill
from tests.integration.api.test_process import ready

CLIENTS = int(os.environ.get("MILLSTREAM_BENCH_CLIENTS") or "1000")
BOARDS, SHOWN, ALONE_S, BEFORE_S, DEAD_S, AFTER_S = 50, 20, 5, 15, 2, 20
READER = Path(__file__).with_name("stream_readers.py")
FEED = """
with new as (
    insert into sample (series_id, time, status, value)
    select id, now(), 0, %s from series where calculation is null
    returning series_id, time, status, value
)
insert into latest (series_id, time, status, value, arrived_at)
select series_id, time, status, value, time from new
on conflict (series_id) do update set time = excluded.time, value = excluded.value
"""


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL."""
    server, remove = make_postgres()
    with tempfile.TemporaryDirectory(prefix="millstream-stream-") as folder:
        processes = Processes(Path(folder))
        try:
            return asyncio.run(_measure(server, processes))
        finally:
            processes.close()
            remove()


async def _measure(server: PostgresServer, processes: Processes) -> list[Row]:
    url = server.url(server.create_database())
    fill, port, key = await _filled(url)
    api = _child(processes, url, port)
    await _is_ready(api, port)
    feeding = asyncio.create_task(_feed(url))
    await asyncio.sleep(ALONE_S)
    alone = _memory(api)
    plan: dict[str, Any] = {"port": port, "key": key, "clients": CLIENTS, "lazy": 1}
    plan["globs"] = [f"board-{number}/*" for number in range(BOARDS)]
    readers = await asyncio.create_subprocess_exec(
        sys.executable, READER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert readers.stdin is not None
    readers.stdin.write(json.dumps(plan).encode() + b"\n")
    await asyncio.sleep(ALONE_S)
    before = _cpu(api), database_cpu(server), time.monotonic()
    await asyncio.sleep(BEFORE_S)
    after = _cpu(api), database_cpu(server), time.monotonic()
    memory = _memory(api)
    api.kill()
    killed_s = time.time()
    await asyncio.sleep(DEAD_S)
    await _is_ready(api, port)
    ready_s = time.time()
    await asyncio.sleep(AFTER_S)
    again = _memory(api)
    feeding.cancel()
    last = (await fill.run("select max(value) from latest"))[0][0]
    await asyncio.sleep(2)
    written, _ = await readers.communicate(b"")
    length_s = after[2] - before[2]
    used = (after[0] - before[0]) / length_s, (after[1] - before[1]) / length_s
    return _rows(json.loads(written) | {"killed_s": killed_s, "ready_s": ready_s}, used, (alone, memory, again), last)


async def _filled(url: str) -> tuple[Fill, int, str]:
    await asyncio.to_thread(migrate, url)
    fill = Fill(url)
    await fill.run("insert into principal (name, role) values ('admin', 'admin')")
    await fill.run(
        "insert into series (source_agent, source_path, path, kind) select 'gw-1', p, p, 'f64' from"
        " (select 'board-' || b || '/' || s as p from generate_series(0, %s) b, generate_series(1, %s) s) names",
        BOARDS - 1,
        SHOWN,
    )
    # The mean of two equal numbers of one instant: it counts as they do, or something is missing.
    await fill.run(
        "insert into series (source_agent, source_path, path, kind, calculation) select '~calculations', p, p, 'f64',"
        " 'on_the_fly' from (select 'board-' || b || '/mean' as p from generate_series(0, %s) b) names",
        BOARDS - 1,
    )
    await fill.run(
        "insert into calculation (series_id, mode, body, names, updated_by) select m.id, 'on_the_fly',"
        " jsonb_build_object('expression', '(a + b) / 2', 'variables', jsonb_build_object('a', a.id, 'b', b.id)),"
        " jsonb_build_object('#' || a.id, a.id, '#' || b.id, b.id), 'bench' from series m"
        " join series a on a.path = replace(m.path, 'mean', '1') join series b on b.path = replace(m.path, 'mean', '2')"
        " where m.calculation is not null"
    )
    return fill, find_free_port(), await fill.key("viewer")


async def _feed(url: str) -> None:
    """Every second the next number as a sample of each series, in one transaction."""
    import psycopg

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        today = int(datetime.now(UTC).timestamp() * 1_000_000) // DAY_US
        await Partitions().ensure(connection, {today, today + 1})
        number = 0
        while True:
            began = time.monotonic()
            number += 1
            await connection.execute(FEED, (float(number),))
            await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))


def _child(processes: Processes, url: str, port: int) -> Child:
    settings = {"MILLSTREAM_DATABASE_URL": url, "MILLSTREAM_HTTP_PORT": str(port)}
    return processes.millstream("cloud", "run", "--role", "api", name="api", **settings)


async def _is_ready(api: Child, port: int) -> None:
    api.start()
    await asyncio.to_thread(wait_until, lambda: accepts(port) and ready(port)[0] == 200, "the API is ready")


def _memory(api: Child) -> float:
    return psutil.Process(api.pid).memory_info().rss / 2**20


def _cpu(api: Child) -> float:
    return sum(psutil.Process(api.pid).cpu_times()[:2])


def _rows(
    told: dict[str, Any], used: tuple[float, float], memory: tuple[float, float, float], last: float
) -> list[Row]:
    killed_s = told["killed_s"]
    late = sorted(each for at_s, each in told["late_ms"] if at_s < killed_s)
    again = sorted((at_s - told["ready_s"]) * 1e3 for at_s, _ in told["again_ms"] if at_s > killed_s)
    alone, full, after_kill = memory
    return [
        Row("clients that were served", told["clients"], "clients", CLIENTS, told["clients"] / CLIENTS, "= 1"),
        Row("samples that a client has not seen, over a kill of the API", told["holes"], "samples", goal="= 0"),
        Row("samples that came twice", told["doubles"], "samples", goal="= 0"),
        Row(
            "last sample of whoever is furthest behind",
            told["least_end"],
            "",
            last,
            told["least_end"] / last,
            ">= 0.95",
        ),
        Row("sample to client, p50", statistics.median(late), "ms"),
        Row("sample to client, p99", late[int(len(late) * 0.99)], "ms", goal="<= 2000"),
        Row("API ready again to the first event of a client, p50", statistics.median(again), "ms"),
        Row("API ready again to the first event of a client, slowest", again[-1], "ms"),
        Row("events with samples left out", told["skipped"], "events"),
        Row("CPU of the API", used[0] * 100, "% of a core"),
        Row("CPU of a client in the API, 21 samples/s each", used[0] / CLIENTS * 1e3, "ms/s", goal="<= 1"),
        Row("CPU of the database", used[1] * 100, "% of a core"),
        Row("memory of the API without clients", alone, "MiB"),
        Row("memory of a client", (full - alone) / CLIENTS * 1024, "KiB", goal="<= 100"),
        Row("memory of the API after kill and return of all", after_kill, "MiB", full, after_kill / full, "<= 1.5"),
    ]
