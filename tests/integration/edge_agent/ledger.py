"""The judgement: what the device says it sent, against what the peer has stored and which gaps it was told."""

import sqlite3
from collections import Counter
from pathlib import Path

from tests.fixtures.modbus_plc import CountingDevice
from tests.integration.edge_agent.peer import Peer

TOLERANCE_US = 1_000_000


def outbox_count(path: Path) -> int:
    """How many batches wait in an agent's outbox."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("select count(*) from batch").fetchone()[0])
    finally:
        connection.close()


def assert_complete(device: CountingDevice, peer: Peer, path: str, *, may_miss_last_us: int = 0) -> None:
    """Every count is stored once, or lies inside a gap; nothing is stored that was not sent."""
    gaps = peer.gaps()
    answers = device.answers()
    last_us = max(answer.sent_us for answer in answers)
    for counter in range(device.counters):
        stored = Counter(s.value for s in peer.samples(f"{path}/c{counter}") if s.value is not None)
        sent = {answer.count: answer for answer in answers if answer.counter == counter}
        assert set(stored) <= set(sent), "a count is stored that the device never sent"
        assert not [count for count, times in stored.items() if times > 1], "a count is stored twice"
        missing = [answer for count, answer in sent.items() if count not in stored]
        outside = [
            answer
            for answer in missing
            if not any(gap.from_us <= answer.sent_us and answer.before_us <= gap.to_us for gap in gaps)
            and answer.sent_us < last_us - may_miss_last_us
        ]
        assert len(outside) <= 1, f"{len(outside)} counts of {len(sent)} are neither stored nor in a gap: {outside[:3]}"
        if outside:
            assert outside[0].count == max(sent), "only the answer that the agent was stopped in may be open"


def assert_numbers_closed(peer: Peer) -> None:
    """Of every epoch each number up to the highest is stored or declared lost."""
    for epoch in {arrival.epoch for arrival in peer.arrivals}:
        settled = peer.settled(epoch)
        holes = sorted(set(range(1, max(settled) + 1)) - settled)
        assert not holes, f"numbers of epoch {epoch.hex()[:8]} that nobody knows of: {holes[:5]}"
