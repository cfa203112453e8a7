"""Day partitions on demand: creators race, readers and writers never wait."""

import asyncio

import psycopg
import pytest

from cloud_api.storage.engine import DurabilityInvalid, Partitions, check_durability, detect_engine, partition_name
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import DatabaseUnreachable, open_pool
from tests.fixtures.database import PostgresServer

DAYS = range(20_000, 20_012)


def test_a_partition_is_named_by_its_day() -> None:
    assert partition_name(0) == "sample_19700101"
    assert partition_name(20_000) == "sample_20241004"


async def test_several_creators_make_each_partition_once(postgres_url: str) -> None:
    migrate(postgres_url)
    pool = await open_pool(postgres_url, 4)

    async def create() -> None:
        async with pool.connection() as connection:
            await Partitions().ensure(connection, DAYS)

    await asyncio.gather(*(create() for _ in range(8)))
    async with pool.connection() as connection:
        query = b"select count(*) from pg_inherits where inhparent = 'sample'::regclass"
        assert await (await connection.execute(query)).fetchone() == (len(DAYS),)
        await connection.execute(b"insert into sample values (1, 0, '2024-10-04 23:59:59.999999+00', 1, null)")
        await connection.execute(b"insert into sample values (1, 0, '2024-10-05 00:00:00+00', 1, null)")
        row = await (await connection.execute(b"select count(distinct tableoid) from sample")).fetchone()
        assert row == (2,)
    await pool.close()


async def test_a_new_partition_waits_for_no_open_transaction(postgres_url: str) -> None:
    migrate(postgres_url)
    pool = await open_pool(postgres_url, 2)
    async with pool.connection() as writer:
        await Partitions().ensure(writer, [20_000])
        async with writer.transaction():
            await writer.execute(b"insert into sample values (1, 0, '2024-10-04', 1, null)")
            async with pool.connection() as creator:
                await creator.execute(b"set lock_timeout = '20s'")
                await Partitions().ensure(creator, [20_001])
    await pool.close()


async def test_timescale_makes_its_own_chunks(timescale_url: str) -> None:
    migrate(timescale_url)
    pool = await open_pool(timescale_url, 4)
    async with pool.connection() as connection:
        engine = await detect_engine(connection)
        assert engine.kind == "timescale"
        assert pool.max_size == (1 if engine.is_single_session else 4)
        await connection.execute(
            b"insert into sample select 1, 0, t, 1, null from generate_series('2024-10-04'::timestamptz,"
            b" '2024-10-06', '12h') t"
        )
        row = await (await connection.execute(b"select count(*) from timescaledb_information.chunks")).fetchone()
        assert row == (3,)
    await pool.close()


async def test_commits_are_durable_whatever_the_server_says(postgres_url: str) -> None:
    pool = await open_pool(postgres_url, 1)
    async with pool.connection() as connection:
        await check_durability(connection)
        row = await (await connection.execute(b"show synchronous_commit")).fetchone()
        assert row == ("on",)
    await pool.close()


async def test_settings_that_lose_data_are_named(killable_postgres: PostgresServer) -> None:
    server = killable_postgres
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(b"alter system set fsync = off")
        connection.execute(b"alter system set full_page_writes = off")
        connection.execute(b"alter system set synchronous_commit = off")
        connection.execute(b"select pg_reload_conf()")
        while connection.execute(b"show fsync").fetchone() != ("off",):
            await asyncio.sleep(0.02)
    pool = await open_pool(server.url(), 1)
    async with pool.connection() as connection:
        with pytest.raises(DurabilityInvalid, match=r"fsync is off.*full_page_writes is off"):
            await check_durability(connection)
        assert await (await connection.execute(b"show synchronous_commit")).fetchone() == ("on",)
    await pool.close()


async def test_a_database_that_is_not_there_is_named_so() -> None:
    with pytest.raises(DatabaseUnreachable):
        await open_pool("postgresql://postgres@127.0.0.1:1/none?connect_timeout=2", 1)


async def test_timescale_compresses_in_batches_that_fill_pages(timescale_url: str) -> None:
    migrate(timescale_url)
    pool = await open_pool(timescale_url, 1)
    async with pool.connection() as connection:
        await connection.execute(
            b"insert into sample select 1, 0, '2024-10-04'::timestamptz + n * interval '1 second', sqrt(n), null"
            b" from generate_series(0, 4999) n"
        )
        query = b"select job_id from timescaledb_information.jobs where proc_name = %s and hypertable_name = %s"
        ((job,),) = await (await connection.execute(query, ("policy_compression", "sample"))).fetchall()
        await connection.execute(b"call run_job(%s)", (job,))
        query = b"select max_val::integer from pg_settings where name = 'timescaledb.compression_batch_size_limit'"
        ((largest,),) = await (await connection.execute(query)).fetchall()
        query = (
            b"select numrows_pre_compression, numrows_post_compression from _timescaledb_catalog.compression_chunk_size"
        )
        rows = await (await connection.execute(query)).fetchall()
        assert rows == [(5_000, 2 if largest >= 4_000 else 5)]
    await pool.close()
