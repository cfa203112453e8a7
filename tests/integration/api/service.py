"""The API as a test drives it: the application in this process, its database filled by plain SQL."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from cloud_api.app import create_app
from cloud_api.auth.tokens import Token, hash_secret, make_token
from cloud_api.settings import CloudSettings, Role, read_settings
from cloud_api.storage.engine import DAY_US, EngineKind, Partitions, detect_engine
from cloud_api.storage.migrate import migrate

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = datetime(2026, 1, 31, 8, tzinfo=UTC)
GOOD, UNCERTAIN, BAD = 0, 0x40000000, 0x80000000

Row = tuple[datetime, float | None, str | None, int]


def at(seconds: float = 0, microseconds: int = 0) -> datetime:
    """An instant after START."""
    return START + timedelta(seconds=seconds, microseconds=microseconds)


def shown(instant: datetime) -> str:
    """As the API writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Fill:
    """Puts rows into the database as ingest would have."""

    url: str

    async def run(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a connection of its own."""
        async with await psycopg.AsyncConnection.connect(
            self.url, autocommit=True, prepare_threshold=None
        ) as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def series(self, path: str, kind: str = "f64", agent: str = "gw-1", **more: Any) -> int:
        """Make a series."""
        columns = {"source_agent": agent, "source_path": path, "path": path, "kind": kind} | more
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        rows = await self.run(f"insert into series ({names}) values ({marks}) returning id", *columns.values())
        return int(rows[0][0])

    async def samples(self, series_id: int, rows: Sequence[Row]) -> None:
        """Store samples of a series, and the last as its latest."""
        async with await psycopg.AsyncConnection.connect(
            self.url, autocommit=True, prepare_threshold=None
        ) as connection:
            if (await detect_engine(connection)).kind is EngineKind.POSTGRES:
                await Partitions().ensure(
                    connection, {(row[0] - EPOCH) // timedelta(microseconds=DAY_US) for row in rows}
                )
            signed = [
                (series_id, time, value, text, status - 2**32 if status >= 2**31 else status)
                for time, value, text, status in rows
            ]
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(
                    "insert into sample (series_id, time, value, text, status) values (%s, %s, %s, %s, %s)", signed
                )
                await cursor.execute(
                    "insert into latest (series_id, time, value, text, status, arrived_at)"
                    " values (%s, %s, %s, %s, %s, now()) on conflict (series_id) do update set"
                    " (time, value, text, status) = (excluded.time, excluded.value, excluded.text, excluded.status)",
                    signed[-1],
                )

    async def key(self, role: str | None = "viewer", scopes: Sequence[str] = (), **more: Any) -> str:
        """Make an API key."""
        token = make_token(_random)
        await self._insert_key(token, role, scopes, more)
        return str(token)

    async def _insert_key(self, token: Token, role: str | None, scopes: Sequence[str], more: dict[str, Any]) -> None:
        columns = {
            "name": f"test-{role}",
            "prefix": token.prefix,
            "hash": hash_secret(token),
            "role": role,
            "scopes": list(scopes),
        } | more
        names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        await self.run(f"insert into api_key ({names}) values ({marks})", *columns.values())


@dataclass
class Api:
    """A running application, a client with a viewer's key, and the way to fill its database."""

    client: httpx.AsyncClient
    fill: Fill

    async def get(self, address: str, /, **parameters: Any) -> dict[str, Any]:
        """GET under /api/v1 and expect 200."""
        response = await self.client.get(f"/api/v1{address}", params=parameters)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = json.loads(response.text)
        return answer

    async def query(self, **body: Any) -> dict[str, Any]:
        """POST /query and expect 200."""
        response = await self.client.post("/api/v1/query", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = json.loads(response.text)
        return answer

    async def refused(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """Call under /api/v1 and expect a problem document."""
        response = await self.client.request(method, f"/api/v1{path}", **request)
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem: dict[str, Any] = response.json()
        assert problem["status"] == response.status_code
        return problem

    async def pages(self, address: str, /, limit: int, **parameters: Any) -> AsyncGenerator[list[dict[str, Any]]]:
        """Walk through a listing by its cursors."""
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(address, limit=limit, **parameters, **cursor)
            yield page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}


def settings_for(url: str, **changes: Any) -> CloudSettings:
    """Settings of an API process on this database."""
    environ = {
        "MILLSTREAM_DATABASE_URL": url,
        "MILLSTREAM_HTTP_PORT": "0",
        # Tests and the document have instants of their own, older than what a service keeps by default.
        "MILLSTREAM_RETENTION_RAW": "forever",
        "MILLSTREAM_RETENTION_1M": "forever",
    }
    return replace(read_settings(environ, frozenset({Role.API})), **changes)


@asynccontextmanager
async def serve_api(url: str, roles: frozenset[Role] = frozenset({Role.API}), **changes: Any) -> AsyncGenerator[Api]:
    """Migrate the database, start the application on it, give the client a viewer's key."""
    await asyncio.to_thread(migrate, url)
    fill = Fill(url)
    key = await fill.key("viewer")
    # Somebody is there, so that a start costs no password hash; the first start has a test of its own.
    await fill.run("insert into principal (name, role) values ('admin', 'admin') on conflict do nothing")
    app = create_app(settings_for(url, **changes), roles)
    async with running(app) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        await wait_ready(client)
        yield Api(client, fill)


@asynccontextmanager
async def running(app: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """Run the application's lifespan around a client that calls it without a socket."""
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False, client=("192.0.2.1", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://millstream", timeout=60) as client:
            yield client


async def wait_ready(client: httpx.AsyncClient) -> None:
    """Wait until every part is ready."""
    async with asyncio.timeout(60):
        while (await client.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.02)


def _random(count: int) -> bytes:
    import secrets

    return secrets.token_bytes(count)
