"""The ledger's rows, and how far each device was measured."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.rows import TupleRow

from cloud_api.storage.instants import at_us
from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement

_RECENT = struct.Struct(">qI")


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One epoch's row; ranges in the text form of int8multirange, recent as (number, CRC-32)."""

    agent: str
    epoch: bytes
    stored: str
    rejected: str
    lost: str
    recent: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class UntilRow:
    """Everything that a device measured up to here has been received."""

    agent: str
    device: str
    until_us: int


async def select_ledger(connection: Connection, keys: Sequence[tuple[str, bytes]]) -> list[LedgerRow]:
    """The rows of these (agent, epoch); what is missing was never written."""
    parameters = {"agents": [agent for agent, _ in keys], "epochs": [UUID(bytes=epoch) for _, epoch in keys]}
    cursor = await connection.execute(statement("select_ledger"), parameters)
    return [_ledger_row(row) for row in await cursor.fetchall()]


async def upsert_ledger(connection: Connection, rows: Sequence[LedgerRow], keep: int) -> None:
    """Add ranges to the rows; each row keeps its `keep` newest CRCs."""
    parameters = {
        "agents": [row.agent for row in rows],
        "epochs": [UUID(bytes=row.epoch) for row in rows],
        "stored": [row.stored for row in rows],
        "rejected": [row.rejected for row in rows],
        "lost": [row.lost for row in rows],
        "recent": [b"".join(_RECENT.pack(seq, crc) for seq, crc in row.recent) for row in rows],
        "keep": keep * _RECENT.size,
    }
    await connection.execute(statement("upsert_ledger"), parameters)


async def insert_ledger_marks(connection: Connection, keys: Sequence[tuple[str, bytes]]) -> None:
    """Note the highest number that is settled now; the first note of a quarter of an hour stays."""
    parameters = {"agents": [agent for agent, _ in keys], "epochs": [UUID(bytes=epoch) for _, epoch in keys]}
    await connection.execute(statement("insert_ledger_marks"), parameters)


async def delete_ledger_marks_old(connection: Connection) -> None:
    """Forget marks that are older than anybody asks for."""
    await connection.execute(statement("delete_ledger_marks_old"))


async def select_newest_epochs(connection: Connection, age: timedelta) -> list[LedgerRow]:
    """The newest epoch of each agent heard within `age`."""
    cursor = await connection.execute(statement("select_newest_epochs"), {"age": age})
    return [_ledger_row(row) for row in await cursor.fetchall()]


async def upsert_agent_until(connection: Connection, rows: Sequence[UntilRow]) -> None:
    """Advance, never turn back; one row a device."""
    parameters = {
        "agents": [row.agent for row in rows],
        "devices": [row.device for row in rows],
        "untils": [at_us(row.until_us) for row in rows],
    }
    await connection.execute(statement("upsert_agent_until"), parameters)


def ranges_of(literal: str) -> list[tuple[int, int]]:
    """Read the canonical text of an int8multirange, {[1,4),[7,9)}, as inclusive pairs."""
    inner = literal.strip("{}")
    if not inner:
        return []
    bounds = [part.strip("[)").split(",") for part in inner.replace("),[", ")|[").split("|")]
    return [(int(low), int(high) - 1) for low, high in bounds]


def _ledger_row(row: TupleRow) -> LedgerRow:
    recent = [_RECENT.unpack_from(row[5], offset) for offset in range(0, len(row[5]), _RECENT.size)]
    return LedgerRow(row[0], row[1].bytes, row[2], row[3], row[4], recent)
