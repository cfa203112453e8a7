"""A service with the role notify, alarms that happen in it, and what people configure."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import httpx

from cloud_api.app import create_app
from cloud_api.settings import MqttSettings, Role
from cloud_api.storage.migrate import migrate
from cloud_api.storage.pool import open_pool
from tests.fixtures.mailbox import Hook, Mailbox
from tests.integration.alarms.plant import apply
from tests.integration.api.service import Fill, running, settings_for, wait_ready

PUBLIC = "http://millstream.test"


class Plant:
    """The application, an engineer at it, and its alarms."""

    def __init__(self, client: httpx.AsyncClient, fill: Fill) -> None:
        self.client = client
        self.fill = fill

    async def call(self, method: str, path: str, expect: int = 200, **request: Any) -> dict[str, Any]:
        """Call the API and expect this status."""
        response = await self.client.request(method, f"/api/v1{path}", **request)
        assert response.status_code == expect, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def look(self, path: str) -> httpx.Response:
        """Open a page as a browser does: without any key."""
        request = self.client.build_request("GET", path)
        del request.headers["Authorization"]
        return await self.client.send(request)

    async def mail_channel(self, mailbox: Mailbox, name: str = "shift", **more: Any) -> str:
        """Make a channel that sends mail."""
        body = {
            "kind": "email",
            "name": name,
            "host": "127.0.0.1",
            "port": mailbox.port,
            "security": "none",
            "sender": "millstream@plant.example",
            "to": ["shift@plant.example"],
            "language": "en",
        }
        return str((await self.call("POST", "/notification-channels", json=body | more))["id"])

    async def hook_channel(self, hook: Hook, name: str = "hook", **more: Any) -> str:
        """Make a channel that posts."""
        body = {"kind": "webhook", "name": name, "url": hook.url, "secret": hook.secret, "language": "en"}
        return str((await self.call("POST", "/notification-channels", json=body | more))["id"])

    async def route(self, *channels: str, **more: Any) -> str:
        """Make a route with one step that waits for nothing."""
        body = {
            "name": "all",
            "steps": [{"channels": list(channels)}],
            "group": {"wait": "0s", "interval": "0s"},
        }
        return str((await self.call("POST", "/notification-routes", json=body | more))["id"])

    async def happen(self, *transitions: Any) -> None:
        """Let alarms happen now, and seal what the journal says of it."""
        pool = await open_pool(self.fill.url, 1)
        await apply(pool, *transitions, now=datetime.now(UTC))
        await pool.close()
        await self.seal()

    async def seal(self) -> None:
        """Number the rows of the journal as its sealer does."""
        await self.fill.run(
            "update alarm_journal j set number = s.number, hash = '\\x00' from"
            " (select id, row_number() over (order by id)"
            " + (select coalesce(max(number), 0) from alarm_journal) as number"
            " from alarm_journal where number is null) s where s.id = j.id"
        )

    async def until(self, says: Callable[[list[dict[str, Any]]], bool], **filters: Any) -> list[dict[str, Any]]:
        """Wait until the journal of messages says so."""
        async with asyncio.timeout(60):
            while True:
                items = (await self.call("GET", "/notifications", params=filters))["items"]
                if says(items):
                    return items
                await asyncio.sleep(0.05)

    async def read_through(self) -> None:
        """Wait until the journal of alarms has been read to its end."""
        async with asyncio.timeout(60):
            while True:
                ((is_read,),) = await self.fill.run(
                    "select (select number from notification_cursor)"
                    " = (select coalesce(max(number), 0) from alarm_journal)"
                )
                if is_read:
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def plant(
    url: str, *, roles: frozenset[Role] | None = None, mqtt: MqttSettings | None = None, **notify: Any
) -> AsyncGenerator[Plant]:
    """Run the service on a fresh database; loopback may be reached."""
    await asyncio.to_thread(migrate, url)
    fill = Fill(url)
    settings = settings_for(url)
    usual: dict[str, Any] = {"public_url": PUBLIC, "allowed_networks": (ip_network("127.0.0.0/8"),)}
    settings = replace(settings, mqtt=mqtt, notify=replace(settings.notify, **(usual | notify)))
    app = create_app(settings, roles or frozenset({Role.API, Role.NOTIFY}))
    async with running(app) as client:
        client.headers["Authorization"] = f"Bearer {await fill.key('engineer')}"
        await wait_ready(client)
        yield Plant(client, fill)
