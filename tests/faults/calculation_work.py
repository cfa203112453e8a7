"""Ingest and the leader of calculations, in children that kill themselves with SIGKILL at a line that a seed chooses.

A process of its own: it loads everything once, and every child is a fork of it. Reads one JSON line for each child:
{"url", "seed", "kill_after": lines or null, "prepare": bool}; answers with {"killed": bool, "failed": text or null}.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from cloud_api.calculations import service
from cloud_api.calculations.leader import CalculationLeader
from cloud_api.calculations.models import Mode, NewCalculation
from cloud_api.ingest.incoming import Arrival, kept_part
from cloud_api.ingest.lane import LaneWorker
from cloud_api.leases import LeaseKeeper
from cloud_api.storage.ledger import UntilRow, upsert_agent_until
from cloud_api.storage.pool import Pool, open_pool, transaction
from cloud_api.telemetry import Lane, Telemetry
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind
from tests.faults.alarm_work import AGENT, BAD, DEVICES, EPOCH, INSERT_SERIES, LEASES, T0, TAGS, S, ingesting
from tests.faults.children import run_children

BATCHES = 40
TRACED = ("/cloud_api/calculations/", "/cloud_api/ingest/writer.py", "/cloud_api/storage/", "/cloud_api/ingest/lane.py")
EXPRESSIONS = {
    "made/sum": '"a/oil" + "b/flow"',
    "made/rate": 'rate("a/count") * "b/running"',
    "made/above": '"made/sum" > 50 or is_bad("a/setpoint")',
    "made/step": 'delta("made/sum")',
}


def payloads(seed: int) -> list[bytes]:
    """The batches of one agent; now and then a batch has samples from before what its devices promised."""
    dice = random.Random(f"calculations {seed}")
    time_us, count = T0, 0.0
    found: list[bytes] = []
    for seq in range(1, BATCHES + 1):
        rows: list[tuple[int, int, float | None]] = []
        for _ in range(dice.randrange(0, 12)):
            time_us += dice.choice([1, 100_000, S // 2, S, 3 * S])
            tag = dice.randrange(len(TAGS))
            count += dice.choice([0, 1])
            value = {2: count, 3: float(dice.random() < 0.5)}.get(tag, round(dice.uniform(0, 100), 1))
            rows.append((tag, time_us, None if dice.random() < 0.1 else value))
        if seq > 3 and dice.random() < 0.3:
            late_us = dice.randrange(T0 + S, time_us)
            rows.append((dice.randrange(len(TAGS)), late_us, round(dice.uniform(0, 100), 1)))
        rows.sort(key=lambda row: row[1])
        columns = tuple(
            Column(Kind.F64, [tag], [at], None, [value])
            if value is not None
            else Column(Kind.NONE, [tag], [at], [BAD], None)
            for tag, at, value in rows
        )
        marks = {name: time_us for name in DEVICES if dice.random() < 0.7 or seq == BATCHES}
        found.append(encode(Batch(AGENT, EPOCH, seq, T0, tags=TAGS, columns=columns, until=marks)))
        time_us += dice.choice([0, S, 4 * S])
    return found


async def prepare(url: str) -> None:
    """Series, calculations and their cursors at T0: from there on the outcome is the samples' alone."""
    pool = await open_pool(url, 3)
    async with pool:
        async with transaction(pool) as connection:
            for name, numbers in DEVICES.items():
                for number in numbers:
                    await connection.execute(INSERT_SERIES, (AGENT, TAGS[number], TAGS[number], name))
            await upsert_agent_until(connection, [UntilRow(AGENT, name, T0) for name in DEVICES])
            for path, text in EXPRESSIONS.items():
                new = NewCalculation(path=path, expression=text, mode=Mode.MATERIALISED)
                await service.create(connection, new, "test")
        async with leading(pool) as leader:
            for _ in EXPRESSIONS:
                await leader.step()


async def work(url: str, seed: int) -> None:
    """Take every batch, calculate everything."""
    pool = await open_pool(url, 6)
    async with pool, leading(pool) as leader, ingesting(pool) as live:
        stop = asyncio.Event()
        following = asyncio.create_task(_follow(leader, stop))
        waiting: list[asyncio.Future[Any]] = []
        for payload in payloads(seed):
            waiting.append(_offer(live, payload))
            if len(waiting) % 3 == 0:
                await waiting[-1]
        for each in waiting:
            assert (await each) is not None
        stop.set()
        await following
        # Marks of late samples become due a few seconds after they came; a chain is as long as there are calculations.
        for _ in EXPRESSIONS:
            while await leader.step(datetime.fromtimestamp(time.time() + 60, UTC)):
                pass


def _offer(live: LaneWorker, payload: bytes) -> asyncio.Future[Any]:
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    kept, wire_bytes = kept_part(payload)
    arrival = Arrival(kept, Lane.LIVE, "t", AGENT, time.time_ns() // 1000, done.set_result, wire_bytes=wire_bytes)
    assert live.offer(arrival)
    return done


async def _follow(leader: CalculationLeader, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await leader.step()
        await asyncio.sleep(0.005)


@asynccontextmanager
async def leading(pool: Pool) -> AsyncGenerator[CalculationLeader]:
    """The leader, stepped by hand."""
    leader = CalculationLeader(pool, Telemetry())
    keeper = LeaseKeeper(pool, leader._mine, LEASES)
    await keeper.acquire()
    yield leader
    await keeper.release()


if __name__ == "__main__":
    run_children(lambda job: prepare(job["url"]) if job["prepare"] else work(job["url"], job["seed"]), TRACED)
