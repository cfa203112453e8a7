"""Seals a table: gives committed rows their numbers and hashes, in transactions that one process makes."""

from cloud_api.leases import Ownership, check_lease
from cloud_api.sealing.chain import Row
from cloud_api.sealing.table import SealedTable
from cloud_api.storage.pool import Pool, transaction

BATCH_ROWS = 1_000


async def seal(pool: Pool, mine: Ownership, table: SealedTable[Row]) -> int:
    """Seal what is committed, at most BATCH_ROWS rows; how many. LeaseLost when another process seals now.

    A number is given only to what can be seen, and only here. So whoever has read up to a number has read everything
    before it, whatever order the rows were written or committed in; and a death in the middle leaves nothing behind.
    """
    async with transaction(pool) as connection:
        await check_lease(connection, mine)
        number, last = await table.lock_head(connection)
        found = await table.select_unsealed(connection, BATCH_ROWS)
        if not found:
            return 0
        numbers: list[int] = []
        hashes: list[bytes] = []
        for _, row in found:
            number += 1
            last = table.form.chained(last, table.form.numbered(row, number))
            numbers.append(number)
            hashes.append(last)
        await table.update_sealed(connection, [row_id for row_id, _ in found], numbers, hashes)
        return len(found)
