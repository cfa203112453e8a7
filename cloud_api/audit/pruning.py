"""Letting old rows of the audit go, so that the chain can still be verified and says itself what is gone."""

from datetime import timedelta

from cloud_api.leases import Ownership, check_lease
from cloud_api.storage.audit import delete_audit_pruned, insert_audit, lock_audit_head, select_audit_prunable
from cloud_api.storage.pool import Pool, transaction

PRINCIPAL = "retention"
ACTION = "audit.prune"


async def prune(pool: Pool, mine: Ownership, keep: timedelta) -> int:
    """Let go what is older than `keep`, from the beginning of the chain on; how many rows.

    The row that says so names the last row's number and hash: with them the chain goes on, and without that row nobody
    could move the beginning unseen.
    """
    async with transaction(pool) as connection:
        await check_lease(connection, mine)
        await lock_audit_head(connection)
        last = await select_audit_prunable(connection, keep)
        if last is None:
            return 0
        number, hashed, at = last
        count = await delete_audit_pruned(connection, number, hashed, at)
        detail = {"through": str(number), "hash": hashed.hex(), "at": at.isoformat(), "rows": count}
        await insert_audit(connection, PRINCIPAL, ACTION, None, detail)
        return count
