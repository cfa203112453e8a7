"""Which of the two engines the database is, and what differs: chunks come by themselves, day partitions are made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from psycopg import AsyncConnection, sql

from cloud_api.storage.statements import statement

DAY_US = 86_400_000_000


class EngineKind(StrEnum):
    """The two engines that the one schema runs on."""

    TIMESCALE = "timescale"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Engine:
    """What this database can do, found out once at start."""

    kind: EngineKind
    # A database compiled to WebAssembly: one session behind every connection, so no statement may be kept prepared.
    is_single_session: bool


class DurabilityInvalid(Exception):
    """The database would acknowledge what a power cut takes back."""


async def detect_engine(connection: AsyncConnection[Any]) -> Engine:
    """Ask the database what it is."""
    version = await _value(connection, "select_version_text")
    has_timescale = await _value(connection, "select_has_timescale")
    kind = EngineKind.TIMESCALE if has_timescale else EngineKind.POSTGRES
    return Engine(kind, is_single_session="emscripten" in str(version).lower())


async def check_durability(connection: AsyncConnection[Any]) -> None:
    """Refuse a database that loses committed samples with the power: a commit is what an agent deletes its copy on."""
    cursor = await connection.execute(statement("select_durability"))
    row = await cursor.fetchone()
    fsync, full_page_writes = (None, None) if row is None else (row[0], row[1])
    wrong = [
        f"{name} is {value}, it must be on"
        for name, value in (("fsync", fsync), ("full_page_writes", full_page_writes))
        if value != "on"
    ]
    if wrong:
        raise DurabilityInvalid("; ".join(wrong))


@dataclass(frozen=True, slots=True)
class PartitionedTable:
    """A table that PostgreSQL keeps in partitions of so many days, counted from 1970."""

    name: str
    days: int

    def first_day(self, day: int) -> int:
        """The first day of the partition that holds a day."""
        return day // self.days * self.days


SAMPLE = PartitionedTable("sample", 1)
ROLLUP_1M = PartitionedTable("rollup_1m", 7)
ROLLUP_15M = PartitionedTable("rollup_15m", 91)


class Partitions:
    """The partitions known to exist; made on demand where the engine has no chunks of its own."""

    def __init__(self, table: PartitionedTable = SAMPLE) -> None:
        self._table = table
        self._days: set[int] = set()

    def clear(self) -> None:
        """Forget what is known: somebody may have dropped partitions."""
        self._days.clear()

    async def ensure(self, connection: AsyncConnection[Any], days: Iterable[int]) -> None:
        """Make the partitions of these days (since 1970) that are missing, each in its own short transaction.

        CREATE and ATTACH take no lock that readers or writers wait for; an advisory lock makes creators queue.
        Must be called outside a transaction.
        """
        for day in sorted({self._table.first_day(day) for day in days} - self._days):
            await _create_partition(connection, self._table, day)
            self._days.add(day)


def partition_name(day: int, table: PartitionedTable = SAMPLE) -> str:
    """`sample_20260131` for that day since 1970, and the first day of a longer partition."""
    return f"{table.name}_{_midnight(table.first_day(day)):%Y%m%d}"


async def _create_partition(connection: AsyncConnection[Any], table: PartitionedTable, day: int) -> None:
    name, parent = sql.Identifier(partition_name(day, table)), sql.Identifier(table.name)
    lower, upper = sql.Literal(_midnight(day)), sql.Literal(_midnight(day + table.days))
    async with connection.transaction():
        await connection.execute(statement("lock_partition"))
        cursor = await connection.execute(statement("select_partition_exists"), {"name": partition_name(day, table)})
        row = await cursor.fetchone()
        if row is not None and row[0]:
            return
        # DDL takes no bound parameters; names and instants are composed by psycopg, from integers.
        await connection.execute(sql.SQL(statement("create_partition")).format(name=name, parent=parent))
        attach = sql.SQL(statement("attach_partition"))
        await connection.execute(attach.format(name=name, parent=parent, lower=lower, upper=upper))


def _midnight(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


async def _value(connection: AsyncConnection[Any], name: str) -> object:
    cursor = await connection.execute(statement(name))
    row = await cursor.fetchone()
    return None if row is None else row[0]
