"""The stream of alarms: a snapshot first, then every sealed change once, whatever is restarted in between."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from cloud_api.alarms.duty import LEASE
from cloud_api.alarms.journal import stream as stream_module
from cloud_api.alarms.journal.feed import Feed, FeedTimes
from cloud_api.alarms.journal.sealing import JOURNAL_TABLE
from cloud_api.alarms.journal.stream import AlarmStream, StreamOptions
from cloud_api.globs import parse_glob
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.sealing.sealer import seal
from cloud_api.server_events import Closing
from cloud_api.storage.alarm_list import AlarmFilter
from cloud_api.storage.pool import Pool
from tests.fixtures.processes import Child, Processes, find_free_port
from tests.integration.alarms.plant import CLEAR, RAISE, apply, transition
from tests.integration.api.service import Fill


@dataclass
class Seen:
    """What a reader has taken out of a stream."""

    snapshots: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    last_id: int | None = None
    heartbeats: int = 0

    def take(self, event: str) -> None:
        """Read one event as a browser does."""
        lines = [line.partition(": ") for line in event.splitlines() if not line.startswith(":")]
        fields = {name: value for name, _, value in lines}
        if "id" in fields:
            self.last_id = int(fields["id"])
        self.heartbeats += event.count(": alive")
        if fields.get("event") == "snapshot":
            self.snapshots.append(json.loads(fields["data"]))
        elif fields.get("event") == "change":
            self.changes.append(json.loads(fields["data"]))
            assert self.last_id == self.changes[-1]["number"]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the changes, in the order in which they came."""
        return [change["number"] for change in self.changes]


@dataclass
class Source:
    """A database with a sealer, and streams that read it."""

    pool: Pool
    mine: Ownership
    closing: Closing = field(default_factory=Closing)

    async def happen(self, *kinds: Any, path: str = "hall/pump/p", **changes: Any) -> None:
        """Let something happen and seal it."""
        await apply(self.pool, *[transition(kind, path=path, **changes) for kind in kinds])
        await seal(self.pool, self.mine, JOURNAL_TABLE)

    @asynccontextmanager
    async def reading(
        self, after: int | None = None, heartbeat_s: float = 30, **wanted: Any
    ) -> AsyncGenerator[tuple[Seen, Any]]:
        """Open a stream; what was seen, and a way to take the next piece of it."""
        feed = Feed(lambda: self.pool, self.closing, FeedTimes(look_s=0.01))
        options = StreamOptions(AlarmFilter(**wanted), in_chinese=False, heartbeat_s=heartbeat_s)
        events = AlarmStream(self.pool, feed, self.closing, options).events(after)
        seen = Seen()

        async def take() -> None:
            async with asyncio.timeout(30):
                for event in (await anext(events)).decode().split("\n\n"):
                    seen.take(event)

        await take()  # retry
        yield seen, take
        await events.aclose()


@pytest.fixture
async def source(postgres_pool: Pool) -> Source:
    mine = Ownership(LEASE, new_owner())
    await LeaseKeeper(postgres_pool, mine, LeaseTimes()).acquire()
    return Source(postgres_pool, mine)


async def test_a_snapshot_comes_first_and_then_the_changes(source: Source):
    await source.happen(RAISE)
    await source.happen(RAISE, CLEAR, path="hall/fan/n")
    async with source.reading() as (seen, take):
        await take()
        (snapshot,) = seen.snapshots
        assert (snapshot["number"], snapshot["parts"], seen.last_id) == (3, 1, 3)
        assert {(item["path"], item["state"]) for item in snapshot["items"]} == {
            ("hall/pump/p", "unacknowledged"),
            ("hall/fan/n", "returned"),
        }
        await source.happen(CLEAR, RAISE)
        await take()
        assert [(change["event"], change["to"]) for change in seen.changes] == [
            ("clear", "returned"),
            ("raise", "unacknowledged"),
        ]
        assert [change["alarm"] and change["alarm"]["version"] for change in seen.changes] == [None, 3]


async def test_a_large_snapshot_comes_in_parts_and_has_its_number_at_the_end(
    source: Source, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream_module, "SNAPSHOT_ALARMS", 4)
    await apply(source.pool, *[transition(RAISE, path=f"hall/pump-{number}/p") for number in range(10)])
    await seal(source.pool, source.mine, JOURNAL_TABLE)
    async with source.reading() as (seen, take):
        await take()
        assert seen.last_id is None, "who is cut off here gets the whole snapshot again"
        await take()
        await take()
        assert [len(part["items"]) for part in seen.snapshots] == [4, 4, 2]
        assert seen.last_id == 10


async def test_who_comes_back_gets_what_he_missed_once(source: Source):
    await source.happen(RAISE, CLEAR)
    async with source.reading() as (seen, take):
        await take()
        await source.happen(RAISE)
        await take()
    await source.happen(CLEAR, RAISE, CLEAR)
    async with source.reading(after=seen.last_id) as (again, take):
        await take()
        assert (again.snapshots, seen.numbers + again.numbers) == ([], [3, 4, 5, 6])
    # A number that this chain has not reached yet is of another one.
    async with source.reading(after=99) as (other, take):
        await take()
        assert (other.last_id, len(other.snapshots)) == (6, 1)


async def test_who_is_too_far_back_gets_a_snapshot_in_place_of_the_changes(
    source: Source, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream_module, "MAX_LAG", 5)
    await source.happen(RAISE)
    async with source.reading() as (seen, take):
        await take()
        await source.happen(*(CLEAR, RAISE) * 10)
        async with source.reading(after=1) as (late, take_late):
            await take_late()
            assert (len(late.snapshots), late.changes, late.last_id) == (1, [], 21)
        # A reader that is connected is served from where it is, in pages.
        await take()
        assert seen.numbers == list(range(2, 22))


async def test_readers_further_back_than_memory_read_the_database(source: Source, monkeypatch: pytest.MonkeyPatch):
    from cloud_api.alarms.journal import feed

    monkeypatch.setattr(feed, "KEPT_ROWS", 4)
    monkeypatch.setattr(feed, "PAGE_ROWS", 3)
    await source.happen(*(RAISE, CLEAR) * 10)
    async with source.reading(after=2) as (seen, take):
        while len(seen.numbers) < 18:
            await take()
        assert seen.numbers == list(range(3, 21))


async def test_filters_leave_out_and_the_number_goes_on(source: Source):
    await source.happen(RAISE, path="gate/door/p")
    await source.happen(RAISE)
    async with source.reading(glob=parse_glob("hall/**")) as (seen, take):
        await take()
        assert [item["path"] for item in seen.snapshots[0]["items"]] == ["hall/pump/p"]
        await source.happen(CLEAR, path="gate/door/p")
        await take()
        assert (seen.changes, seen.last_id) == ([], 3)
        await source.happen(CLEAR)
        await take()
        assert seen.numbers == [4]


async def test_a_quiet_stream_says_that_it_lives_and_ends_with_the_server(source: Source):
    await source.happen(RAISE)
    async with source.reading(heartbeat_s=0.05) as (seen, take):
        await take()
        await take()
        assert (seen.heartbeats, seen.last_id) == (1, 1)
    async with source.reading() as (_, take):
        await take()
        waiting = asyncio.create_task(take())
        await asyncio.sleep(0)
        source.closing.set()
        # What was waited for is told; then it is over.
        await waiting
        with pytest.raises(StopAsyncIteration):
            await take()


async def test_streams_of_two_processes_go_on_over_kills_without_hole_or_double(
    postgres_pool: Pool, postgres_url: str, processes: Processes
):
    key = await Fill(postgres_url).key("viewer")
    ports = (find_free_port(), find_free_port())
    servers = [_serve(processes, postgres_url, port) for port in ports]
    readers = [Reader(port, key) for port in ports]
    await asyncio.gather(*[_ready(port) for port in ports])
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    for round_number in range(4):
        await apply(postgres_pool, *[transition(kind) for kind in (RAISE, CLEAR) * 10])
        await asyncio.gather(*[reader.until((round_number + 1) * 20) for reader in readers])
        if round_number < 2:
            servers[round_number].kill()
            servers[round_number].start()
    assert await asyncio.to_thread(servers[0].terminate) == 0
    for reader, task in zip(readers, reading, strict=True):
        task.cancel()
        numbers = reader.seen.numbers
        first = reader.seen.snapshots[0]["number"]
        assert numbers == list(range(first + 1, 81))
        assert len(reader.seen.snapshots) == 1
    # Told to end, the server ended the stream instead of cutting it.
    assert readers[0].clean_ends >= 1


def _serve(processes: Processes, url: str, port: int) -> Child:
    environment = {"MILLSTREAM_DATABASE_URL": url, "MILLSTREAM_HTTP_PORT": str(port)}
    roles = ("--role", "api", "--role", "alarms")
    return processes.millstream("cloud", "run", *roles, name=f"cloud-{port}", **environment).start()


async def _ready(port: int) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@dataclass
class Reader:
    """A browser's EventSource: comes back after every end, with the last id."""

    port: int
    key: str
    seen: Seen = field(default_factory=Seen)
    clean_ends: int = 0

    async def read(self) -> None:
        """Read for ever."""
        while True:
            try:
                await self._read_once()
                self.clean_ends += 1
            except (httpx.TransportError, httpx.HTTPStatusError):
                pass
            await asyncio.sleep(0.05)

    async def until(self, number: int) -> None:
        """Wait until this number was seen."""
        async with asyncio.timeout(60):
            while (self.seen.last_id or 0) < number:
                await asyncio.sleep(0.02)

    async def _read_once(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        if self.seen.last_id is not None:
            headers["Last-Event-ID"] = str(self.seen.last_id)
        address = f"http://127.0.0.1:{self.port}/api/v1/alarms/stream"
        async with httpx.AsyncClient(timeout=60) as client, client.stream("GET", address, headers=headers) as response:
            if response.status_code == 503:
                # It was just started and has not reached its database yet.
                response.raise_for_status()
            assert response.status_code == 200
            event: list[str] = []
            async for line in response.aiter_lines():
                if line:
                    event.append(line)
                elif event:
                    self.seen.take("\n".join(event))
                    event = []
