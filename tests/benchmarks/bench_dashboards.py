"""500 dashboards of eight trends, asked for anew every ten seconds, from one API process beside full ingest.

Ingest and rollups of 10,000 series at 1 Hz run in this process, the API and the readers in processes of their own.
Fifty boards have ten readers each; half of the boards show the last hour (12 s buckets, from raw samples), half the
last eight (2 min buckets, from rollups with raw samples at their ends). Each reader's window ends when it asks.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from cloud_api.rollups.roller import Roller
from cloud_api.storage.engine import ROLLUP_1M, ROLLUP_15M, Partitions
from cloud_api.storage.instants import at_us
from cloud_api.telemetry import Telemetry
from schemas.batch import Batch, Column, dictionary_hash, encode
from schemas.sample import Kind
from tests.benchmarks.bench_rollups import DAY_US, MINUTE_US, TAGS, close, database_cpu, roll
from tests.benchmarks.report import Row
from tests.fixtures.database import PostgresServer, make_postgres
from tests.fixtures.processes import Child, Processes, accepts, find_free_port, wait_until
from tests.integration.api.service import Fill
from tests.integration.ingest.conftest import Rig, running_rig
from tests.integration.rollups.mill import Mill, running_mill

READERS = int(os.environ.get("MILLSTREAM_BENCH_READERS") or "500")
BOARDS, TRENDS, HOURS = 50, 8, 8
SHOWN = BOARDS * TRENDS
PIECES, TURNS, ALONE_S = 5, 2, 10
READER = Path(__file__).with_name("dashboard_readers.py")


@dataclass
class Phase:
    """How long each batch took to COMMIT, in seconds, and the CPU seconds of database and API."""

    commits_s: list[float]
    database_s: float
    api_s: float
    length_s: float


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL."""
    server, remove = make_postgres()
    with tempfile.TemporaryDirectory(prefix="millstream-dashboards-") as folder:
        processes = Processes(Path(folder))
        try:
            return asyncio.run(_measure(server, processes))
        finally:
            processes.close()
            remove()


async def _measure(server: PostgresServer, processes: Processes) -> list[Row]:
    url = server.url(server.create_database())
    async with running_rig(url) as rig, running_mill(url) as mill:
        await _fill(rig, mill)
    fill, port = Fill(url), find_free_port()
    keys = [await fill.key("viewer") for _ in range(BOARDS)]
    await fill.run("insert into principal (name, role) values ('admin', 'admin')")
    api = await _api(processes, url, port)
    async with running_rig(url) as rig:
        rolling = asyncio.create_task(Roller(rig.pool, Telemetry()).run())
        await _feed(rig, server, api, 5, first_seq=1_000)
        alone = await _feed(rig, server, api, ALONE_S, first_seq=2_000)
        reading = asyncio.create_task(_read(port, keys))
        beside = await _feed(rig, server, api, round(10 * TURNS), first_seq=3_000)
        answers = await reading
        rolling.cancel()
        with suppress(asyncio.CancelledError):
            await rolling
    return _rows(answers, alone, beside)


async def _api(processes: Processes, url: str, port: int) -> Child:
    settings = {"DATABASE_URL": url, "HTTP_PORT": str(port)}
    environment = {f"MILLSTREAM_{name}": value for name, value in settings.items()}
    child = processes.millstream("cloud", "run", "--role", "api", name="api", **environment)
    child.start()
    await asyncio.to_thread(wait_until, lambda: accepts(port), "the API listens")
    return child


async def _fill(rig: Rig, mill: Mill) -> None:
    """An hour of samples of the series that are shown, rolled, and its rows again for the hours before."""
    now_us = time.time_ns() // 1000
    from_at = at_us(now_us // MINUTE_US * MINUTE_US - 60 * MINUTE_US)
    await rig.take(_payload(1, now_us, range(len(TAGS)), tags=TAGS))
    async with mill.pool.connection() as connection:
        days = {now_us // DAY_US - 1, now_us // DAY_US, now_us // DAY_US + 1}
        for partitions in (Partitions(), Partitions(ROLLUP_1M), Partitions(ROLLUP_15M)):
            await partitions.ensure(connection, days)
    await mill.rows(
        "insert into sample (series_id, status, time, value) select id, 0, %s + i * interval '1 second' +"
        " (i %% 997) * interval '1 millisecond', round((50 + 40 * sin((i + id) / 500.0) + random())::numeric, 2)"
        " from generate_series(0, 3599) i, (select id from series order by id limit %s) shown",
        from_at,
        SHOWN,
    )
    await mill.rows("update rollup_progress set closed_until = %s, marked_until = %s", from_at, from_at)
    until_us = now_us // MINUTE_US * MINUTE_US - MINUTE_US
    await close(mill, until_us)
    await roll(mill, until_us)
    for table in ("rollup_1m", "rollup_15m"):
        found = await mill.rows(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum", table
        )
        names = [str(row[0]) for row in found]
        for hours in range(1, HOURS):
            moved = [f"bucket - interval '{hours} hours'" if name == "bucket" else name for name in names]
            await mill.rows(
                f"insert into {table} ({', '.join(names)}) select {', '.join(moved)} from {table} where bucket >= %s",
                from_at,
            )
    for table in ("sample", "rollup_1m", "rollup_15m", "series", "latest"):
        await mill.rows(f"analyze {table}")


def _payload(seq: int, time_us: int, tags_at: Sequence[int], tags: tuple[str, ...] | None = None) -> bytes:
    size = len(tags_at)
    values = [20.0 + (seq + place) % 17 for place in tags_at]
    column = Column(Kind.F64, list(tags_at), [time_us] * size, None, values)
    known = None if tags else dictionary_hash(TAGS)
    return encode(Batch("gw-1", b"d" * 16, seq, time_us, tags=tags, dictionary=known, columns=(column,)))


async def _feed(rig: Rig, server: PostgresServer, api: Child, seconds: int, *, first_seq: int) -> Phase:
    """Every second a sample of each series, in a few batches spread over it."""
    process = psutil.Process(api.pid)
    began, commits = time.monotonic(), list[float]()
    before = database_cpu(server), sum(process.cpu_times()[:2])
    size = len(TAGS) // PIECES
    for turn in range(seconds * PIECES):
        await asyncio.sleep(max(0.0, began + turn / PIECES - time.monotonic()))
        piece = range(turn % PIECES * size, (turn % PIECES + 1) * size)
        payload = _payload(first_seq + turn, time.time_ns() // 1000, piece)
        started = time.perf_counter()
        await rig.take(payload)
        commits.append(time.perf_counter() - started)
    after = database_cpu(server), sum(process.cpu_times()[:2])
    return Phase(sorted(commits), after[0] - before[0], after[1] - before[1], time.monotonic() - began)


async def _read(port: int, keys: Sequence[str]) -> list[tuple[int, float, int]]:
    boards = [
        {"series": list(TAGS[TRENDS * n : TRENDS * (n + 1)]), "hours": 1 if n % 2 else HOURS} for n in range(BOARDS)
    ]
    plan: dict[str, Any] = {"port": port, "keys": keys, "boards": boards, "readers": READERS, "turns": TURNS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, READER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate(json.dumps(plan).encode())
    return [(status, took, size) for status, took, size in json.loads(written)]


def _rows(answers: Sequence[tuple[int, float, int]], alone: Phase, beside: Phase) -> list[Row]:
    took = sorted(milliseconds for status, milliseconds, _ in answers if status == 200)
    sizes = [size for status, _, size in answers if status == 200]
    refused = sum(status != 200 for status, _, _ in answers)
    database_s = beside.database_s - alone.database_s / alone.length_s * beside.length_s
    name = f"{READERS} dashboards of {TRENDS} trends every 10 s"
    rows = [
        Row(f"{name}, answered", len(took), "answers", len(answers), len(took) / len(answers), "= 1"),
        Row("refused (429, 503) or not answered in 30 s", refused, "answers"),
    ]
    if took:
        rows += [
            Row(f"{name}, p50", statistics.median(took), "ms"),
            Row(f"{name}, p99", took[int(len(took) * 0.99)], "ms"),
            Row("CPU of one in the API's process", (beside.api_s - alone.api_s) / len(took) * 1e3, "ms"),
            Row("CPU of one in the database", database_s / len(took) * 1e3, "ms"),
            Row("bytes of one, zstd", statistics.mean(sizes), "B"),
        ]
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        made, floor = (each.commits_s[int(len(each.commits_s) * share)] * 1e3 for each in (beside, alone))
        title = f"ingest of 10,000 samples/s, batch to COMMIT beside them / alone, {name}"
        rows.append(Row(title, made, "ms", floor, made / floor))
    return rows
