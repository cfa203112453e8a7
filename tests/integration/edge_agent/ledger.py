"""The judgement: what the device says it sent, against what the peer has stored and which gaps it was told."""

import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from schemas.batch import Gap, decode
from schemas.sample import Value
from tests.fixtures.modbus_plc import Answer, CountingDevice
from tests.integration.edge_agent.peer import Peer


def outbox_count(path: Path) -> int:
    """How many batches wait in an agent's outbox."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("select count(*) from batch").fetchone()[0])
    finally:
        connection.close()


def waiting_values(path: Path) -> set[tuple[str, Value]]:
    """Paths and values of the samples that still wait in an agent's outbox."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        books = {row[0]: json.loads(row[1]) for row in connection.execute("select hash, tags from dictionary")}
        batches = [decode(row[0]) for row in connection.execute("select payload from batch")]
    finally:
        connection.close()
    found: set[tuple[str, Value]] = set()
    for batch in batches:
        tags = batch.tags or books[batch.dictionary]
        for column in batch.columns:
            found |= {(tags[tag], value) for tag, value in zip(column.tags, column.values or (), strict=False)}
    return found


def assert_complete(device: CountingDevice, peer: Peer, path: str, outbox: Path) -> None:
    """Every count is stored once, waits in the outbox, or lies inside a gap; nothing is stored that was not sent."""
    waiting = waiting_values(outbox)
    gaps = peer.gaps()
    answers = device.answers()
    begun_us = sorted({answer.before_us for answer in answers})
    for counter in range(device.counters):
        tag = f"{path}/c{counter}"
        stored = Counter(sample.value for sample in peer.samples(tag) if sample.value is not None)
        sent = {answer.count: answer for answer in answers if answer.counter == counter}
        assert set(stored) <= set(sent), "a count is stored that the device never sent"
        assert not [count for count, times in stored.items() if times > 1], "a count is stored twice"
        missing = [answer for count, answer in sent.items() if count not in stored and (tag, count) not in waiting]
        outside = [answer for answer in missing if not any(_covers(gap, answer, begun_us) for gap in gaps)]
        # The agent may have been stopped while the device sent its very last answer.
        open_end = [answer for answer in outside if answer.count != max(sent)]
        assert not open_end, f"{len(open_end)} of {len(sent)} counts are neither kept nor in a gap: {open_end[:3]}"


def _covers(gap: Gap, answer: Answer, begun_us: Sequence[int]) -> bool:
    """Whether the sample may lie in the gap: it was stamped when it arrived, before the device was asked again."""
    following = bisect_right(begun_us, answer.before_us)
    stamped_by_us = begun_us[following] if following < len(begun_us) else answer.sent_us
    return gap.from_us <= stamped_by_us and answer.before_us <= gap.to_us


def assert_numbers_closed(peer: Peer) -> None:
    """Of every epoch each number up to the highest is stored or declared lost."""
    for epoch in {arrival.epoch for arrival in peer.arrivals}:
        settled = peer.settled(epoch)
        holes = sorted(set(range(1, max(settled) + 1)) - settled)
        assert not holes, f"numbers of epoch {epoch.hex()[:8]} that nobody knows of: {holes[:5]}"
