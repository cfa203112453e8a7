"""The role `rollups` gets materialised calculations on by itself."""

import asyncio
from datetime import UTC, datetime

from cloud_api.settings import Role
from tests.integration.api.service import GOOD, serve_api


async def test_a_process_with_the_role_calculates_what_another_was_asked_for(postgres_url: str):
    async with serve_api(postgres_url, frozenset({Role.API, Role.ROLLUPS})) as api:
        api.client.headers["Authorization"] = f"Bearer {await api.fill.key('engineer')}"
        series_id = await api.fill.series("line/a", device="plc")
        now = datetime.now(UTC)
        await api.fill.samples(series_id, [(now, 4.0, None, GOOD)])
        await api.fill.run("insert into agent_until values ('gw-1', 'plc', now() + interval '1 second')")
        body = {
            "path": "line/double",
            "expression": '2 * "line/a"',
            "mode": "materialised",
            "backfill_from": now.isoformat(),
        }
        made = await api.client.post("/api/v1/calculations", json=body)
        assert made.status_code == 201, made.text
        address = f"/series/{made.json()['series_id']}/samples"
        async with asyncio.timeout(60):
            while not (items := (await api.get(address))["items"]):
                await asyncio.sleep(0.05)
        assert [each["value"] for each in items] == [8.0]
