"""History that comes late gives way: its lane rests while live batches use the database."""

import pytest

from cloud_api.ingest import lane
from cloud_api.telemetry import Lane
from tests.integration.ingest.conftest import NOW_US, Rig, floats

MONTH_US = 30 * 86_400_000_000
LATE = "hall/press-2/temperature"


def late(seq: int) -> bytes:
    return floats(seq, [float(seq)] * 10, path=LATE, start_us=NOW_US - MONTH_US, epoch=b"l" * 16)


async def test_late_history_rests_while_live_batches_come(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "REST_SHARE", 1e9)
    monkeypatch.setattr(lane, "LONGEST_REST_S", 3_600.0)
    monkeypatch.setattr(lane, "IN_USE_S", 60.0)
    await rig.take(floats(1, [1.0]))
    await rig.take(late(1), lane=Lane.BACKLOG)
    second = rig.offer(late(2), lane=Lane.BACKLOG)
    for seq in range(2, 7):
        await rig.take(floats(seq, [1.0]))
    assert not second.done()
    assert len(await rig.samples(LATE)) == 10


async def test_late_history_goes_on_at_once_when_nothing_else_does(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lane, "REST_SHARE", 1e9)
    monkeypatch.setattr(lane, "LONGEST_REST_S", 3_600.0)
    monkeypatch.setattr(lane, "IN_USE_S", 0.0)
    await rig.take(floats(1, [1.0]))
    for seq in range(1, 4):
        await rig.take(late(seq), lane=Lane.BACKLOG)
    assert len(await rig.samples(LATE)) == 30


async def test_late_history_goes_on_after_its_rest(rig: Rig):
    await rig.take(floats(1, [1.0]))
    for seq in range(1, 4):
        await rig.take(late(seq), lane=Lane.BACKLOG)
        await rig.take(floats(seq + 1, [1.0]))
    assert len(await rig.samples(LATE)) == 30
