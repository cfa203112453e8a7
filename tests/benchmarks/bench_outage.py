"""After an outage of the line: every agent sends what it kept, in order, beside what it measures now.

The backlog goes through the real lanes, the role `rollups` runs in a process of its own with its own clock. Told are
how long both take beside the length of the outage, how far rollups of live samples fall behind meanwhile, what the
roller's memory grows to, and whether its rows are those of the raw samples.

`MILLSTREAM_BENCH_OUTAGE_HOURS=8 MILLSTREAM_BENCH_OUTAGE_TAGS=10000` is the case of the issue; samples come each
`MILLSTREAM_BENCH_OUTAGE_EVERY_S` (10).
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import psutil

from cloud_api.globs import parse_glob
from cloud_api.rollups.verify import verify_random
from cloud_api.storage.instants import us_of
from cloud_api.storage.rollup_progress import select_backlog, select_rollup_progress
from cloud_api.telemetry import Lane
from schemas.batch import Batch, Column, dictionary_hash, encode
from schemas.sample import Kind
from tests.benchmarks.databases import DatabaseServer, on_each_server
from tests.benchmarks.report import Row
from tests.integration.ingest.conftest import Rig, running_rig

HOURS = float(os.environ.get("MILLSTREAM_BENCH_OUTAGE_HOURS") or "0.5")
TAGS = int(os.environ.get("MILLSTREAM_BENCH_OUTAGE_TAGS") or "1000")
EVERY_US = int(float(os.environ.get("MILLSTREAM_BENCH_OUTAGE_EVERY_S") or "10") * 1e6)
AGENTS = 10
QUARTERS = int(os.environ.get("MILLSTREAM_BENCH_OUTAGE_VERIFIED") or "200")
# What an agent packs into one batch of its backlog.
BATCH_SAMPLES = 10_000
MINUTE_US = 60_000_000
# Rollups of live samples are looked at so often, and for so long before the backlog comes.
LOOK_S = 1.0
CALM_S = 5.0
# A minute is closed 5 s after its end, and is the newest one for a minute.
DUE_S = 66.0


@dataclass
class Agent:
    """One agent: its tags, and the number of its last batch."""

    number: int
    seq: int = 0

    @property
    def tags(self) -> tuple[str, ...]:
        """Paths of its tags."""
        return tuple(f"hall-{self.number}/press-{n // 50}/tag-{n}" for n in range(TAGS // AGENTS))

    def next_seq(self) -> int:
        """The number of the next batch."""
        self.seq += 1
        return self.seq

    def batch(self, seq: int, from_us: int, to_us: int) -> bytes:
        """What its tags measured, in the order of time."""
        tags, times = self.tags, np.arange(from_us, to_us, EVERY_US)
        count = len(tags)
        values = np.round(np.random.default_rng(seq).normal(20, 5, count * len(times)), 2).tolist()
        column = Column(Kind.F64, list(range(count)) * len(times), np.repeat(times, count).tolist(), None, values)
        is_first = seq == 1
        return encode(
            Batch(
                f"gw-{self.number}",
                self.number.to_bytes(16),
                seq,
                to_us,
                tags=tags if is_first else None,
                dictionary=None if is_first else dictionary_hash(tags),
                columns=(column,),
            )
        )


@dataclass
class Seen:
    """What was looked at every second: how old the newest rolled live minute is, what waits, the roller's memory."""

    beside: list[float] = field(default_factory=list[float])
    marks: int = 0
    memory_mib: float = 0.0
    calm_memory_mib: float = 0.0


def run() -> list[Row]:
    """Measure on the embedded PostgreSQL, and on the TimescaleDB that the environment names."""
    return on_each_server(lambda server: asyncio.run(_outage(server)))


async def _outage(server: DatabaseServer) -> list[Row]:
    name = server.create_database()
    agents = [Agent(number) for number in range(AGENTS)]
    seen = Seen()
    async with running_rig(server.url(name)) as rig, _roller(server.url(name)) as roller:
        end_us = _now_us() // MINUTE_US * MINUTE_US - 2 * MINUTE_US
        start_us = end_us - int(HOURS * 3600e6)
        for agent in agents:
            # Before the outage, and the first of what is live again: the watermark stands above the backlog.
            await rig.take(agent.batch(agent.next_seq(), start_us - 2 * MINUTE_US, start_us), f"gw-{agent.number}")
            await rig.take(agent.batch(agent.next_seq(), end_us, end_us + MINUTE_US), f"gw-{agent.number}")
        await _until_closed(rig, end_us)
        ended = asyncio.Event()
        live = asyncio.create_task(_live(rig, agents, end_us + MINUTE_US, ended))
        looking = asyncio.create_task(_look(rig, roller, seen, ended))
        while not seen.beside or seen.beside[-1] > DUE_S:
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(CALM_S)
        seen.beside.clear()
        seen.calm_memory_mib = seen.memory_mib
        began = time.perf_counter()
        await asyncio.gather(*(_backlog(rig, agent, start_us, end_us) for agent in agents))
        stored_s = time.perf_counter() - began
        await _until_rolled(rig, end_us)
        rolled_s = time.perf_counter() - began
        ended.set()
        await asyncio.gather(live, looking)
        differences, verified = await _verify(rig, start_us, end_us)
    server.drop_database(name)
    samples = int(HOURS * 3600e6 / EVERY_US) * TAGS
    length_s = HOURS * 3600
    what = f"{HOURS:g} h x {TAGS:,} tags x {EVERY_US / 1e6:g} s"
    return [
        Row(f"backlog of {what}", samples / 1e6, "million samples"),
        Row("backlog stored / length of the outage", stored_s, "s", length_s, stored_s / length_s),
        Row("backlog rolled / length of the outage", rolled_s, "s", length_s, rolled_s / length_s, "<= 0.1"),
        Row("backlog rolled / backlog stored", rolled_s, "s", stored_s, rolled_s / stored_s),
        Row(
            "age of the newest rolled minute of live samples, at most",
            max(seen.beside),
            "s",
            DUE_S,
            max(seen.beside) / DUE_S,
            "<= 1.5",
        ),
        Row("marks that waited, at most", seen.marks, ""),
        Row(
            "memory of the roller, at most",
            seen.memory_mib,
            "MiB",
            seen.calm_memory_mib,
            seen.memory_mib / seen.calm_memory_mib,
        ),
        Row(f"differences among {verified:,} rows verified", differences, "", None, None, "= 0"),
    ]


async def _live(rig: Rig, agents: list[Agent], at_us: int, ended: asyncio.Event) -> None:
    """What every agent measures now, by its live lane."""
    while not ended.is_set():
        await asyncio.sleep(max(0.0, (at_us + EVERY_US - _now_us()) / 1e6))
        upto_us = at_us + max(EVERY_US, min(_now_us() - at_us, MINUTE_US) // EVERY_US * EVERY_US)
        for agent in agents:
            await rig.take(agent.batch(agent.next_seq(), at_us, upto_us), f"gw-{agent.number}")
        at_us = upto_us


async def _backlog(rig: Rig, agent: Agent, start_us: int, end_us: int) -> None:
    """One batch after the other, two on the way."""
    step_us = max(1, BATCH_SAMPLES // (TAGS // AGENTS)) * EVERY_US
    waiting: list[asyncio.Future[object]] = []
    for from_us in range(start_us, end_us, step_us):
        payload = await asyncio.to_thread(agent.batch, agent.next_seq(), from_us, min(from_us + step_us, end_us))
        waiting.append(rig.offer(payload, f"gw-{agent.number}", Lane.BACKLOG))  # type: ignore[arg-type]
        if len(waiting) > 1:
            await waiting.pop(0)
    await asyncio.gather(*waiting)


async def _look(rig: Rig, roller: psutil.Process, seen: Seen, ended: asyncio.Event) -> None:
    while not ended.is_set():
        async with rig.pool.connection() as connection:
            backlog = await select_backlog(connection)
        newest = await rig.rows("select max(bucket) from rollup_1m where series_id = 1")
        seen.beside.append((datetime.now(UTC) - newest[0][0]).total_seconds() - 60)
        seen.marks = max(seen.marks, backlog.mark_count)
        seen.memory_mib = max(seen.memory_mib, roller.memory_info().rss / 2**20)
        await asyncio.sleep(LOOK_S)


async def _until_closed(rig: Rig, at_us: int) -> None:
    """Until everything before an instant is closed and nothing waits."""
    while True:
        async with rig.pool.connection() as connection:
            progress = await select_rollup_progress(connection)
        if progress.marked_at and us_of(progress.marked_at) >= at_us and not await _waiting(rig, at_us):
            return
        await asyncio.sleep(0.2)


async def _until_rolled(rig: Rig, at_us: int) -> None:
    while await _waiting(rig, at_us):
        await asyncio.sleep(0.2)


async def _waiting(rig: Rig, at_us: int) -> int:
    """Marks of minutes before an instant."""
    query = "select count(*) from rollup_dirty where resolution = '1m' and from_at < to_timestamp(%s)"
    return (await rig.rows(query, at_us / 1e6))[0][0]


async def _verify(rig: Rig, start_us: int, end_us: int) -> tuple[int, int]:
    """Quarters at random, recomputed from raw."""
    async with rig.pool.connection() as connection:
        verified = await verify_random(
            connection,
            parse_glob("**"),
            (start_us, end_us),
            QUARTERS,
            random.Random(7),
        )
    return len(verified.differences), verified.rows


@asynccontextmanager
async def _roller(url: str) -> AsyncGenerator[psutil.Process]:
    child = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.outage_roller", url])
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


def _now_us() -> int:
    return time.time_ns() // 1000
