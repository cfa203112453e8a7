"""Delivers a read in parts: before each the share must still be open, and what is not delivered is given back."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from cloud_api.formats.table import Table
from cloud_api.problems import Kinds, Problem
from cloud_api.shares.guests.guest import DONE, Visit
from cloud_api.storage.pool import Connection, Pool, transaction
from cloud_api.storage.share_reads import (
    refund_share_rows,
    shared_transaction,
    spend_share_rows,
    update_share_read,
)

CUT = "cut"


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a read, made in a transaction in which nothing is but what the share holds."""

    rows: int
    read: Callable[[Connection], Awaitable[Table]]


async def deliver(pool: Pool, visit: Visit, parts: Sequence[Part]) -> AsyncGenerator[Table]:
    """Make one table for each part, in order; a Problem when the share is closed or changed meanwhile."""
    delivered = 0
    outcome = CUT
    try:
        for part in parts:
            table = await _read(pool, visit, part)
            await _pass(pool, visit, part.rows)
            delivered += part.rows
            yield table
        outcome = DONE
    except Problem as problem:
        outcome = problem.kind.name
        raise
    finally:
        await _end(pool, visit, visit.rows - delivered, outcome)


async def _read(pool: Pool, visit: Visit, part: Part) -> Table:
    try:
        async with shared_transaction(pool, visit.guest.share.id) as connection:
            return await part.read(connection)
    except Problem as problem:
        if problem.kind is Kinds.QUERY_TOO_LARGE.value:
            # Its words say how many samples there are.
            raise Problem(Kinds.QUERY_TOO_LARGE, "ask for a shorter window, or for fewer series") from None
        if problem.kind is Kinds.NOT_FOUND.value:
            raise _closed() from None
        raise


async def _pass(pool: Pool, visit: Visit, rows: int) -> None:
    """Let rows out: the last look at whether the share is still open, as it was when they were asked for."""
    guest = visit.guest
    async with transaction(pool) as connection:
        if not await spend_share_rows(connection, guest.share.id, guest.key_id, guest.share.version, 0):
            raise _closed()
        await update_share_read(connection, visit.read_id, rows, None)


async def _end(pool: Pool, visit: Visit, unread: int, outcome: str) -> None:
    async with transaction(pool) as connection:
        if unread:
            await refund_share_rows(connection, visit.guest.share.id, visit.day.date(), unread)
        await update_share_read(connection, visit.read_id, 0, outcome)


def _closed() -> Problem:
    return Problem(Kinds.SHARE_ENDED, "it was closed or changed while it was read")
