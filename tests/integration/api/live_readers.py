"""Readers of live samples, as a test drives them: a feed of their own, looked at by hand."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cloud_api.auth.reach import Reach
from cloud_api.globs import parse_glob
from cloud_api.query.feed import LiveFeed, Paths
from cloud_api.query.live import LiveStream
from cloud_api.query.positions import Position
from cloud_api.query.values import Int64
from cloud_api.server_events import Closing
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.api.service import Api

Event = tuple[str, str, dict[str, Any]]
Made = tuple[LiveFeed, Pool, Closing]


def read_events(data: bytes) -> list[Event]:
    events: list[Event] = []
    for block in data.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            events.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return events


class Reader:
    """Reads a stream as a browser would."""

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        self._events = events
        self.last_id = ""
        self.values: list[tuple[str, float]] = []

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.values) < count:
                await self.one()

    async def one(self) -> list[Event]:
        events = read_events(await anext(self._events))
        for name, event_id, data in events:
            self.last_id = event_id or self.last_id
            if name == "samples":
                self.values += [(each["path"], each["value"]) for each in data["samples"]]
        return events

    async def close(self) -> None:
        await self._events.aclose()


@asynccontextmanager
async def streams(api: Api, look_s: float = 0.02, stale_s: float = 30.0) -> AsyncIterator[Made]:
    """A feed as one API process has it."""
    pool, closing = await open_pool(api.fill.url, 2), Closing()
    async with pool:
        yield LiveFeed(lambda: pool, closing, look_s, stale_s), pool, closing


def reader_of(made: Made, glob: str = "**", seen: Position | None = None, reach: Reach | None = None) -> Reader:
    """Open a stream."""
    feed, pool, closing = made
    paths = Paths(parse_glob(glob), Reach() if reach is None else reach)
    stream = LiveStream(pool, feed, closing, paths, Int64.NUMBER)
    return Reader(stream.events(seen, heartbeat_s=0.2))


async def begun(reader: Reader) -> None:
    """Wait until the reader's place in the stream is known."""
    async with asyncio.timeout(30):
        while not reader.last_id:
            await reader.one()
