"""Is the audit what was written? Its chain, from where old rows were let go, and whether the chain says by whom."""

from dataclasses import replace

from cloud_api.audit.sealing import AUDIT_TABLE
from cloud_api.sealing.chain import End, Finding, FindingKind
from cloud_api.sealing.verification import Verification, verify
from cloud_api.storage.audit import select_audit_is_pruned_by, select_audit_start
from cloud_api.storage.journal import set_repeatable_read
from cloud_api.storage.migrate import check_schema
from cloud_api.storage.pool import Connection, open_pool, transaction


async def verify_audit_of_database(url: str, anchor: End | None) -> Verification:
    """Verify the audit of a database; SchemaOutdated or an error of the database when it cannot be read."""
    pool = await open_pool(url, 1)
    async with pool:
        async with pool.connection() as connection:
            await check_schema(connection)
        async with transaction(pool) as connection:
            await set_repeatable_read(connection)
            return await verify_audit(connection, anchor)


async def verify_audit(connection: Connection, anchor: End | None) -> Verification:
    """Verify the audit as this transaction sees it."""
    start = End(*await select_audit_start(connection))
    found = await verify(connection, AUDIT_TABLE, anchor, start)
    if start.number == 0 or await select_audit_is_pruned_by(connection, start.number, start.hash):
        return found
    unproved = Finding(FindingKind.START_UNPROVED, start.number + 1)
    return replace(found, findings=(unproved, *found.findings))
