"""Walking along the whole chain of a database and saying what is wrong with it."""

from dataclasses import dataclass
from datetime import datetime

from cloud_api.alarms.journal.chain import End, Finding, Inspection
from cloud_api.storage.journal import (
    select_journal_after,
    select_journal_head,
    select_journal_unsealed_count,
    set_repeatable_read,
)
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import Connection, open_pool, transaction

PAGE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Verification:
    """The end of the chain (worth noting down elsewhere), what is wrong with it, and what waits to be sealed."""

    end: End
    findings: tuple[Finding, ...]
    unsealed: int
    unsealed_since: datetime | None


async def verify_database(url: str, anchor: End | None) -> Verification:
    """Verify the journal of a database; SchemaOutdated or an error of the database when it cannot be read."""
    pool = await open_pool(url, 1)
    async with pool:
        async with pool.connection() as connection:
            await check_schema(connection)
        async with transaction(pool) as connection:
            await set_repeatable_read(connection)
            return await verify(connection, anchor)


async def verify(connection: Connection, anchor: End | None) -> Verification:
    """Verify the journal as this transaction sees it."""
    inspection = Inspection(anchor)
    while rows := await select_journal_after(connection, inspection.end.number, PAGE_ROWS):
        inspection.inspect(rows)
    inspection.finish(End(*await select_journal_head(connection)))
    unsealed, since = await select_journal_unsealed_count(connection)
    return Verification(inspection.end, tuple(inspection.findings), unsealed, since)
