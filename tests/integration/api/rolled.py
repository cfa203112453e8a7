"""Rolls the whole sample table as the roller would, and says so in its one row."""

import numpy as np

from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import DAY_US, ROLLUP_1M, ROLLUP_15M, EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import open_pool, transaction
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollups import insert_rollups
from tests.integration.api.service import Fill


async def roll_everything(fill: Fill, until_us: int) -> None:
    """Roll every sample before an instant."""
    rows = await fill.run(
        "select series_id, time, value, status from sample where time < %s order by 1, 2", at_us(until_us)
    )
    ids = np.array([row[0] for row in rows], np.int32)
    times = np.array([us_of(row[1]) for row in rows], np.int64)
    values = np.array([np.nan if row[2] is None else row[2] for row in rows], np.float64)
    statuses = np.array([row[3] for row in rows], np.int32).view(np.uint32)
    minutes = roll_minutes(ids, SampleBlock(times, values, statuses))
    pool = await open_pool(fill.url, 1)
    try:
        async with pool.connection() as connection:
            if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
                for table in (ROLLUP_1M, ROLLUP_15M):
                    await Partitions(table).ensure(connection, sorted({int(time) // DAY_US for time in times}))
        async with transaction(pool) as connection:
            await insert_rollups(connection, Resolution.MINUTE, minutes)
            await insert_rollups(connection, Resolution.QUARTER, merge_quarters(minutes))
    finally:
        await pool.close()
    await fill.run("update rollup_progress set closed_until = %s, marked_until = %s", at_us(until_us), at_us(until_us))
