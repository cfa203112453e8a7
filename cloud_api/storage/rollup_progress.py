"""How far rollups have got: the one row that ingest, the roller, retention and the planner look at."""

from dataclasses import dataclass
from datetime import datetime

from cloud_api.storage.pool import Connection
from cloud_api.storage.statements import statement


@dataclass(frozen=True, slots=True)
class RollupProgress:
    """Samples before `closed_at` are marked when they come; before `marked_at` all is rolled or has a mark.

    The others say from when on raw samples and rows of either resolution are kept (None: nothing was dropped yet).
    """

    closed_at: datetime | None
    marked_at: datetime | None
    raw_kept_at: datetime | None
    rollup_1m_kept_at: datetime | None
    rollup_15m_kept_at: datetime | None


async def select_rollup_progress(connection: Connection) -> RollupProgress:
    """Read the row; nothing is rolled before the role `rollups` has run."""
    cursor = await connection.execute(statement("select_rollup_progress"))
    row = await cursor.fetchone()
    return RollupProgress(*row) if row is not None else RollupProgress(None, None, None, None, None)
