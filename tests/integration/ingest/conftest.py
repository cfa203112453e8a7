"""A running pair of lanes on a fresh database, fed by hand; acknowledgements are collected."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cloud_api.ingest.book import LedgerBook
from cloud_api.ingest.hand_over import HandOver
from cloud_api.ingest.incoming import Arrival, kept_part
from cloud_api.ingest.lane import LaneLimits, LaneWorker
from cloud_api.ingest.rejects import RejectStore
from cloud_api.ingest.results import BatchResult
from cloud_api.ingest.series_map import SeriesMap
from cloud_api.ingest.writer import Evaluate, IngestState
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.storage.engine import Partitions, detect_engine
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool
from cloud_api.telemetry import Lane, Telemetry
from schemas.ack import Ack
from schemas.batch import Batch, Column, encode
from schemas.sample import Kind, Value

EPOCH = bytes(range(16))
NOW_US = time.time_ns() // 1000
PATIENCE_S = 60.0
RIG_LEASE = LeaseTimes(ttl_s=30.0, renew_s=10.0, ask_s=0.05)


@dataclass
class Rig:
    """Two lanes as one process runs them, without a broker."""

    pool: Pool
    state: IngestState
    live: LaneWorker
    backlog: LaneWorker
    acks: list[tuple[str, Ack]] = field(default_factory=list[tuple[str, Ack]])
    settled: list[BatchResult | None] = field(default_factory=list[BatchResult | None])

    def offer(
        self, payload: bytes, agent: str | None = "gw-1", lane: Lane = Lane.LIVE, **more: Any
    ) -> "asyncio.Future[BatchResult | None]":
        """Hand a payload in, as the subscriber does, and return what it is settled with."""
        done: asyncio.Future[BatchResult | None] = asyncio.get_running_loop().create_future()

        def settle(result: BatchResult | None) -> None:
            assert not done.done(), "settled twice"
            self.settled.append(result)
            done.set_result(result)

        kept, wire_bytes = kept_part(payload)
        topic = f"millstream/v1/{agent}/batch"
        arrival = Arrival(kept, lane, topic, agent, time.time_ns() // 1000, settle, wire_bytes=wire_bytes)
        worker = self.backlog if lane is Lane.BACKLOG else self.live
        assert worker.offer(replace(arrival, **more))
        return done

    async def take(
        self, payload: bytes, agent: str | None = "gw-1", lane: Lane = Lane.LIVE, **more: Any
    ) -> BatchResult:
        """Hand a payload in and wait until it is committed."""
        result = await asyncio.wait_for(self.offer(payload, agent, lane, **more), PATIENCE_S)
        assert result is not None
        return result

    async def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters or None)
            return await cursor.fetchall()

    async def samples(self, path: str) -> list[tuple[Any, ...]]:
        """Time in µs, value, text and status of one series, ascending."""
        return await self.rows(
            "select (extract(epoch from s.time) * 1000000)::bigint, s.value, s.text, s.status"
            " from sample s join series on series.id = s.series_id where series.path = %s order by s.time",
            path,
        )

    def last_ack(self, agent: str = "gw-1") -> Ack:
        """The last acknowledgement that this agent got."""
        return [ack for to, ack in self.acks if to == agent][-1]

    def send_ack(self, agent: str, ack: Ack) -> None:
        """What lanes call."""
        self.acks.append((agent, ack))


@asynccontextmanager
async def running_rig(
    url: str,
    *,
    evaluate: Evaluate | None = None,
    reject_max_bytes: int = 10**9,
    limits: LaneLimits | None = None,
    pool_size: int = 4,
    hand_over: HandOver | None = None,
) -> AsyncIterator[Rig]:
    """Lanes that own ingest on this database."""
    migrate(url)
    pool = await open_pool(url, pool_size)
    ownership = Ownership("ingest", new_owner())
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
    state = IngestState(
        pool,
        engine,
        ownership,
        LedgerBook(),
        SeriesMap(),
        RejectStore(reject_max_bytes),
        Partitions(),
        Telemetry(),
        evaluate,
        hand_over=hand_over,
    )
    rig = Rig(pool, state, None, None)  # type: ignore[arg-type]
    rig.backlog = LaneWorker(state, Lane.BACKLOG, rig, limits or LaneLimits())
    rig.live = LaneWorker(state, Lane.LIVE, rig, limits or LaneLimits(), slow_lane=rig.backlog)
    keeper = LeaseKeeper(pool, ownership, RIG_LEASE)
    await keeper.acquire()
    tasks = [asyncio.create_task(rig.live.run()), asyncio.create_task(rig.backlog.run())]
    try:
        yield rig
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await keeper.release()
        await pool.close()


@pytest.fixture
async def rig(engine_url: str) -> AsyncIterator[Rig]:
    """Lanes on a fresh database, once on each engine."""
    async with running_rig(engine_url) as running:
        yield running


def column(
    kind: Kind,
    tags: Sequence[int],
    times_us: Sequence[int],
    values: Sequence[Value] | None,
    statuses: Sequence[int] | None = None,
) -> Column:
    """A column, written short."""
    return Column(kind, tags, times_us, statuses, values)


def floats(
    seq: int, values: Sequence[float], *, path: str = "hall/press-1/temperature", start_us: int = NOW_US, **more: Any
) -> bytes:
    """A batch of one float tag, a sample a second."""
    times = [start_us + 1_000_000 * (seq * 100 + index) - 100_000_000_000 for index in range(len(values))]
    return batch(seq, [column(Kind.F64, [0] * len(values), times, values)], tags=(path,), **more)


def batch(
    seq: int,
    columns: Sequence[Column] = (),
    *,
    agent: str = "gw-1",
    epoch: bytes = EPOCH,
    tags: tuple[str, ...] | None = ("hall/press-1/temperature",),
    **more: Any,
) -> bytes:
    """An encoded batch."""
    return encode(Batch(agent, epoch, seq, NOW_US, tags=tags, columns=tuple(columns), **more))


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition inside the loop; fail by name."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.01)
