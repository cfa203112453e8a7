"""GET /stream: live samples to many readers, resumed from what is stored without hole or double."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud_api.auth.reach import Reach
from cloud_api.globs import parse_glob
from cloud_api.query.live import MOST_BEHIND, LiveFeed, LiveStream, Paths, Position, read_position
from cloud_api.query.values import Int64
from cloud_api.server_events import Closing
from cloud_api.storage.pool import Pool, open_pool
from tests.integration.api.service import GOOD, Api

Event = tuple[str, str, dict[str, Any]]


class Moment:
    """When the samples of a test begin: minutes ago, however long the tests before it took."""

    at = datetime.now(UTC)


@pytest.fixture(autouse=True)
def moment() -> None:
    Moment.at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


def second(number: float) -> datetime:
    return Moment.at + timedelta(seconds=number)


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
async def streams(api: Api, look_s: float = 0.02) -> AsyncIterator[tuple[LiveFeed, Pool, Closing]]:
    pool, closing = await open_pool(api.fill.url, 2), Closing()
    async with pool:
        yield LiveFeed(lambda: pool, closing, look_s), pool, closing


def reader_of(made: tuple[LiveFeed, Pool, Closing], glob: str = "**", seen: Position | None = None) -> Reader:
    feed, pool, closing = made
    stream = LiveStream(pool, feed, closing, Paths(parse_glob(glob), Reach()), Int64.NUMBER)
    return Reader(stream.events(seen, heartbeat_s=0.2))


async def begun(reader: Reader) -> None:
    """Wait until the reader's place in the stream is known."""
    async with asyncio.timeout(30):
        while not reader.last_id:
            await reader.one()


async def test_every_new_sample_comes_once_and_only_what_was_asked_for(api: Api):
    first, second_id = await api.fill.series("s/a"), await api.fill.series("t/b")
    await api.fill.samples(first, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made, "s/*")
        await begun(reader)
        assert reader.values == []
        await api.fill.samples(first, [(second(1), 1.0, None, GOOD), (second(2), 2.0, None, GOOD)])
        await api.fill.samples(second_id, [(second(1), 9.0, None, GOOD)])
        await api.fill.samples(first, [(second(3), 3.0, None, GOOD)])
        await reader.until(3)
        assert reader.values == [("s/a", 1.0), ("s/a", 2.0), ("s/a", 3.0)]
        await reader.close()


async def test_a_reader_resumes_without_hole_or_double_at_another_process(api: Api):
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made)
        await begun(reader)
        await api.fill.samples(series_id, [(second(1), 1.0, None, GOOD)])
        await reader.until(1)
        await reader.close()
    await api.fill.samples(series_id, [(second(2), 2.0, None, GOOD), (second(3), 3.0, None, GOOD)])
    async with streams(api) as made:
        again = reader_of(made, seen=read_position(reader.last_id))
        await again.until(2)
        await api.fill.samples(series_id, [(second(4), 4.0, None, GOOD)])
        await again.until(3)
        assert [value for _, value in again.values] == [2.0, 3.0, 4.0]
        assert again.last_id != reader.last_id
        await again.close()


async def test_a_transaction_that_commits_late_is_not_missed(postgres_api: Api):
    import psycopg

    api = postgres_api
    slow, quick = await api.fill.series("s/slow"), await api.fill.series("s/quick")
    for series_id in (slow, quick):
        await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        reader = reader_of(made)
        await begun(reader)
        async with await psycopg.AsyncConnection.connect(api.fill.url) as connection:
            await connection.execute(
                "insert into sample (series_id, time, value, status) values (%s, %s, 1, 0)", (slow, second(1))
            )
            await connection.execute("update latest set time = %s where series_id = %s", (second(1), slow))
            await api.fill.samples(quick, [(second(5), 5.0, None, GOOD)])
            await reader.until(1)
            assert reader.values == [("s/quick", 5.0)]
            # Resumed between the two commits: what was open then is still to come, what was seen does not come again.
            resumed = reader_of(made, seen=read_position(reader.last_id))
            await begun(resumed)
            await connection.commit()
        for each in (reader, resumed):
            await each.until(2 if each is reader else 1)
            assert each.values[-1] == ("s/slow", 1.0)
            await each.close()
        late = reader_of(made, seen=read_position(reader.last_id))
        await begun(late)
        assert late.values == []
        await late.close()


async def test_a_slow_reader_gets_the_last_of_each_and_is_told(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        slow, quick = reader_of(made), reader_of(made)
        await begun(slow)
        await begun(quick)
        for number in range(1, MOST_BEHIND + 4):
            await api.fill.samples(series_id, [(second(number), float(number), None, GOOD)])
            await quick.until(number)
        events = await slow.one()
        assert [value for _, value in slow.values] == [float(MOST_BEHIND + 3)]
        assert [data["skipped"] for name, _, data in events if name == "samples"] == [True]
        assert len(quick.values) == MOST_BEHIND + 3
        await slow.close()
        await quick.close()


async def test_who_was_away_too_long_is_told_what_to_ask_the_history_for(postgres_api: Api):
    async with streams(postgres_api) as made:
        reader = reader_of(made, seen=Position("100:100:", 1_000_000))
        told: list[Event] = []
        while not told:
            told = await reader.one()
        assert told[0][0] == "missed"
        assert told[0][2]["from"] == "1970-01-01T00:00:01.000000Z"
        await reader.close()


async def test_hundreds_of_readers_share_one_look(postgres_api: Api):
    api = postgres_api
    series_id = await api.fill.series("s/a")
    await api.fill.samples(series_id, [(second(0), 0.0, None, GOOD)])
    async with streams(api) as made:
        readers = [reader_of(made) for _ in range(300)]
        await asyncio.gather(*(begun(reader) for reader in readers))
        for number in range(1, 4):
            await api.fill.samples(series_id, [(second(number), float(number), None, GOOD)])
            await asyncio.gather(*(reader.until(number) for reader in readers))
        assert all([value for _, value in reader.values] == [1.0, 2.0, 3.0] for reader in readers)
        for reader in readers:
            await reader.close()


@pytest.mark.parametrize("text", ["x", "1:2@3", "1:2:@", "1:2:3@-1", "1:2:3;drop@4"])
async def test_ids_of_others_are_refused(postgres_api: Api, text: str):
    problem = await postgres_api.refused("GET", "/stream", params={"path": "**"}, headers={"Last-Event-ID": text})
    assert (problem["status"], problem["field"]) == (400, "Last-Event-ID")
