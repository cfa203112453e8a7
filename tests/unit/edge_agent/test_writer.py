"""Between scanning and the disk: one commit a window, nothing lost when the disk refuses or the file is damaged."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.clock import EARLIEST_US, AgentClock
from edge_agent.outbox import Outbox
from edge_agent.outbox_content import Caps, Confirmation
from edge_agent.packing import Packer, TagBook
from edge_agent.salvage import OutboxInUse, OutboxMark, open_outbox
from edge_agent.telemetry import Count, Counters
from edge_agent.writer import OutboxWriter, WriterSettings
from schemas.batch import Batch, GapReason, decode
from schemas.sample import Kind

BOOK = TagBook.of(["a/b", "a/c"])
NOW_US = EARLIEST_US + 10**12
CAPS = Caps(1 << 20, 10**15, is_oldest_evicted=True)


class Wall:
    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        self.now_us += 1
        return self.now_us


class Desk:
    """A writer with everything around it, on a real file."""

    def __init__(self, folder: Path, wall: Wall, memory_bytes: int = 1 << 20) -> None:
        self.path = folder / "outbox.db"
        self.counters, self.clock = Counters(), AgentClock(wall)
        self.mark = OutboxMark(folder / "mark")
        self.outbox = open_outbox(self.path, CAPS, self.mark, self.clock.now_us()).outbox
        packer = Packer("gw", b"e" * 16, covered_us=NOW_US)
        settings = WriterSettings(window_s=0.001, idle_s=0.001, memory_bytes=memory_bytes)
        self.writer = OutboxWriter(self.outbox, self.mark, packer, self.clock, self.counters, settings)

    def put(self, *values: float, time_us: int | None = None) -> None:
        collected = self.writer.collected(BOOK)
        column = collected.columns[Kind.F64]
        for value in values:
            column.tags.append(0)
            column.times_us.append(self.clock.now_us() if time_us is None else time_us)
            column.statuses.append(0)
            column.values.append(value)
        collected.until["plc"] = column.times_us[-1]
        self.writer.notice(has_samples=True)

    def batches(self) -> list[Batch]:
        reader = Outbox(self.path, CAPS)
        reader.open()
        found = [decode(stored.payload) for stored in reader.peek(0, None, 1_000)]
        reader.close()
        return found

    def values(self) -> list[object]:
        return [value for batch in self.batches() for column in batch.columns for value in column.values or ()]


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def desk(tmp_path: Path, wall: Wall) -> Iterator[Desk]:
    made = Desk(tmp_path, wall)
    yield made
    made.outbox.close()


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[OutboxWriter]:
    task = asyncio.create_task(desk.writer.run())
    yield desk.writer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await desk.writer.close()


async def test_what_was_collected_is_durable_when_it_says_so(desk: Desk) -> None:
    async with running(desk) as writer:
        desk.put(1.0, 2.0)
        await writer.durable()
        assert desk.values() == [1.0, 2.0]
        assert desk.outbox.progress()["plc"] > NOW_US
        desk.put(3.0)
    assert desk.values() == [1.0, 2.0, 3.0], "a clean end leaves nothing behind"


async def test_confirmed_batches_leave_with_a_later_commit(desk: Desk) -> None:
    async with running(desk) as writer:
        for value in (1.0, 2.0, 3.0):
            desk.put(value)
            await writer.durable()
        writer.confirm(Confirmation(b"e" * 16, 1, 2))
        await writer.flush()
        assert desk.values() == [3.0]


async def test_list_of_tags_is_named_by_hash_once_it_is_known(desk: Desk) -> None:
    async with running(desk) as writer:
        desk.put(1.0)
        await writer.durable()
        await writer.set_known(BOOK.digest, is_known=True)
        desk.put(2.0)
        await writer.durable()
        first, second = desk.batches()
        assert (first.tags, first.dictionary) == (BOOK.tags, None)
        assert (second.tags, second.dictionary) == (None, BOOK.digest)
        assert desk.outbox.dictionary(BOOK.digest) == BOOK.tags


async def test_disk_that_refuses_keeps_samples_waiting_and_tells_what_it_cost(desk: Desk, tmp_path: Path) -> None:
    desk.writer._settings = WriterSettings(0.001, 0.001, memory_bytes=600)
    desk.outbox.close()
    aside = tmp_path / "aside"
    desk.path.rename(aside)
    desk.path.mkdir()  # a directory where the file should be: it cannot be opened
    for value in range(20):
        desk.put(float(value))
        await desk.writer.flush()
    assert desk.counters[Count.COMMITS_FAILED] == 20
    assert desk.counters[Count.BATCHES_DROPPED] > 0
    desk.path.rmdir()
    aside.rename(desk.path)
    await desk.writer.flush()
    desk.put(99.0)
    await desk.writer.flush()
    dropped = desk.counters[Count.BATCHES_DROPPED]
    assert desk.values() == [float(value) for value in range(dropped, 20)] + [99.0]
    (gap,) = [gap for batch in desk.batches() for gap in batch.gaps]
    assert (gap.reason, gap.batches) == (GapReason.OUTBOX_FULL, (b"e" * 16, 1, dropped))
    await desk.writer.close()


async def test_file_damaged_meanwhile_is_set_aside_and_nothing_readable_is_lost(desk: Desk) -> None:
    for value in range(300):
        desk.put(float(value))
        await desk.writer.flush()
    desk.outbox.close()
    with desk.path.open("r+b") as file:
        file.seek(4096 * 9)
        file.write(b"\xff" * 4096)
    desk.put(1_000.0)
    await desk.writer.flush()  # finds the damage
    await desk.writer.flush()
    desk.put(1_001.0)
    await desk.writer.flush()
    assert desk.counters[Count.OUTBOX_SALVAGED] == 1
    assert desk.writer.generation == 1
    values = desk.values()
    assert values[-2:] == [1_000.0, 1_001.0]
    lost = set(range(300)) - {int(value) for value in values if isinstance(value, float)}
    gaps = [gap for batch in desk.batches() for gap in batch.gaps if gap.reason == GapReason.OUTBOX_CORRUPT]
    assert bool(lost) == bool(gaps)
    told = {seq for gap in gaps if gap.batches for seq in range(gap.batches[1], gap.batches[2] + 1)}
    assert {value + 1 for value in lost} <= told
    assert any(".corrupt-" in path.name for path in desk.path.parent.iterdir())
    await desk.writer.close()


async def test_samples_of_a_clock_that_is_not_set_wait_for_it(tmp_path: Path, wall: Wall) -> None:
    wall.now_us = 5_000
    desk = Desk(tmp_path, wall)
    async with running(desk) as writer:
        desk.put(1.0)
        desk.put(2.0, time_us=NOW_US)  # of a device with a clock of its own
        await asyncio.sleep(0)
        assert desk.values() == []
        wall.now_us = NOW_US + 60_000_000
        await writer.durable()
        ((column,),) = [batch.columns for batch in desk.batches()]
        assert column.times_us[1] == NOW_US
        assert NOW_US < column.times_us[0] <= wall.now_us


def test_second_owner_of_an_outbox_is_refused(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(OutboxInUse, match="another running agent"):
        OutboxMark(tmp_path / "mark")
    assert desk.mark.read() is None
    desk.mark.write(123)
    assert desk.mark.read() == 123


async def test_a_stop_while_the_disk_is_busy_loses_nothing(desk: Desk) -> None:
    """The commit that waits for its turn is what was measured last before the agent stops."""
    turn = threading.Event()
    busy = asyncio.create_task(desk.writer.call(turn.wait))
    desk.put(1.0)
    flushing = asyncio.create_task(desk.writer.flush())
    await asyncio.sleep(0)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    turn.set()
    await busy
    await desk.writer.close()
    assert desk.values() == [1.0]
