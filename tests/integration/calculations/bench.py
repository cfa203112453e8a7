"""A leader of calculations that a test steps by hand, beside the API."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cloud_api.calculations.leader import CalculationLeader
from cloud_api.leases import LeaseKeeper, LeaseTimes
from cloud_api.storage.engine import EngineKind, Partitions, detect_engine
from cloud_api.storage.instants import at_us, us_of
from cloud_api.storage.pool import Pool, open_pool, transaction
from cloud_api.storage.rollup_marks import hold_closed, read_closed
from cloud_api.storage.rollup_writes import mark_changed
from cloud_api.storage.rows import SampleRows
from cloud_api.storage.samples import upsert_latest, upsert_samples
from cloud_api.telemetry import Telemetry
from tests.integration.api.service import Api, at, serve_api

Values = Sequence[tuple[float, float | None, int]]


@dataclass
class Bench:
    """An API with an engineer's key, and the leader."""

    api: Api
    pool: Pool
    leader: CalculationLeader

    async def post(self, address: str, **body: Any) -> dict[str, Any]:
        """POST under /api/v1 and expect that it is done."""
        response = await self.api.client.post(f"/api/v1{address}", json=body)
        assert response.status_code in {200, 201, 202}, response.text
        return response.json()

    async def measured(self, path: str, device: str | None = "plc", **more: Any) -> int:
        """A series of the agent gw-1."""
        return await self.api.fill.series(path, device=device, **more)

    async def until(self, seconds: float, device: str = "plc") -> None:
        """Its device is measured up to there."""
        await self.api.fill.run(
            "insert into agent_until values ('gw-1', %s, %s) on conflict (agent, device) do update"
            " set until_at = excluded.until_at",
            device,
            at(seconds),
        )

    async def store(self, series_id: int, values: Values) -> None:
        """Store samples as ingest does: under the lock, marked where somebody has read already."""
        rows = SampleRows(
            np.full(len(values), series_id, np.int32),
            np.array([us_of(at(second)) for second, _, _ in values], np.int64),
            np.array([status for _, _, status in values], np.uint32).view(np.int32),
            np.array([np.nan if value is None else value for _, value, _ in values]),
            None,
        )
        async with self.pool.connection() as connection:
            if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
                await Partitions().ensure(connection, rows.days())
        async with transaction(self.pool) as connection:
            closed = await read_closed(await hold_closed(connection))
            await upsert_samples(connection, rows)
            last = rows.take(np.array([int(np.argmax(rows.times_us))]))
            await upsert_latest(connection, last, at_us(int(last.times_us[0])))
            await mark_changed(connection, rows.series_ids, rows.times_us, closed, datetime.now(UTC))

    async def step(self) -> None:
        """Let the leader do everything that it can."""
        while await self.leader.step():
            pass

    async def samples(self, series_id: int) -> list[tuple[float, Any, int]]:
        """What the API shows of a series: seconds, value, status."""
        page = await self.api.get(f"/series/{series_id}/samples", limit=100_000)
        return [
            ((datetime.fromisoformat(each["time"]) - at()).total_seconds(), each["value"], each["status"])
            for each in page["items"]
        ]


@asynccontextmanager
async def running_bench(url: str) -> AsyncGenerator[Bench]:
    """Serve the API and hold the lease."""
    async with serve_api(url) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
        pool = await open_pool(url, 3)
        async with pool:
            leader = CalculationLeader(pool, Telemetry())
            keeper = LeaseKeeper(pool, leader._mine, LeaseTimes(ttl_s=60.0))
            await keeper.acquire()
            yield Bench(api, pool, leader)
            await keeper.release()
