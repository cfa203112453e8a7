"""Walking along the whole chain of a table and saying what is wrong with it."""

from dataclasses import dataclass, field
from datetime import datetime

from cloud_api.sealing.chain import End, Finding, Inspection, Row
from cloud_api.sealing.table import SealedTable
from cloud_api.storage.journal import set_repeatable_read
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
    start: End = field(default_factory=End)


async def verify_database(url: str, table: SealedTable[Row], anchor: End | None) -> Verification:
    """Verify a table of a database; SchemaOutdated or an error of the database when it cannot be read."""
    pool = await open_pool(url, 1)
    async with pool:
        async with pool.connection() as connection:
            await check_schema(connection)
        async with transaction(pool) as connection:
            await set_repeatable_read(connection)
            return await verify(connection, table, anchor)


async def verify(
    connection: Connection, table: SealedTable[Row], anchor: End | None, start: End | None = None
) -> Verification:
    """Verify a table as this transaction sees it, after `start` where rows before it were let go."""
    start = start or End()
    inspection = Inspection(table.form, anchor, start)
    while rows := await table.select_after(connection, inspection.end.number, PAGE_ROWS):
        inspection.inspect(rows)
    inspection.finish(End(*await table.select_head(connection)))
    unsealed, since = await table.select_unsealed_count(connection)
    return Verification(inspection.end, tuple(inspection.findings), unsealed, since, start)
