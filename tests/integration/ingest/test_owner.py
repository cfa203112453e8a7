"""One owner an agent, lost connections, restarts: on PostgreSQL, which has more than one session and can be killed."""

import asyncio
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from cloud_api.ingest.lane import LaneLimits
from cloud_api.ingest.pipeline import Ingest, IngestOptions
from cloud_api.ingest.results import NotOwner, RejectMissing, RejectReplayed
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, is_dead, new_owner
from cloud_api.storage.agents import AgentUnknown, take_over
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import Pool, open_pool, transaction
from cloud_api.telemetry import BatchOutcome, Lane, Telemetry
from schemas.sample import Kind, Sample
from tests.fixtures.database import PostgresServer
from tests.integration.ingest.conftest import NOW_US, batch, column, floats, running_rig, until

PATH = "hall/press-1/temperature"
TIMES = LeaseTimes(ttl_s=2.0, renew_s=0.4, ask_s=0.05)


@asynccontextmanager
async def running_ingest(url: str, telemetry: Telemetry | None = None) -> AsyncIterator[tuple[Ingest, Pool]]:
    """A whole ingest without a broker."""
    pool = await open_pool(url, 4)
    ingest = Ingest(pool, IngestOptions(lease=TIMES), telemetry or Telemetry())
    task = asyncio.create_task(ingest.run())
    try:
        yield ingest, pool
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.close()


async def test_a_second_process_waits_and_takes_over_when_the_first_leaves(postgres_url: str) -> None:
    migrate(postgres_url)
    async with running_ingest(postgres_url) as (second, _):
        await until(lambda: second.is_owner, "the only one becomes the owner")
        async with running_ingest(postgres_url) as (third, _):
            await asyncio.sleep(5 * TIMES.ask_s)
            assert not third.is_owner
            with pytest.raises(NotOwner):
                await third.ingest_payloads([floats(1, [1.0])], None)
            (result,) = await second.ingest_payloads([floats(1, [1.0])], None)
            assert result.outcome is BatchOutcome.STORED
            async with running_ingest(postgres_url):
                pass
            assert second.is_owner, "one that only asked takes nothing away"
    async with running_ingest(postgres_url) as (fourth, _):
        await until(lambda: fourth.is_owner, "what was given back is free at once")


async def test_a_stale_owner_cannot_commit(postgres_url: str) -> None:
    async with running_rig(postgres_url) as rig:
        await rig.take(floats(1, [1.0]))
        async with rig.pool.connection() as connection:
            await connection.execute(b"update lease set owner = 'another', token = token + 1")
        waiting = rig.offer(floats(2, [2.0]))
        assert await asyncio.wait_for(waiting, 30) is None
        assert [row[1] for row in await rig.samples(PATH)] == [1.0]
        assert await rig.rows("select stored::text from ledger") == [("{[1,2)}",)]


async def test_a_takeover_waits_for_the_transaction_under_way(postgres_url: str) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def evaluate(*_: object) -> AsyncGenerator[None]:
        started.set()
        await may_end.wait()
        yield

    async with running_rig(postgres_url, evaluate=evaluate) as rig:
        waiting = rig.offer(floats(1, [1.0]))
        await started.wait()
        steal = asyncio.create_task(
            rig.rows("update lease set owner = 'x', token = token + 1 where name = 'ingest' returning 1")
        )
        renew = asyncio.create_task(
            rig.rows("update lease set expires_at = 'infinity' where name = 'ingest' returning 1")
        )
        assert await asyncio.wait_for(renew, 30), "the owner's own renewal does not wait"
        assert not steal.done()
        may_end.set()
        result = await waiting
        assert result is not None
        assert result.outcome is BatchOutcome.STORED
        assert await steal


def test_a_dead_process_on_this_machine_is_known_to_be_dead() -> None:
    code = "from cloud_api.leases import new_owner; print(new_owner())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert is_dead(ended)
    assert not is_dead(new_owner())
    assert is_dead(new_owner().replace(f"{os.getpid()}@", f"{os.getpid()}@1")), "the id is used again"
    assert not is_dead("elsewhere|another-boot/pid:[1]|1@1|" + "0" * 32)
    assert not is_dead("nonsense")


async def test_the_lease_of_a_killed_process_is_taken_at_once(postgres_url: str) -> None:
    migrate(postgres_url)
    code = (
        "import asyncio, sys\n"
        "from cloud_api.leases import *\n"
        "from cloud_api.storage.pool import open_pool\n"
        "async def main():\n"
        "    pool = await open_pool(sys.argv[1], 1)\n"
        "    await LeaseKeeper(pool, Ownership('ingest', new_owner()), LeaseTimes(ttl_s=3600)).acquire()\n"
        "    print('owner', flush=True)\n"
        "    await asyncio.sleep(3600)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, postgres_url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owner\n"
        pool = await open_pool(postgres_url, 1)
        mine = Ownership("ingest", new_owner())
        waiting = asyncio.create_task(LeaseKeeper(pool, mine, TIMES).acquire())
        await asyncio.sleep(5 * TIMES.ask_s)
        assert not waiting.done()
        process.kill()
        process.wait()
        await asyncio.wait_for(waiting, 30)
        assert mine.is_held
        await pool.close()


async def test_a_lost_answer_to_commit_stores_once(killable_postgres: PostgresServer) -> None:
    async with running_rig(killable_postgres.tcp_url()) as rig:
        await rig.take(floats(1, [1.0]))
        calls = 0

        @asynccontextmanager
        async def commit_then_cut(
            connection: psycopg.AsyncConnection[tuple[object, ...]], *_: object
        ) -> AsyncGenerator[None]:
            nonlocal calls
            calls += 1
            if calls == 1:
                # The server commits, the client never hears of it.
                await connection.execute(b"commit")
                await connection.close()
            yield

        rig.live._writer._state = dataclasses.replace(rig.state, evaluate=commit_then_cut)
        result = await rig.take(floats(2, [2.0, 3.0]))
        assert result.outcome is BatchOutcome.STORED
        assert [row[1] for row in await rig.samples(PATH)] == [1.0, 2.0, 3.0]
        assert rig.last_ack().through == 2


async def test_ingest_outlives_a_database_that_is_killed(killable_postgres: PostgresServer) -> None:
    telemetry = Telemetry()
    migrate(killable_postgres.url())
    async with running_ingest(killable_postgres.url(), telemetry) as (ingest, pool):
        await until(lambda: ingest.is_owner, "becomes the owner")
        await ingest.ingest_payloads([floats(1, [1.0])], None)
        killable_postgres.kill()
        waiting = [asyncio.create_task(ingest.ingest_payloads([floats(seq, [float(seq)])], None)) for seq in (2, 3, 4)]
        await asyncio.sleep(1.0)
        assert not any(task.done() for task in waiting)
        await asyncio.to_thread(killable_postgres.start)
        results = await asyncio.wait_for(asyncio.gather(*waiting), 60)
        assert [result.outcome for (result,) in results] == [BatchOutcome.STORED] * 3
        async with pool.connection() as connection:
            cursor = await connection.execute(b"select count(*), count(distinct value) from sample")
            assert await cursor.fetchone() == (4, 4)
            assert await (await connection.execute(b"select count(*) from reject")).fetchone() == (0,)


async def test_the_backlog_lane_does_not_hold_up_the_live_one(postgres_url: str) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def evaluate(_connection: object, _samples: object, _untils: object, lane: Lane) -> AsyncGenerator[None]:
        if lane is Lane.BACKLOG:
            started.set()
            await may_end.wait()
        yield

    async with running_rig(postgres_url, evaluate=evaluate) as rig:
        await rig.take(floats(1, [1.0]))
        slow = rig.offer(floats(2, [2.0]), lane=Lane.BACKLOG)
        await started.wait()
        assert (await rig.take(floats(3, [3.0]))).outcome is BatchOutcome.STORED
        assert await rig.offer(floats(2, [2.0])) is None, "the same batch on both lanes is written once"
        assert rig.last_ack().through == 1
        may_end.set()
        assert await slow is not None
        assert rig.last_ack().through == 3


async def test_concurrent_lanes_make_series_partitions_and_rows_once(postgres_url: str) -> None:
    async with running_rig(postgres_url, limits=LaneLimits(rows=50)) as rig:
        tags = tuple(f"hall/{n}" for n in range(200))
        times = [NOW_US - n % 5 * 86_400_000_000 for n in range(200)]
        payloads = [
            batch(seq, [column(Kind.F64, list(range(200)), [time + seq for time in times], [1.0] * 200)], tags=tags)
            for seq in range(1, 41)
        ]
        offers = [rig.offer(p, lane=Lane.BACKLOG if n % 2 else Lane.LIVE) for n, p in enumerate(payloads)]
        results = await asyncio.wait_for(asyncio.gather(*offers), 60)
        assert all(result is not None and result.outcome is BatchOutcome.STORED for result in results)
        assert await rig.rows("select count(*) from sample") == [(8000,)]
        assert await rig.rows("select count(*), count(distinct path) from series") == [(200, 200)]
        assert rig.last_ack().through == 40


async def test_a_dropped_partition_is_made_again(postgres_url: str) -> None:
    async with running_rig(postgres_url) as rig:
        await rig.take(floats(1, [1.0]))
        for (name,) in await rig.rows(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'sample'::regclass"
        ):
            async with rig.pool.connection() as connection:
                await connection.execute(f"drop table {name}".encode())
        assert (await rig.take(floats(2, [2.0]))).outcome is BatchOutcome.STORED
        assert [row[1] for row in await rig.samples(PATH)] == [2.0]


async def test_a_successor_continues_the_series(postgres_url: str) -> None:
    async with running_rig(postgres_url) as rig:
        await rig.take(floats(1, [1.0]))
        assert (await rig.take(floats(1, [2.0], agent="gw-2"), agent="gw-2")).rejected[0].reason == "foreign_series"
        async with transaction(rig.pool) as connection:
            outcome = await take_over(connection, "gw-2", "gw-1")
        assert (outcome.moved, outcome.left) == (1, ())
        assert (await rig.take(floats(2, [3.0], agent="gw-2"), agent="gw-2")).stored == 1
        assert (await rig.take(floats(2, [9.0]))).rejected[0].reason == "foreign_series"
        assert [row[1] for row in await rig.samples(PATH)] == [1.0, 3.0]
        assert await rig.rows("select count(*) from series") == [(1,)]
        with pytest.raises(AgentUnknown):
            async with transaction(rig.pool) as connection:
                await take_over(connection, "gw-3", "gw-1")


async def test_samples_by_http_and_replays(postgres_url: str) -> None:
    migrate(postgres_url)
    async with running_ingest(postgres_url) as (ingest, pool):
        await until(lambda: ingest.is_owner, "becomes the owner")
        soon_us = time.time_ns() // 1000 + 301_500_000
        samples = [
            Sample("lab/ph", Kind.F64, 7.5, 0, NOW_US),
            Sample("lab/ph", Kind.F64, 7.6, 0, soon_us),
            Sample("lab/note", Kind.STR, "ok", 0, NOW_US),
        ]
        result = await ingest.store_samples("@api", samples)
        assert (result.stored, result.epoch, [group.reason for group in result.rejected]) == (
            2,
            None,
            ["time_in_future"],
        )
        again = await ingest.store_samples("@api", samples[:1])
        assert (again.outcome, again.stored, again.unchanged) == (BatchOutcome.STORED, 0, 1)
        async with pool.connection() as connection:
            ((reject_id,),) = await (await connection.execute(b"select id from reject")).fetchall()
        while True:
            replayed = await ingest.replay_reject(reject_id, "engineer")
            if not replayed.rejected:
                break
            await asyncio.sleep(0.1)
        assert replayed.stored == 1
        with pytest.raises(RejectReplayed):
            await ingest.replay_reject(reject_id, "engineer")
        with pytest.raises(RejectMissing):
            await ingest.replay_reject(reject_id + 1, "engineer")
        async with pool.connection() as connection:
            rows = await (await connection.execute(b"select count(*) from sample")).fetchone()
            ledger = await (await connection.execute(b"select count(*) from ledger")).fetchone()
        assert (rows, ledger) == ((3,), (0,))
