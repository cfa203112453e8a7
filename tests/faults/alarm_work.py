"""Ingest with alarms and the alarm leader, in children that kill themselves with SIGKILL at a line that a seed chooses.

A process of its own: it loads everything once, and every child is a fork of it. Reads one JSON line for each child:
{"url", "seed", "kill_after": lines or null, "prepare": bool}; answers with {"killed": bool, "failed": text or null}.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from cloud_api.alarms.definitions import service
from cloud_api.alarms.definitions.instances import Actor
from cloud_api.alarms.definitions.models import Definition
from cloud_api.alarms.evaluation.inline import InlineEvaluation
from cloud_api.alarms.leader import AlarmLeader
from cloud_api.ingest.book import LedgerBook
from cloud_api.ingest.incoming import Arrival, kept_part
from cloud_api.ingest.lane import LaneLimits, LaneWorker
from cloud_api.ingest.rejects import RejectStore
from cloud_api.ingest.series_map import SeriesMap
from cloud_api.ingest.writer import IngestState
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.storage.engine import Partitions, detect_engine
from cloud_api.storage.ledger import UntilRow, upsert_agent_until
from cloud_api.storage.pool import Pool, open_pool, transaction
from cloud_api.telemetry import Lane, Telemetry
from schemas.ack import Ack
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind
from tests.faults.children import run_children

S = 1_000_000
AGENT = "gw"
EPOCH = bytes(range(16))
T0 = 1_790_000_000 * S
BATCHES = 40
BAD = 0x80000000
INSERT_SERIES = b"insert into series (source_agent, source_path, path, kind, device) values (%s, %s, %s, 'f64', %s)"
TAGS = ("a/oil", "a/setpoint", "a/count", "b/running", "b/flow")
DEVICES = {"a": (0, 1, 2), "b": (3, 4)}
LEASES = LeaseTimes(ttl_s=60.0, renew_s=20.0, ask_s=0.02)
TRACED = ("/cloud_api/alarms/", "/cloud_api/ingest/writer.py", "/cloud_api/storage/", "/cloud_api/ingest/lane.py")

HOT = {"hihi": {"limit": 80, "on_delay_s": 0}, "hi": {"limit": 60}, "lo": {"limit": 20}, "deadband": 3}
DEFINITIONS: list[dict[str, Any]] = [
    {"name": "limit", "condition": {"kind": "limit"} | HOT, "on_delay_s": 3, "off_delay_s": 2},
    {"name": "bare", "condition": {"kind": "limit", "hi": {"limit": 50}}},
    {"name": "rate", "condition": {"kind": "rate", "per": "second", "hi": {"limit": 8}, "lo": {"limit": -8}}},
    {"name": "slow rate", "condition": {"kind": "rate", "per": "second", "over_s": 7, "hi": {"limit": 2}}},
    {"name": "bad", "condition": {"kind": "bad_quality"}, "on_delay_s": 1.5},
    {"name": "on", "condition": {"kind": "discrete", "states": [1]}, "target": {"path": "b/running"}, "on_delay_s": 1},
    {"name": "stale", "condition": {"kind": "stale", "after_s": 4}},
    {"name": "stopped", "condition": {"kind": "counter_stopped", "after_s": 6}, "target": {"path": "a/count"}},
    {
        "name": "deviation",
        "condition": {"kind": "deviation", "setpoint": "./setpoint", "hi": {"limit": 15}, "lo": {"limit": -15}},
        "on_delay_s": 1,
    },
    {
        "name": "joint",
        "condition": {
            "kind": "expression",
            "expression": "oil > 45 and running or is_bad(flow)",
            "inputs": {"oil": "a/oil", "running": "b/running", "flow": "b/flow"},
        },
        "off_delay_s": 1,
    },
]


def payloads(seed: int) -> list[bytes]:
    """The batches of one agent, in order, as it sends them again after every loss."""
    dice = random.Random(f"alarms {seed}")
    time_us, values, count = T0, [50.0, 45.0, 0.0, 0.0, 3.0], 0
    found: list[bytes] = []
    for seq in range(1, BATCHES + 1):
        rows: list[tuple[int, int, float | None]] = []
        for _ in range(dice.randrange(0, 12)):
            time_us += dice.choice([1, 100_000, S // 2, S, 3 * S])
            tag = dice.randrange(len(TAGS))
            values[tag] = _next(tag, values[tag], dice)
            rows.append((tag, time_us, None if dice.random() < 0.08 else values[tag]))
            count += 1
        columns = tuple(
            Column(Kind.F64, [tag], [at], None, [value])
            if value is not None
            else Column(Kind.NONE, [tag], [at], [BAD], None)
            for tag, at, value in rows
        )
        # A device is measured up to the last sample at least; now and then only one of the two says so.
        marks = {name: time_us for name in DEVICES if dice.random() < 0.7 or seq == BATCHES}
        found.append(encode(Batch(AGENT, EPOCH, seq, T0, tags=TAGS, columns=columns, until=marks)))
        time_us += dice.choice([0, S, 4 * S])
    return found


def _next(tag: int, value: float, dice: random.Random) -> float:
    match tag:
        case 2:
            return value + dice.choice([0, 0, 1])
        case 3:
            return float(dice.random() < 0.5)
        case _:
            return round(min(110.0, max(0.0, value + dice.gauss(0, 15))), 1)


async def prepare(url: str) -> None:
    """Series, definitions and a cursor at T0: from there on the outcome is the samples' alone."""
    pool = await open_pool(url, 3)
    async with pool, transaction(pool) as connection:
        for name, numbers in DEVICES.items():
            for number in numbers:
                await connection.execute(INSERT_SERIES, (AGENT, TAGS[number], TAGS[number], name))
        await upsert_agent_until(connection, [UntilRow(AGENT, name, T0) for name in DEVICES])
        wanted = [Definition.model_validate({"target": {"path": "a/oil"}} | each) for each in DEFINITIONS]
        await service.apply(connection, wanted, Actor("test", T0), is_pruning=True)
    pool = await open_pool(url, 3)
    async with pool, leading(pool) as leader:
        await leader.step()


async def work(url: str, seed: int) -> None:
    """Take every batch, evaluate everything."""
    pool = await open_pool(url, 6)
    async with pool, leading(pool) as leader, ingesting(pool) as live:
        stop = asyncio.Event()
        following = asyncio.create_task(_follow(leader, stop))
        waiting: list[asyncio.Future[Any]] = []
        for payload in payloads(seed):
            done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            kept, wire_bytes = kept_part(payload)
            arrival = Arrival(
                kept, Lane.LIVE, "t", AGENT, time.time_ns() // 1000, done.set_result, wire_bytes=wire_bytes
            )
            assert live.offer(arrival)
            waiting.append(done)
            if len(waiting) % 3 == 0:
                await done
        for each in waiting:
            assert (await each) is not None
        stop.set()
        await following
        while await leader.step():
            pass


async def _follow(leader: AlarmLeader, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await leader.step()
        await asyncio.sleep(0.005)


@asynccontextmanager
async def leading(pool: Pool) -> AsyncGenerator[AlarmLeader]:
    """The leader, stepped by hand."""
    leader = AlarmLeader(pool)
    keeper = LeaseKeeper(pool, leader._mine, LEASES)
    await keeper.acquire()
    yield leader
    await keeper.release()


@asynccontextmanager
async def ingesting(pool: Pool) -> AsyncGenerator[LaneWorker]:
    """The live lane of an owner of ingest."""
    ownership = Ownership("ingest", new_owner())
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
    state = IngestState(
        pool, engine, ownership, LedgerBook(), SeriesMap(), RejectStore(10**9), Partitions(), Telemetry(),
        InlineEvaluation(),
    )  # fmt: skip
    live = LaneWorker(state, Lane.LIVE, _Deaf(), LaneLimits(rows=12))
    keeper = LeaseKeeper(pool, ownership, LEASES)
    await keeper.acquire()
    task = asyncio.create_task(live.run())
    yield live
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await keeper.release()


class _Deaf:
    """An agent that hears no acknowledgement: it sends everything again."""

    def send_ack(self, agent: str, ack: Ack) -> None:
        """Nothing is heard."""


if __name__ == "__main__":
    run_children(lambda job: prepare(job["url"]) if job["prepare"] else work(job["url"], job["seed"]), TRACED)
