"""People at the alarm list: the real application, a key for each role, and transitions put in as evaluation does."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from cloud_api.alarms.transitions import Transition
from cloud_api.settings import Role
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.alarms.plant import PATH, RAISE, apply, transition
from tests.integration.api.service import Api, serve_api


@dataclass
class Desk:
    """The API, a pool beside it, and the headers of an operator and an engineer."""

    api: Api
    url: str
    operator: Mapping[str, str]
    engineer: Mapping[str, str]

    async def happen(self, *transitions: Transition) -> None:
        """Let evaluation find these."""
        # A pool of its own for a moment: one of the engines has a single session.
        pool: Pool = await open_pool(self.url, 1)
        try:
            await apply(pool, *transitions)
        finally:
            await pool.close()

    async def raised(self, path: str = PATH, **changes: Any) -> str:
        """Raise an alarm; its id."""
        await self.happen(transition(RAISE, path=path, **changes))
        rows = await self.api.fill.run("select id from alarm where instance = %s", path)
        return str(rows[0][0])

    async def post(
        self, address: str, body: Any = None, who: Mapping[str, str] | None = None, **headers: str
    ) -> httpx.Response:
        """POST below /alarms as the operator, or as somebody else."""
        sent = {**(who or self.operator), **headers}
        return await self.api.client.post(f"/api/v1/alarms/{address}", json=body, headers=sent)

    async def done(self, address: str, body: Any = None, who: Mapping[str, str] | None = None) -> dict[str, Any]:
        """POST and expect 200."""
        response = await self.post(address, body, who)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def refused(
        self, address: str, body: Any = None, who: Mapping[str, str] | None = None, **headers: str
    ) -> dict[str, Any]:
        """POST and expect a problem document."""
        response = await self.post(address, body, who, **headers)
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem: dict[str, Any] = response.json()
        return problem

    async def journal(self) -> list[tuple[Any, ...]]:
        """(event, who, from, to, comment) of every row, in the order written."""
        query = "select event, who, from_state, to_state, comment from alarm_journal order by id"
        return await self.api.fill.run(query)


@asynccontextmanager
async def open_desk(url: str, roles: frozenset[Role] = frozenset({Role.API}), **changes: Any) -> AsyncGenerator[Desk]:
    """Serve the API on a fresh database."""
    async with serve_api(url, roles, **changes) as api:
        operator = {"Authorization": f"Bearer {await api.fill.key('operator', name='olga')}"}
        engineer = {"Authorization": f"Bearer {await api.fill.key('engineer', name='eva')}"}
        yield Desk(api, url, operator, engineer)
