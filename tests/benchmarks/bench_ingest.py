"""Ingest of one process, from MQTT messages to COMMIT with the ledger, beside bare COPY and bare INSERT … ON CONFLICT.

All write the same rows, 10,000 a transaction, with the same key and the same durable settings, into empty tables.
"""

import asyncio
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from cloud_api.ingest.pipeline import Ingest, IngestOptions
from cloud_api.settings import MqttSettings
from cloud_api.storage.engine import Partitions, detect_engine
from cloud_api.storage.instants import at_us
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import open_pool
from cloud_api.storage.rows import (
    SampleRows,
    copy_bytes,
    distinct_rows,
    float8_array_bytes,
    int4_array_bytes,
    timestamptz_array_bytes,
)
from cloud_api.telemetry import Telemetry
from schemas.batch import Batch, Column, dictionary_hash, encode
from schemas.sample import Kind
from tests.benchmarks.databases import DatabaseServer, on_each_server
from tests.benchmarks.report import Row
from tests.fixtures.broker import Broker
from tests.fixtures.processes import Processes

SERIES = 1_000
STEPS = 800
# The slow references get a share: their tables stay smaller, which only helps them.
INSERT_STEPS = 150
ROWS_A_TRANSACTION = 10_000
WINDOWS = 3
LATE_SHARE = 0.2
AGENT = "bench"
INSERT = """
    insert into sample (series_id, status, time, value)
    select * from unnest({}::int4[], {}::int4[], {}::timestamptz[], {}::float8[])
    on conflict (series_id, time) do nothing
"""


@dataclass(frozen=True)
class Load:
    """What every contestant writes: SERIES tags, STEPS times, optionally a share of rows from hours before."""

    times_us: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def row_count(self) -> int:
        """Rows in all."""
        return self.values.size


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL, and on the TimescaleDB that the environment names."""
    return on_each_server(_on)


def _on(server: DatabaseServer) -> list[Row]:
    name = server.create_database()
    try:
        return _measure(server.url(name))
    finally:
        server.drop_database(name)


def _measure(url: str) -> list[Row]:
    migrate(url)
    rows: list[Row] = []
    for name, share in (("", 0.0), (", 20 % late", LATE_SHARE)):
        load = _load(share)
        with _broker() as port:
            figures = [_round(url, port, load) for _ in range(WINDOWS + 1)][1:]
        product, copy, insert, arrays = (float(np.median([figure[at] for figure in figures])) for at in range(4))
        rows.append(Row(f"ingest / COPY{name}", product, "rows/s", copy, product / copy, ">= 0.75"))
        rows.append(Row(f"ingest / INSERT{name}", product, "rows/s", insert, product / insert, ">= 2"))
        rows.append(Row(f"same, arrays laid out before{name}", product, "rows/s", arrays, product / arrays))
    return rows


def _round(url: str, port: int, load: Load) -> tuple[float, ...]:
    """One window of each, in turn, each into an empty table."""
    payloads = _payloads(load)
    _empty(url, load)
    product = asyncio.run(_ingest(url, port, payloads, load))
    _empty(url, load)
    copy = _copy(url, load)
    _empty(url, load)
    part = Load(load.times_us[:INSERT_STEPS], load.values[:INSERT_STEPS])
    insert = _insert(url, part)
    _empty(url, load)
    return product, copy, insert, _insert_arrays(url, part)


def _load(late_share: float) -> Load:
    random = np.random.default_rng(5)
    start_us = (time.time_ns() // 1000 - STEPS * 1_000_000) // 1_000_000 * 1_000_000
    times = start_us + np.arange(STEPS, dtype=np.int64)[:, None] * 1_000_000 + np.zeros((1, SERIES), dtype=np.int64)
    is_late = random.random((STEPS, SERIES)) < late_share
    # Hours before, and on a microsecond of their own, so that no key comes twice.
    shift = random.integers(3_600, 20_000, (STEPS, SERIES)) * 1_000_000 + np.arange(STEPS)[:, None] + 1
    return Load(np.where(is_late, times - shift, times), np.round(random.normal(20, 5, (STEPS, SERIES)), 3))


def _payloads(load: Load) -> list[bytes]:
    """A message a second with all tags, as one agent sends it: its tag list first, then the hash of it."""
    epoch = uuid.uuid4().bytes
    tags = tuple(f"hall/press-{n // 20}/tag-{n}" for n in range(SERIES))
    indices = list(range(SERIES))
    return [
        encode(
            Batch(
                AGENT,
                epoch,
                step + 1,
                int(load.times_us[step, 0]),
                tags=tags if step == 0 else None,
                dictionary=None if step == 0 else dictionary_hash(tags),
                columns=(Column(Kind.F64, indices, load.times_us[step].tolist(), None, load.values[step].tolist()),),
            )
        )
        for step in range(STEPS)
    ]


def _sets(load: Load) -> Iterator[SampleRows]:
    """The same rows as sorted sets of one transaction each."""
    steps = ROWS_A_TRANSACTION // SERIES
    for first in range(0, len(load.values), steps):
        values = load.values[first : first + steps].ravel()
        series = np.tile(np.arange(1, SERIES + 1, dtype=np.int32), len(values) // SERIES)
        times = load.times_us[first : first + steps].ravel()
        yield distinct_rows(SampleRows(series, times, np.zeros(len(values), np.int32), values, None)).rows


async def _ingest(url: str, port: int, payloads: list[bytes], load: Load) -> float:
    """Rows a second from the first COMMIT to the last, while messages come faster than that."""
    pool = await open_pool(url, 4)
    telemetry = Telemetry()
    settings = MqttSettings("127.0.0.1", port, False, None, None, None, None, None)
    ingest = Ingest(pool, IngestOptions(mqtt=settings), telemetry)
    task = asyncio.create_task(ingest.run())
    while not ingest.is_subscribed:
        await asyncio.sleep(0.01)
    with tempfile.NamedTemporaryFile() as file:
        for payload in payloads:
            file.write(len(payload).to_bytes(4, "big") + payload)
        file.flush()
        publisher = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.benchmarks.publish", str(port), AGENT, file.name
        )
        while not (before := _stored(telemetry)):
            await asyncio.sleep(0.001)
        started = time.perf_counter()
        while _stored(telemetry) < load.row_count:
            await asyncio.sleep(0.002)
        elapsed = time.perf_counter() - started
        await publisher.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await pool.close()
    return (load.row_count - before) / elapsed


def _stored(telemetry: Telemetry) -> float:
    return telemetry.registry.get_sample_value("millstream_ingest_samples_total", {"outcome": "stored"}) or 0.0


def _copy(url: str, load: Load) -> float:
    buffers = [copy_bytes(rows) for rows in _sets(load)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = on")
        started = time.perf_counter()
        for buffer in buffers:
            with (
                connection.transaction(),
                connection.cursor() as cursor,
                cursor.copy("copy sample (series_id, status, time, value, text) from stdin (format binary)") as copy,
            ):
                copy.write(buffer)
        return load.row_count / (time.perf_counter() - started)


def _insert(url: str, load: Load) -> float:
    """INSERT … SELECT unnest … ON CONFLICT as one writes it: lists as parameters of psycopg."""
    sets = [
        (
            rows.series_ids.tolist(),
            rows.statuses.tolist(),
            [at_us(time_us) for time_us in rows.times_us.tolist()],
            rows.values.tolist(),
        )
        for rows in _sets(load)
    ]
    statement = INSERT.format(*["%s"] * 4).encode()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = on")
        started = time.perf_counter()
        for lists in sets:
            with connection.transaction():
                connection.execute(statement, lists)
        return load.row_count / (time.perf_counter() - started)


def _insert_arrays(url: str, load: Load) -> float:
    """The same statement with binary arrays that were laid out before the clock ran: the server's share alone."""
    sets = [
        [
            int4_array_bytes(rows.series_ids),
            int4_array_bytes(rows.statuses),
            timestamptz_array_bytes(rows.times_us),
            float8_array_bytes(rows.values),
        ]
        for rows in _sets(load)
    ]
    statement = INSERT.format("$1", "$2", "$3", "$4").encode()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = on")
        started = time.perf_counter()
        for arrays in sets:
            with connection.transaction():
                result = connection.pgconn.exec_params(statement, arrays, param_formats=[1] * 4)
                assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message
        return load.row_count / (time.perf_counter() - started)


def _empty(url: str, load: Load) -> None:
    """An empty table, with its partitions where the engine has no chunks of its own, and nothing left to write back."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("truncate sample, latest")
    asyncio.run(_make_partitions(url, load))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("checkpoint")


async def _make_partitions(url: str, load: Load) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        engine = await detect_engine(connection)
        if engine.kind == "postgres":
            days = np.unique(load.times_us // 86_400_000_000).tolist()
            await Partitions().ensure(connection, days)


@contextmanager
def _broker() -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder))
        try:
            yield Broker(processes).start().port
        finally:
            processes.close()
