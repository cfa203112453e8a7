"""What benches run on: an embedded PostgreSQL always, a native TimescaleDB too where the environment names one.

`MILLSTREAM_BENCH_DATABASE_URL` is of a role that may create databases, on this machine where CPU seconds are measured.
"""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import psutil
import psycopg

from tests.benchmarks.report import Row
from tests.fixtures.database import make_postgres, url_of

NATIVE = os.environ.get("MILLSTREAM_BENCH_DATABASE_URL")


class DatabaseServer(Protocol):
    """What a bench needs of a server."""

    @property
    def process(self) -> psutil.Process:
        """Its first process, whose children do the work."""
        ...

    def url(self, database: str) -> str:
        """How to reach one of its databases."""
        ...

    def create_database(self) -> str:
        """Make an empty database and return its name."""
        ...

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        ...


@dataclass(frozen=True, slots=True)
class NativeServer:
    """A server that runs already."""

    address: str

    @property
    def process(self) -> psutil.Process:
        """The parent of the process that serves a connection of ours."""
        with psycopg.connect(self.address) as connection:
            ((pid,),) = connection.execute("select pg_backend_pid()").fetchall()
            parent = psutil.Process(pid).parent()
        assert parent is not None
        return parent

    def url(self, database: str) -> str:
        """The same address with another database."""
        return url_of(self.address, database)

    def create_database(self) -> str:
        """Make a database; migrations add the extension."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        self._run(f"create database {name}")
        return name

    def drop_database(self, name: str) -> None:
        """Drop it with its background jobs."""
        self._run(f"drop database if exists {name} with (force)")

    def _run(self, query: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(query.encode())


def on_each_server(measure: Callable[[DatabaseServer], list[Row]]) -> list[Row]:
    """Measure on the embedded PostgreSQL, and then on the native TimescaleDB if there is one, which its rows say."""
    server, remove = make_postgres()
    try:
        rows = measure(server)
    finally:
        remove()
    if NATIVE:
        rows += [replace(row, name=f"TimescaleDB: {row.name}") for row in measure(NativeServer(NATIVE))]
    return rows


def compress_by_policy(connection: psycopg.Connection[Any], table: str) -> None:
    """Run the compression policy of a hypertable as its schedule would."""
    query = "select job_id from timescaledb_information.jobs where hypertable_name = %s and proc_name = %s"
    ((job,),) = connection.execute(query, (table, "policy_compression")).fetchall()
    connection.execute("call run_job(%s)", (job,))


def has_timescale(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database keeps its series in hypertables."""
    query = "select exists (select from pg_extension where extname = 'timescaledb')"
    ((found,),) = connection.execute(query).fetchall()
    return bool(found)
