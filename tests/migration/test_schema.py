"""schema.sql says what the migrations make, on both engines; migrating is safe to repeat, to race and to kill."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud_api.storage import migrate as migration
from cloud_api.storage.migrate import SchemaOutdated, check_schema, migrate, newest_version
from cloud_api.storage.pool import open_pool
from tests.fixtures.database import PostgresServer, Timescale
from tests.fixtures.processes import wait_until

SCHEMA = Path(migration.__file__).with_name("schema.sql").read_text(encoding="utf-8")

CATALOG = {
    "columns": """
        select c.relname, c.relkind, c.reloptions::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
        order by c.relname, a.attnum""",
    "constraints": """
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace order by 1, 2""",
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1",
    "functions": "select proname from pg_proc where pronamespace = 'public'::regnamespace order by 1",
    "triggers": "select tgname, tgrelid::regclass::text from pg_trigger where not tgisinternal order by 1, 2",
    "partitioning": "select partrelid::regclass::text, partstrat, partnatts from pg_partitioned_table order by 1",
    "row policies": """
        select tablename, policyname, permissive, roles::text, cmd, qual, with_check from pg_policies order by 1, 2""",
    "row security": "select relname from pg_class where relrowsecurity order by 1",
    "grants": """
        select table_name, privilege_type from information_schema.role_table_grants
        where grantee = 'millstream_reach' order by 1, 2""",
    "shared views": "select viewname, definition from pg_views where schemaname = 'shared' order by 1",
    "shared grants": """
        select table_schema, table_name, privilege_type from information_schema.role_table_grants
        where grantee = 'millstream_share' order by 1, 2, 3""",
    "first rows": "select name, owner, token, series_generation from lease order by 1",
}
TIMESCALE_CATALOG = {
    "hypertables": """
        select hypertable_name, num_dimensions, compression_enabled
        from timescaledb_information.hypertables order by 1""",
    "dimensions": """
        select hypertable_name, column_name, time_interval from timescaledb_information.dimensions order by 1, 2""",
    "compression": """
        select attname, segmentby_column_index, orderby_column_index, orderby_asc
        from timescaledb_information.compression_settings order by 1""",
    "policies": """
        select proc_name, hypertable_name, config - 'hypertable_id' as config
        from timescaledb_information.jobs where hypertable_name is not null order by 1, 2""",
}
OWN_TABLES = ("schema_version",)


def described(url: str, *, is_timescale: bool) -> dict[str, list[Any]]:
    """What the catalogs say of a database, without the migrations' own table."""
    queries = CATALOG | (TIMESCALE_CATALOG if is_timescale else {})
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        found = {what: connection.execute(query.encode()).fetchall() for what, query in queries.items()}
    return {what: [row for row in rows if not str(row[0]).startswith(OWN_TABLES)] for what, rows in found.items()}


def apply_schema(url: str) -> None:
    """Run schema.sql as it stands."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(SCHEMA.encode())


def test_schema_equals_migrations_on_postgres(postgres_server: PostgresServer) -> None:
    names = [postgres_server.create_database() for _ in range(2)]
    migrate(postgres_server.url(names[0]))
    apply_schema(postgres_server.url(names[1]))
    migrated, written = (described(postgres_server.url(name), is_timescale=False) for name in names)
    assert migrated == written
    assert ("sample", "r", 1) in migrated["partitioning"]
    for name in names:
        postgres_server.drop_database(name)


def test_schema_equals_migrations_on_timescale(timescale: Timescale) -> None:
    results: list[dict[str, list[Any]]] = []
    for make in (migrate, apply_schema):
        url = timescale.create()
        make(url)
        results.append(described(url, is_timescale=True))
        timescale.drop(url)
    assert results[0] == results[1]
    assert [row[0] for row in results[0]["hypertables"]] == ["rollup_15m", "rollup_1m", "sample"]
    assert [row[0] for row in results[0]["policies"]] == ["policy_compression"] * 3


def test_migrating_again_changes_nothing(empty_engine_url: str) -> None:
    assert migrate(empty_engine_url) == newest_version()
    assert migrate(empty_engine_url) == newest_version()
    with psycopg.connect(empty_engine_url, autocommit=True, prepare_threshold=None) as connection:
        assert connection.execute(b"select version_num from schema_version").fetchall() == [(newest_version(),)]


def test_several_processes_may_migrate_at_once(empty_postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(migrate, [empty_postgres_url] * 4)) == {newest_version()}


def test_a_migration_that_is_killed_leaves_nothing_to_repair(empty_postgres_url: str) -> None:
    command = [sys.executable, "-c", "import sys; from cloud_api.storage.migrate import migrate; migrate(sys.argv[1])"]
    with psycopg.connect(empty_postgres_url) as rival:
        # The migration must wait for this name, so it is killed in the middle.
        rival.execute(b"create table lease (name text)")
        with subprocess.Popen([*command, empty_postgres_url]) as process:
            with psycopg.connect(empty_postgres_url, autocommit=True) as watcher:
                query = (
                    b"select 1 from pg_stat_activity"
                    b" where wait_event_type = 'Lock' and query like '%create table series%'"
                )
                wait_until(lambda: watcher.execute(query).fetchone(), "the migration waits for the rival")
            process.kill()
            process.wait()
        rival.rollback()
    assert migrate(empty_postgres_url) == newest_version()


async def test_a_process_refuses_an_older_schema(empty_engine_url: str) -> None:
    pool = await open_pool(empty_engine_url, 1)
    async with pool.connection() as connection:
        with pytest.raises(SchemaOutdated, match="cloud migrate"):
            await check_schema(connection)
    await pool.close()
    migrate(empty_engine_url)
    pool = await open_pool(empty_engine_url, 1)
    async with pool.connection() as connection:
        await check_schema(connection)
        await connection.execute(b"update schema_version set version_num = '9999'")
        await check_schema(connection)
        await connection.execute(b"update schema_version set version_num = '0000'")
        with pytest.raises(SchemaOutdated):
            await check_schema(connection)
    await pool.close()
